"""Models read byte by byte: one model, or the mean of several with different vocabularies.

Phan et al. 2025, arXiv:2410.09303. Strings are scored by the probability of their bytes after the bytes of
the prompt, whatever tokens they fall into; text is written one byte at a time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Final

import numpy as np

from plumbline.core.answers import Answers, Choices, LogProbs, Texts
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch, Decoding, Prompt
from plumbline.models.abilities import Adapter
from plumbline.models.byte_cover import END, Cover, Floats, Tokens, tempered
from plumbline.models.byte_models import ByteModel
from plumbline.models.choose_derived import NONE, by_scores, check_reduce, spoken
from plumbline.models.corrected_questions import CorrectedQuestions

BYTES_A_TOKEN: Final = 4
"""A question's `max_tokens` times this many bytes are written at most."""
_WORDS: Final = re.compile(r"\s*\S+|\s+\Z")
Place = tuple[Tokens, bytes]
Piece = tuple[Floats, Sequence[str]]


@dataclass(slots=True)
class Writer:
    """One text while it is being written.

    Attributes:
        covers: Each member's cover of prompt and text.
        stream: Its random numbers.
        limit: Most bytes.
        status: Why nothing is written, or "".
    """

    covers: Sequence[Cover]
    stream: np.random.Generator
    limit: int
    status: str = ""
    made: bytes = b""
    text: str = ""
    finish: str = ""

    def add(self, byte: int, stops: Sequence[str]) -> None:
        """One byte more; characters that are not whole are not shown."""
        if byte == END:
            self.finish = "stop"
            return
        self.made += bytes([byte])
        self.text = self.made.decode("utf-8", "ignore")
        cuts = [at for at in (self.text.find(s) for s in stops) if at >= 0]
        if cuts:
            self.text, self.finish = self.text[: min(cuts)], "stop"
        elif len(self.made) >= self.limit:
            self.finish = "length"


class ByteLevel(CorrectedQuestions):
    """`logprob`, `choose` and `generate` by bytes.

    With `members` in the parameters (MODEL forms with fingerprints) the distribution of every byte is the
    mean of the members' and the base's, with equal weights.

    Raises:
        AbilityError: A model cannot be opened as a causal one.
        BadInput: A tokenizer is no byte-level BPE, or a member has changed since.
    """

    kind: ClassVar[str] = "byte_level"
    corrects: ClassVar[frozenset[str]] = frozenset({"logprob", "choose", "generate"})

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        super().__init__(base, method, params)
        self.members = [base, *(_member(m) for m in self.params.get("members", ()))]
        self.models = [ByteModel.of(m) for m in self.members]

    def corrected(self, batch: Batch) -> Answers:
        """Answers from the bytes."""
        if batch.ability == "logprob":
            rows = zip(batch.columns["context"], batch.columns["continuation"], strict=True)
            return LogProbs.of([self._scored(c, t) for c, t in rows])
        if batch.ability == "choose":
            return self._chosen(batch)
        return self._written(batch)

    def about(self) -> dict[str, Any]:
        """The base's facts, the members, and what a value is."""
        return {
            **super().about(),
            "reads": "bytes: a value a word; a text's whole is the sum",
            "byte_members": [m.name for m in self.members],
        }

    def questions(self, batch: Batch) -> int:  # noqa: ARG002 - the base's signature
        """A text is read once for every place at which its last token may begin."""
        return 8 * len(self.members)

    def close(self) -> None:
        """Close all members."""
        for member in self.members:
            member.close()

    def _places(self, prompt: Prompt, text: str) -> tuple[list[Place], str]:
        found = [m.begin(prompt, text) for m in self.models]
        return [(lead, data) for lead, data, _ in found], next((s for *_, s in found if s), "")

    def _scored(self, prompt: Prompt, text: str) -> Piece | str:
        if not text:
            return "empty continuation: nothing to score"
        places, status = self._places(prompt, text)
        if status:
            return status
        try:
            if len(self.models) == 1:
                return _by_cuts(self.models[0], places[0], text)
            return self._by_mean(places, text)
        finally:
            self._forget()

    def _by_mean(self, places: Sequence[Place], text: str) -> Piece:
        """The sum over bytes of log of the members' mean probability, a value a word."""
        more = text.encode()
        walked = np.array(
            [m.walk(lead, data, more) for m, (lead, data) in zip(self.models, places, strict=True)]
        )
        logs = np.logaddexp.reduce(walked, axis=0) - np.log(len(self.models))
        words = [m[0] for m in _WORDS.finditer(text)]
        starts = np.cumsum([0, *(len(w.encode()) for w in words[:-1])])
        return np.minimum(np.add.reduceat(logs, starts), 0.0), words

    def _chosen(self, batch: Batch) -> Choices:
        mean = check_reduce(batch) == "mean"
        scores, status = [], []
        for prompt, options in zip(batch.columns["prompt"], batch.columns["options"], strict=True):
            texts = [spoken(prompt, o) for o in options]
            found = [self._scored(prompt, t) for t in texts]
            reasons = [f for f in found if isinstance(f, str)]
            status.append(reasons[0] if reasons else "" if found else "no options")
            sums = np.array([float(f[0].sum()) for f in found if not isinstance(f, str)])
            lengths = np.array([len(t.encode()) for t in texts]) if mean else 1.0
            scores.append(NONE if status[-1] else sums / lengths)
        return by_scores(scores, status, ["logprob"] * len(status))

    def _written(self, batch: Batch) -> Texts:
        decoding: Decoding = batch.settings["decoding"]
        writers = [
            self._opened(prompt, key, decoding)
            for prompt, key in zip(batch.columns["prompt"], batch.keys(), strict=True)
        ]
        alive = [w for w in writers if not w.status]
        while alive:
            for k, model in enumerate(self.models):
                covers = [w.covers[k] for w in alive]
                model.process.ask([c.lead + model.encode(c.data) for c in covers])
            for writer in alive:
                writer.add(drawn(self._next(writer.covers), decoding, writer.stream), decoding.stop)
                if not writer.finish:
                    writer.covers = self._pushed(writer.covers, writer.made[-1])
            alive = [w for w in alive if not w.finish]
            self._forget()
        return Texts(
            [w.text for w in writers], [w.finish for w in writers], [w.status for w in writers]
        )

    def _opened(self, prompt: Prompt, key: bytes, decoding: Decoding) -> Writer:
        """A text before its first byte, or why there is none."""
        places, status = self._places(prompt, "")
        limit = decoding.max_tokens * int(self.params.get("bytes_a_token", BYTES_A_TOKEN))
        for model, (lead, data) in zip(self.models, places, strict=True):
            size = len(lead) + len(data) + limit
            if model.context is not None and size > model.context and not status:
                status = f"truncated: up to {size} tokens, context {model.context}"
        stream = np.random.Generator(np.random.Philox(key=int.from_bytes(key)))
        if status:
            return Writer((), stream, limit, status)
        covers = [m.process.cover(*place) for m, place in zip(self.models, places, strict=True)]
        self._forget()
        return Writer(covers, stream, limit)

    def _pushed(self, covers: Sequence[Cover], byte: int) -> list[Cover]:
        pairs = zip(self.models, covers, strict=True)
        return [m.settle(m.process.push(c, byte)) for m, c in pairs]

    def _next(self, covers: Sequence[Cover]) -> Floats:
        """Mean of the members' distributions over bytes and the end, each without what it leaks."""
        found = [m.process.after(c)[0] for m, c in zip(self.models, covers, strict=True)]
        return np.asarray(np.mean([f / f.sum() for f in found], axis=0))

    def _forget(self) -> None:
        for model in self.models:
            model.process.forget()


def drawn(chances: Floats, decoding: Decoding, stream: np.random.Generator) -> int:
    """A byte, or `END`: tempered, within the nucleus, by inverse cumulative distribution."""
    if decoding.temperature == 0:
        return int(chances.argmax())
    chances = tempered(chances, decoding.temperature)
    order = np.argsort(-chances, kind="stable")
    running = chances[order].cumsum()
    kept = int(((running - chances[order]) < decoding.top_p).sum())
    at = np.searchsorted(running[:kept], stream.random() * running[kept - 1], side="right")
    return int(order[min(int(at), kept - 1)])


def _by_cuts(model: ByteModel, place: Place, text: str) -> Piece:
    """log P of a text's bytes after the place, split where its tokens are settled.

    Between settled cuts bytes and tokens are one process. So the first value holds all that is
    uncertain at the prompt's end, and the last what is uncertain at the text's.
    """
    (lead, data), process = place, model.process
    whole = data + text.encode()
    cuts: list[int] = []
    at = process.coding.settled(whole)
    while at > len(data):
        cuts.append(at)
        at = process.coding.settled(whole[:at])
    cuts.reverse()
    tokens = model.encode(whole[: cuts[-1]]) if cuts else ()
    process.ask([*process.needed(lead, data), *process.needed(lead, whole)])
    sums = [process.log_prob(lead, data)]
    for cut in cuts:
        sums.append(process.chain(lead, tokens[: len(model.encode(whole[:cut]))]))
    sums.append(process.log_prob(lead, whole))
    ends = [len(data), *cuts, len(whole)]
    pieces = [whole[a:b].decode() for a, b in pairwise(ends)]
    # A part of a process is never likelier than the whole, except by float32 rounding.
    return np.minimum(np.diff(sums), 0.0), pieces


def _member(told: Mapping[str, str]) -> Adapter:
    """A member from its MODEL form.

    Raises:
        BadInput: It is not the model that it was.
    """
    from plumbline.models.resolve import open_model

    model = open_model(told["model"])
    if told.get("fingerprint", model.fingerprint) != model.fingerprint:
        raise BadInput(
            f"the member {told['model']} has changed since the ensemble was made; make it again"
        )
    return model
