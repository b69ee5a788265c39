"""Encoder-decoder models: the context is the source, the continuation is the target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, final

import numpy as np

from plumbline.core.answers import Choices, Floats, LogProbs, Texts
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch, Decoding, Prompt
from plumbline.models.abilities import Cost, Rows
from plumbline.models.choose_derived import by_logprob, check_reduce
from plumbline.models.hf_adapter import HfAdapter, MakeTask
from plumbline.models.hf_decode import draw_texts, end_tokens
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.prompt_render import flattened
from plumbline.models.torch_batches import Unit, blank, distinct, families, pack, padded
from plumbline.models.vocabulary_head import picked_log_probs

if TYPE_CHECKING:
    import torch


def open_seq2seq(hf: HfModel) -> HfAdapter:
    """The adapter of a loaded encoder-decoder model."""
    lead = _lead(hf)
    tasks: Mapping[str, MakeTask] = {
        "logprob": lambda m, b: TargetTask(
            m, b.columns["context"], b.columns["continuation"], lead
        ),
        "choose": lambda m, b: PickTask(m, b, lead),
        "generate": lambda m, b: TranslateTask(m, b, lead),
    }
    facts = {
        "target_starts_with": hf.tokenizer.convert_ids_to_tokens(list(lead)),
        "end_of_target": "not scored",
        "system": hf.options.system,
        "chat_template": None,
    }
    return HfAdapter(hf, tasks, lambda: dict(facts))


def _lead(hf: HfModel) -> tuple[int, ...]:
    """What every target begins with: the start token, and a forced language token if any."""
    configs = (getattr(hf.module, "generation_config", None), hf.module.config)
    found: list[int] = []
    for name in ("decoder_start_token_id", "forced_bos_token_id"):
        named = (getattr(config, name, None) for config in configs)
        token = next((t for t in named if t is not None), None)
        if token is not None:
            found.append(int(token))
        elif name == "decoder_start_token_id":
            raise BadInput(f"{hf.name}: its config names no decoder_start_token_id")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Sources:
    """Tokenised sources, each passed through the encoder once a part."""

    hf: HfModel
    ids: list[tuple[int, ...]]

    @classmethod
    def of(cls, hf: HfModel, prompts: Sequence[Prompt]) -> Sources:
        """Sources of prompts; roles are dropped, as these models know none."""
        texts = [flattened(p, hf.options.system) for p in prompts]
        ids = hf.tokenizer(texts)["input_ids"] if texts else []
        return cls(hf, [tuple(i) for i in ids])

    def encoded(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoder states and mask of these rows; equal sources are passed once."""
        import torch

        firsts, which = distinct([self.ids[i] for i in rows])
        sources = [self.ids[rows[k]] for k in firsts]
        ids, mask = padded(sources, self.hf.pad, self.hf.device)
        states = self.hf.module.get_encoder()(input_ids=ids, attention_mask=mask)[0]
        order = torch.tensor(which, device=self.hf.device)
        return states[order], mask[order]


def _states(states: torch.Tensor) -> Any:
    from transformers.modeling_outputs import BaseModelOutput

    return BaseModelOutput(last_hidden_state=states)


@final
class TargetTask:
    """Log-probability of each target's tokens given its source."""

    def __init__(
        self,
        hf: HfModel,
        contexts: Sequence[Prompt],
        targets: Sequence[str],
        lead: tuple[int, ...],
    ) -> None:
        self.hf, self.lead, self.targets = hf, lead, targets
        self.sources = Sources.of(hf, contexts)
        coded = (
            hf.tokenizer(
                text_target=list(targets), add_special_tokens=False, return_offsets_mapping=True
            )
            if targets
            else {"input_ids": [], "offset_mapping": []}
        )
        self.ids: list[list[int]] = coded["input_ids"]
        self.pieces = [_pieces(t, o) for t, o in zip(targets, coded["offset_mapping"], strict=True)]
        self.status = [
            hf.too_long(max(len(source), len(lead) + len(ids)))
            if ids and source
            else "empty target: nothing to score" if source else "empty source"
            for source, ids in zip(self.sources.ids, self.ids, strict=True)
        ]  # fmt: skip

    def parts(self, bound: int) -> list[Rows]:
        """A unit a source, with its targets."""
        made = [blank(i) for i, status in enumerate(self.status) if status]
        for family in self._families(range(len(self.ids))):
            source = self.sources.ids[family[0]]
            longest = len(self.lead) + max(len(self.ids[i]) for i in family)
            key = (source, [self.ids[i] for i in family])
            made.append(Unit(tuple(family), len(source), 1, longest, len(family), key))
        return pack(made, bound)

    def cost(self) -> Cost:
        """Tokens of sources and targets."""
        read = sum(map(len, self.sources.ids)) + sum(map(len, self.ids))
        return Cost(tokens_in=read)

    def run(self, rows: Sequence[int]) -> LogProbs:
        """Answers of these rows."""
        ready = [i for i in rows if not self.status[i]]
        values = dict(zip(ready, self._values(ready), strict=True)) if ready else {}
        return LogProbs.of(
            [self.status[i] or (finite(values[i], self.targets[i]), self.pieces[i]) for i in rows]
        )

    def _values(self, rows: Sequence[int]) -> list[Floats]:
        import torch

        states, mask = self.sources.encoded(rows)
        inputs = [(*self.lead, *self.ids[i][:-1]) for i in rows]
        ids, own = padded(inputs, self.hf.pad, self.hf.device)
        first = len(self.lead) - 1
        flat = [
            k * ids.shape[1] + first + j
            for k, i in enumerate(rows)
            for j in range(len(self.ids[i]))
        ]
        logits, _ = self.hf.logits_at(
            torch.tensor(flat, device=self.hf.device),
            encoder_outputs=_states(states),
            attention_mask=mask,
            decoder_input_ids=ids,
            decoder_attention_mask=own,
            use_cache=False,
        )
        targets = torch.tensor([t for i in rows for t in self.ids[i]], device=self.hf.device)
        each = torch.arange(len(targets), device=self.hf.device)
        values = picked_log_probs(logits, each, targets).double().cpu().numpy()
        return list(np.split(values, np.cumsum([len(self.ids[i]) for i in rows])[:-1]))

    def _families(self, rows: Iterable[int]) -> list[list[int]]:
        return families(
            (i for i in rows if not self.status[i]),
            by=lambda i: self.sources.ids[i],
            order=lambda i: (len(self.ids[i]), self.ids[i]),
            size=lambda i: len(self.lead) + len(self.ids[i]),
            bound=self.hf.bound,
        )


def _pieces(text: str, offsets: Sequence[tuple[int, int]]) -> list[str]:
    pieces, last = [], 0
    for _, end in offsets:
        pieces.append(text[last : max(last, end)])
        last = max(last, end)
    return pieces


@final
class PickTask:
    """The option with the highest log-probability as a target."""

    def __init__(self, hf: HfModel, batch: Batch, lead: tuple[int, ...]) -> None:
        check_reduce(batch)
        self.batch = batch
        rows = list(zip(batch.columns["prompt"], batch.columns["options"], strict=True))
        pairs = [(p, o) for p, options in rows for o in options]
        self.task = TargetTask(hf, [p for p, _ in pairs], [o for _, o in pairs], lead)
        ends = np.cumsum([0, *(len(options) for _, options in rows)]).tolist()
        self.spans = [range(a, b) for a, b in pairwise(ends)]

    def parts(self, bound: int) -> list[Rows]:
        """A unit a question."""
        made = []
        for i, span in enumerate(self.spans):
            ready = [k for k in span if not self.task.status[k]]
            source = len(self.task.sources.ids[span[0]]) if ready else 0
            longest = max((len(self.task.lead) + len(self.task.ids[k]) for k in ready), default=0)
            key = [(self.task.sources.ids[k], self.task.ids[k]) for k in ready]
            made.append(Unit((i,), source, int(bool(ready)), longest, len(ready), key))
        return pack(made, bound)

    def cost(self) -> Cost:
        """Tokens of sources and options."""
        return self.task.cost()

    def run(self, rows: Sequence[int]) -> Choices:
        """Answers of these rows."""
        flat = [k for i in rows for k in self.spans[i]]
        return by_logprob(self.batch.take(rows), self.task.run(flat))


@final
class TranslateTask:
    """Targets written for sources."""

    def __init__(self, hf: HfModel, batch: Batch, lead: tuple[int, ...]) -> None:
        self.hf, self.batch, self.lead = hf, batch, lead
        self.decoding: Decoding = batch.settings["decoding"]
        self.sources = Sources.of(hf, batch.columns["prompt"])
        self.status = [
            hf.too_long(max(len(i), len(lead) + self.decoding.max_tokens)) if i else "empty source"
            for i in self.sources.ids
        ]

    def parts(self, bound: int) -> list[Rows]:
        """A unit a row: its source, and its target as long as it can become."""
        more = len(self.lead) + self.decoding.max_tokens
        rows = zip(self.sources.ids, self.status, strict=True)
        return pack(
            [
                blank(i) if status else Unit((i,), len(ids), 1, more, 1, key=(ids,))
                for i, (ids, status) in enumerate(rows)
            ],
            bound,
        )

    def cost(self) -> Cost:
        """Tokens of the sources, and at most so many written."""
        ready = [ids for ids, s in zip(self.sources.ids, self.status, strict=True) if not s]
        return Cost(sum(map(len, ready)), len(ready) * self.decoding.max_tokens)

    def run(self, rows: Sequence[int]) -> Texts:
        """Answers of these rows."""
        ready = [i for i in rows if not self.status[i]]
        made: dict[int, list[Any]] = {i: [self.status[i], "", ""] for i in rows}
        if ready:
            texts = self._write(ready)
            made.update({i: texts.pack(k) for k, i in enumerate(ready)})
        return Texts.unpack([made[i] for i in rows])

    def _write(self, rows: Sequence[int]) -> Texts:
        import torch

        steps = _Steps(self.hf, *self.sources.encoded(rows))
        lead = torch.tensor([self.lead] * len(rows), device=self.hf.device)
        return draw_texts(
            steps.feed(lead),
            lambda tokens, keep: steps.feed(tokens[:, None], keep),
            keys=self.batch.take(rows).keys(),
            decoding=self.decoding,
            tokenizer=self.hf.tokenizer,
            ends=end_tokens(self.hf.tokenizer, self.hf.module),
        )


class _Steps:
    """Feeds target tokens to the decoder and keeps its cache."""

    def __init__(self, hf: HfModel, states: torch.Tensor, mask: torch.Tensor) -> None:
        self.hf, self.states, self.mask = hf, states, mask
        self.cache: Any = None

    def feed(self, tokens: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """Logits after these tokens; shape (rows, vocabulary)."""
        if keep is not None:
            self.cache.batch_select_indices(keep)
            self.states, self.mask = self.states[keep], self.mask[keep]
        out = self.hf.module(
            encoder_outputs=_states(self.states),
            attention_mask=self.mask,
            decoder_input_ids=tokens,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.cache = out.past_key_values
        logits: torch.Tensor = out.logits[:, -1]
        return logits
