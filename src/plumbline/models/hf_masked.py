"""Masked language models: candidates at a mask, and pseudo-log-likelihoods.

Pseudo-log-likelihood (Salazar et al. 2020, arXiv 1910.14659): each token's log-probability with
that token alone masked. Many masked copies, of many sentences, go through the model together;
the vocabulary head sees the masked positions only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from plumbline.core.answers import Floats, LogProbs, Nexts
from plumbline.core.errors import BadInput
from plumbline.core.questions import MASK, Batch
from plumbline.models.abilities import Cost, Rows
from plumbline.models.choose_derived import NONE
from plumbline.models.hf_adapter import HfAdapter, MakeTask, Task
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.hf_top_fills import TopTask, sides
from plumbline.models.hf_unmasked import UnmaskedTask
from plumbline.models.torch_batches import Unit, blank, chunks, distinct, pack, padded
from plumbline.models.vocabulary_head import picked_log_probs


def open_masked(hf: HfModel) -> HfAdapter:
    """The adapter of a loaded masked model."""
    if hf.tokenizer.mask_token_id is None:
        raise BadInput(f"{hf.name} has no mask token; it cannot be asked as a masked model")
    facts = {"mask": hf.tokenizer.mask_token, "special_tokens": "scored never, added always"}
    return HfAdapter(hf, {"fill": _fill}, lambda: dict(facts))


def _fill(hf: HfModel, batch: Batch) -> Task:
    modes: Mapping[str, MakeTask] = {
        "pseudo": PseudoTask, "unmasked": UnmaskedTask, "attended": UnmaskedTask, "top": TopTask,
    }  # fmt: skip
    return modes.get(batch.settings.get("mode", ""), FillTask)(hf, batch)


@dataclass(frozen=True, slots=True)
class Masked:
    """A sequence with masks, and the tokens that were there."""

    ids: tuple[int, ...]
    places: tuple[int, ...]
    targets: tuple[int, ...]


def mask_at(hf: HfModel, ids: Sequence[int], places: Sequence[int]) -> Masked:
    """The sequence with these places masked."""
    masked = list(ids)
    for place in places:
        masked[place] = hf.tokenizer.mask_token_id
    return Masked(tuple(masked), tuple(places), tuple(ids[p] for p in places))


def masked_scores(hf: HfModel, sequences: Sequence[Masked]) -> list[Floats]:
    """Log-probabilities of the masked-out tokens of each sequence, in nats.

    Sequences that differ in their targets only (candidates at one mask) are one pass's row.
    """
    firsts, which = distinct([s.ids for s in sequences])
    members: list[list[int]] = [[] for _ in firsts]
    for i, k in enumerate(which):
        members[k].append(i)
    found: list[Floats] = [NONE] * len(sequences)
    for chunk in chunks([len(sequences[i].ids) for i in firsts], hf.at_once):
        part = [members[k] for k in chunk]
        for i, values in _pass(hf, sequences, part):
            found[i] = values
    return found


def _pass(
    hf: HfModel, sequences: Sequence[Masked], part: Sequence[Sequence[int]]
) -> list[tuple[int, Floats]]:
    import torch

    ids, mask = padded([sequences[some[0]].ids for some in part], hf.pad, hf.device)
    flat: list[int] = []
    pairs: list[tuple[int, int]] = []
    owners: list[int] = []
    for row, some in enumerate(part):
        base = {p: len(flat) + k for k, p in enumerate(sequences[some[0]].places)}
        flat += [row * ids.shape[1] + p for p in base]
        for i in some:
            pairs += [
                (base[p], t) for p, t in zip(sequences[i].places, sequences[i].targets, strict=True)
            ]
            owners.append(i)
    index = torch.tensor(flat, device=hf.device)
    logits, _ = hf.logits_at(index, input_ids=ids, attention_mask=mask)
    rows, targets = torch.tensor(pairs, device=hf.device).T
    values = picked_log_probs(logits, rows, targets).double().cpu().numpy()
    ends = np.cumsum([len(sequences[i].places) for i in owners])
    return list(zip(owners, np.split(values, ends[:-1]), strict=True))


@final
class PseudoTask:
    """Each token's log-probability with that token alone masked."""

    def __init__(self, hf: HfModel, batch: Batch) -> None:
        self.hf, self.batch = hf, batch
        texts = list(batch.columns["text"])
        coded = hf.tokenizer(texts, return_special_tokens_mask=True) if texts else {}
        self.ids: list[list[int]] = coded["input_ids"] if texts else []
        special = coded["special_tokens_mask"] if texts else []
        self.places = [[p for p, s in enumerate(row) if not s] for row in special]
        self.status = [
            hf.too_long(len(ids)) if places else "empty text: nothing to score"
            for ids, places in zip(self.ids, self.places, strict=True)
        ]

    def parts(self, bound: int) -> list[Rows]:
        """A unit a text, with a copy a token."""
        return pack(
            [
                blank(i) if status else Unit((i,), len(ids), len(places), key=(ids,))
                for i, (ids, places, status) in enumerate(
                    zip(self.ids, self.places, self.status, strict=True)
                )
            ],
            bound,
        )

    def cost(self) -> Cost:
        """Tokens read: every copy in full."""
        rows = zip(self.ids, self.places, strict=True)
        return Cost(tokens_in=sum(len(ids) * len(places) for ids, places in rows))

    def run(self, rows: Sequence[int]) -> LogProbs:
        """Answers of these rows."""
        open_rows = [i for i in rows if not self.status[i]]
        sequences = [mask_at(self.hf, self.ids[i], [p]) for i in open_rows for p in self.places[i]]
        values = np.concatenate([NONE, *masked_scores(self.hf, sequences)])
        ends = np.cumsum([len(self.places[i]) for i in open_rows])
        split = dict(zip(open_rows, np.split(values, ends[:-1]), strict=True)) if open_rows else {}
        return LogProbs.of([self._answer(i, split) for i in rows])

    def _answer(self, row: int, values: dict[int, Floats]) -> tuple[Floats, list[str]] | str:
        if self.status[row]:
            return self.status[row]
        tokens = [self.ids[row][p] for p in self.places[row]]
        pieces = self.hf.tokenizer.convert_ids_to_tokens(tokens)
        return finite(values[row], self.batch.columns["text"][row]), pieces


@final
class FillTask:
    """log P(candidate) at the one mask of each text.

    A candidate is tokenised in its place, so that leading spaces and word pieces are as in
    running text; its k tokens are masked together and their log-probabilities added. Hidden
    characters are masked token by token beside it, and not scored.
    """

    def __init__(self, hf: HfModel, batch: Batch) -> None:
        self.hf, self.batch = hf, batch
        self.rows: list[list[Masked]] = []
        self.status: list[str] = []
        texts, lists = batch.columns["text"], batch.columns["candidates"]
        around = [sides(t) for t in texts]
        whole = [
            left + c + right
            for (left, right), some in zip(around, lists, strict=True)
            for c in some
        ]
        coded = (
            hf.tokenizer(whole, return_offsets_mapping=True, return_special_tokens_mask=True)
            if whole
            else None
        )
        spans = batch.columns.get("hidden", [(0, 0)] * len(texts))
        at = 0
        for (left, _), some, span in zip(around, lists, spans, strict=True):
            made = [
                self._masked(coded, at + k, (len(left), len(left) + len(c)), span)
                for k, c in enumerate(some)
            ]
            at += len(some)
            self.status.append(self._status(made, some))
            self.rows.append([] if self.status[-1] else made)

    def _masked(self, coded: Any, k: int, span: tuple[int, int], hidden: tuple[int, int]) -> Masked:
        """One filled text with the filling's tokens masked, and those of the hidden characters."""
        longer = span[1] - span[0] - len(MASK)
        moved = tuple(c + longer if c > span[0] else c for c in hidden)
        ids = mask_at(self.hf, coded["input_ids"][k], _tokens(coded, k, moved)).ids
        return mask_at(self.hf, ids, _tokens(coded, k, span))

    def _status(self, made: Sequence[Masked], candidates: Sequence[str]) -> str:
        if not made:
            return "no candidates"
        for masked, candidate in zip(made, candidates, strict=True):
            if not masked.places:
                return f"candidate {candidate!r} has no tokens"
            if self.hf.tokenizer.unk_token_id in masked.targets:
                return f"unknown word: {candidate}"
        return self.hf.too_long(max(len(m.ids) for m in made))

    def parts(self, bound: int) -> list[Rows]:
        """A unit a text, with a copy for each number of masks."""
        made = []
        for i, some in enumerate(self.rows):
            kinds = sorted({m.ids for m in some})
            wide = max((len(k) for k in kinds), default=0)
            made.append(Unit((i,), wide, len(kinds), key=tuple(kinds)) if some else blank(i))
        return pack(made, bound)

    def cost(self) -> Cost:
        """Tokens read: a text once for each number of masks."""
        return Cost(tokens_in=sum(len(k) for some in self.rows for k in {m.ids for m in some}))

    def run(self, rows: Sequence[int]) -> Nexts:
        """Answers of these rows."""
        flat = iter(masked_scores(self.hf, [m for i in rows for m in self.rows[i]]))
        values = [np.array([next(flat).sum() for _ in self.rows[i]]) for i in rows]
        checked = [
            finite(v, self.batch.columns["text"][i]) for v, i in zip(values, rows, strict=True)
        ]
        return Nexts(checked, [self.status[i] for i in rows])


def _tokens(coded: Any, k: int, span: Sequence[int]) -> list[int]:
    """Places of the k-th text's tokens that hold some of these characters."""
    marks = zip(coded["offset_mapping"][k], coded["special_tokens_mask"][k], strict=True)
    return [
        p
        for p, ((start, end), special) in enumerate(marks)
        if not special and end > span[0] and start < span[1]
    ]
