"""Models that can be read byte by byte: causal transformers, and n-gram models over characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Prompt
from plumbline.models.abilities import Adapter, Opened, open_live
from plumbline.models.arpa import BOS, UNKNOWN, Arpa
from plumbline.models.byte_coding import BytePairs
from plumbline.models.byte_cover import ByteProcess, Cover, Floats, LongestMatch, Tokens
from plumbline.models.prompt_render import flattened, is_chat
from plumbline.models.torch_batches import chunks, padded

if TYPE_CHECKING:
    import torch

SHOWN: Final = {"\u2581": " ", "\u240a": "\n"}
"""How n-gram files write the characters that separate their columns and lines."""
EOS: Final = "</s>"
NO_LEAD: Final = "first token has no context (no BOS)"


@dataclass(frozen=True)
class ByteModel:
    """A model with its process over bytes.

    Attributes:
        name: What to call it.
        process: Token rows and tokenizer.
        begin: (prompt, continuation) to the tokens before it that are certain, the bytes behind
            them, and why the pair cannot be scored, or "".
        context: Most tokens, or None.
    """

    name: str
    process: ByteProcess
    begin: Callable[[Prompt, str], tuple[Tokens, bytes, str]]
    context: int | None = None

    @classmethod
    def of(cls, adapter: Adapter) -> ByteModel:
        """The bytes of an opened model.

        Raises:
            AbilityError: The model cannot be opened, or does not read from left to right.
            BadInput: Its tokenizer is of another kind, or an n-gram model's words are no characters.
        """
        if isinstance(adapter, Arpa):
            return _of_grams(adapter)
        opened = open_live(adapter)
        if opened.kind != "causal":
            raise AbilityError(
                f"{adapter.name} is a {opened.kind} model; bytes are read from a causal one"
            )
        width = int(opened.module.get_output_embeddings().weight.shape[0])
        coding = BytePairs(opened.tokenizer, width)
        process = ByteProcess(coding, _Rows(opened))
        context = adapter.about().get("context")
        return cls(adapter.name, process, _Begin(opened, coding), context)

    def settle(self, cover: Cover) -> Cover:
        """The same cover with what is settled moved into the lead; its log-probabilities stay as they are."""
        at = self.process.coding.settled(cover.data) if cover.data else 0
        lead = cover.lead + self.process.coding.encode(cover.data[:at])
        return Cover(lead, cover.data[at:], cover.exact, cover.last, cover.into, cover.logs)

    def encode(self, data: bytes) -> Tokens:
        """The tokenizer's tokens of these bytes."""
        return self.process.coding.encode(data)

    def walk(self, lead: Tokens, data: bytes, more: bytes) -> Floats:
        """log P(byte | all before it) of each byte of `more`, in one call of the model."""
        process, cover = self.process, self.process.cover(lead, data)
        process.ask([lead + self.encode(data + more[:k]) for k in range(len(more))])
        values = []
        for byte in more:
            before = cover.total
            cover = process.push(cover, byte)
            values.append(cover.total - before)
        return np.asarray(np.minimum(values, 0.0), np.float64)


class _Begin:
    """Where a prompt of a transformers model becomes bytes: behind its last mark, at the last settled cut."""

    def __init__(self, opened: Opened, coding: BytePairs) -> None:
        self.opened, self.coding = opened, coding

    def __call__(self, prompt: Prompt, continuation: str) -> tuple[Tokens, bytes, str]:
        vocabulary = self.coding.vocabulary
        (coded,) = self.opened.encode([prompt], [""])
        ids = coded.ids
        mark = max((i + 1 for i, t in enumerate(ids) if not vocabulary.length[t]), default=0)
        lead, data = ids[:mark], vocabulary.text(ids[mark:])
        if data:
            at = self.coding.settled(data)
            lead, data = lead + self.coding.encode(data[:at]), data[at:]
        status = "" if lead else NO_LEAD
        if continuation and not status:
            (whole,) = self.opened.encode([prompt], [continuation])
            status = whole.status
        return lead, data, status


class _Rows:
    """Next-token rows of a causal transformers model, float32, a pass over the longest sequences only."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened

    def __call__(self, sequences: Sequence[Tokens]) -> Any:
        import torch

        whole = _outermost(sequences)
        rows: dict[Tokens, Any] = {}
        with torch.inference_mode():
            for part in chunks([len(s) for s in whole], self.opened.batch_tokens):
                rows.update(self._passed([whole[i] for i in part], sequences))
        return np.stack([rows[s] for s in sequences])

    def _passed(self, whole: Sequence[Tokens], wanted: Sequence[Tokens]) -> dict[Tokens, Any]:
        import torch

        opened = self.opened
        ids, mask = padded(whole, int(opened.tokenizer.pad_token_id or 0), opened.device)
        places = {}
        for s in wanted:
            row = next((r for r, w in enumerate(whole) if w[: len(s)] == s), None)
            if row is not None:
                places[s] = row * ids.shape[1] + len(s) - 1
        index = torch.tensor(list(places.values()), device=opened.device)
        logits = _logits_at(opened.module, index, ids, mask)
        logs = torch.log_softmax(logits.float(), 1).cpu().numpy()
        return dict(zip(places, logs, strict=True))


def _logits_at(
    module: Any, index: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Logits at positions of the flattened output: the head runs only there."""

    def pick(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (args[0].reshape(-1, args[0].shape[-1])[index].unsqueeze(0), *args[1:])

    hook = module.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        out = module(input_ids=ids, attention_mask=mask, use_cache=False)
    finally:
        hook.remove()
    logits: torch.Tensor = out.logits.reshape(-1, out.logits.shape[-1])
    return logits


def _outermost(sequences: Sequence[Tokens]) -> list[Tokens]:
    """Those that no other one continues."""
    ordered = sorted(set(sequences))
    return [s for s, n in zip(ordered, [*ordered[1:], ()], strict=True) if n[: len(s)] != s]


class Letters(LongestMatch):
    """A vocabulary of characters: no character's bytes begin another's, so every cut is settled."""

    def settled(self, data: bytes) -> int:
        """All but the last character."""
        text = data.decode("utf-8", "ignore")
        return len(text[:-1].encode()) if text.encode() == data else len(text.encode())

    def encode(self, data: bytes) -> Tokens:
        """The characters; bytes of one that is cut at the end have none."""
        return super().encode(data.decode("utf-8", "ignore").encode())


def _of_grams(adapter: Arpa) -> ByteModel:
    words = sorted(gram[0] for gram in adapter.model.grams if len(gram) == 1)
    words = [w for w in words if w not in (BOS, UNKNOWN)]
    texts = [SHOWN.get(w, w) for w in words]
    long = [w for w, t in zip(words, texts, strict=True) if len(t) > 1 and w != EOS]
    if long:
        raise BadInput(
            f"{adapter.name} is a model over words ({long[0]!r}, ...); bytes are read from one over "
            "characters, with \u2581 for the space"
        )
    coding = Letters([b"" if w == EOS else t.encode() for w, t in zip(words, texts, strict=True)])
    first = (adapter.bos,) if adapter.bos else ()

    def rows(sequences: Sequence[Tokens]) -> Floats:
        order = adapter.model.order
        found = []
        for s in sequences:
            history = (first + tuple(words[t] for t in s))[-(order - 1) :] if order > 1 else ()
            found.append([adapter.model.nats(history, w) for w in words])
        made = np.array(found)
        # What the file gives to characters that it does not list is shared out.
        return np.asarray(made - np.logaddexp.reduce(made, axis=1, keepdims=True))

    def begin(prompt: Prompt, continuation: str) -> tuple[Tokens, bytes, str]:
        text = flattened(prompt, adapter.system)
        data = (f"{text}\n\n" if text and is_chat(prompt) else text).encode()
        try:
            coding.encode(data + continuation.encode())
        except BadInput:
            return (), b"", "unknown character"
        at = coding.settled(data) if data else 0
        return coding.encode(data[:at]), data[at:], ""

    return ByteModel(adapter.name, ByteProcess(coding, rows), begin)
