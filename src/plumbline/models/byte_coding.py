"""A transformers tokenizer as bytes to tokens, for `byte_cover`: byte-level BPE.

GPT-2's kind (SmolLM2, Llama 3, OLMo, ...): text is cut into pieces by a pattern, each piece's bytes are
merged into tokens, and (nearly) every byte is a token. Tokenizers that put a space in front, change characters, or fall
back to bytes (SentencePiece) have other rules of validity and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput
from plumbline.models.byte_cover import Ints, Tokens, Vocabulary

PROBES: Final = (
    "a",
    "A",
    " a",
    "  ",
    "1",
    " 1",
    ".",
    " .",
    "'",
    "s",
    "\n",
    "\u00e9",
    "\u4e2d",
    "/",
)
"""What may follow a text: a cut between pieces that stands before all of them is taken for settled."""
STAND_IN: Final = "\u00e9"
"""Read in place of a character whose last bytes are not there yet: a letter of two bytes."""
_KEPT: Final = 64


def byte_alphabet() -> dict[str, int]:
    """The printable character that stands for each byte (GPT-2's table, `bytes_to_unicode`).

    Printable Latin-1 characters stand for themselves; the other 68 bytes follow from U+0100 on.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in set(plain)]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


class BytePairs:
    """A byte-level BPE tokenizer.

    Args:
        tokenizer: The transformers tokenizer.
        rows: Tokens that the model's head knows; rows without a token stand for no text.

    Raises:
        BadInput: Another kind of tokenizer.
    """

    def __init__(self, tokenizer: Any, rows: int) -> None:
        self._backend = _checked(tokenizer)
        self._letters = byte_alphabet()
        self._shown = {b: c for c, b in self._letters.items()}
        marks = set(tokenizer.added_tokens_decoder)
        self.vocabulary = Vocabulary.of(
            _pieces(self._backend.get_vocab(True), marks, self._letters, rows)
        )
        single = {p for p in self.vocabulary.pieces if len(p) == 1}
        self._missing = frozenset(b for b in range(256) if bytes([b]) not in single)
        self._texts = [_text(piece) for piece in self.vocabulary.pieces]
        self._allowed: dict[bytes, NDArray[np.bool_]] = {}
        self._alone: NDArray[np.bool_] | None = None

    def encode(self, data: bytes) -> Tokens:
        """The tokens of these bytes; a character that is cut at the end is taken for a letter.

        Raises:
            BadInput: Bytes that begin no UTF-8 text, or one that the vocabulary has no token for.
        """
        if self._missing and self._missing & set(data):
            raise BadInput(f"the vocabulary has no token for a byte of {data[-12:]!r}")
        text, cut = _split(data)
        pieces = self._cut(text + STAND_IN if cut else text)
        if cut:
            stand_in = len(STAND_IN.encode())
            pieces[-1] = pieces[-1][:-stand_in] + "".join(self._shown[b] for b in cut)
        return tuple(t.id for piece in pieces for t in self._backend.model.tokenize(piece))

    def settled(self, data: bytes) -> int:
        """The last cut between pieces before the end that stands whatever follows."""
        text, _ = _split(data)
        if not text:
            return 0
        alone, cuts = self._cut(text), self._cuts(text)
        common = set.intersection(*(set(self._cuts(text + p)) for p in PROBES))
        for at in sorted(common & set(cuts), reverse=True):
            # Nothing in front of the cut is looked at behind it.
            if 0 < at < len(text) and self._cut(text[:at]) + self._cut(text[at:]) == alone:
                return len(text[:at].encode())
        return 0

    def follows(self, data: bytes, candidates: Ints) -> NDArray[np.bool_]:
        """By encoding each candidate behind the part of `data` that is not settled."""
        tail = data[self.settled(data) :] if data else b""
        if len(candidates) < len(self.vocabulary.pieces) // 8:
            return self._follow(tail, candidates)
        if tail not in self._allowed:
            if len(self._allowed) >= _KEPT:
                self._allowed.clear()
            self._allowed[tail] = self._follow(tail, np.arange(len(self.vocabulary.pieces)))
        return self._allowed[tail][candidates]

    def _follow(self, tail: bytes, candidates: Ints) -> NDArray[np.bool_]:
        found = self.vocabulary.length[candidates] > 0
        if tail and self._spaced(tail):
            # A space opens a piece of its own here: what is behind it is tokenised for itself.
            if self._alone is None:
                self._alone = self._follow(b"", np.arange(len(self.vocabulary.pieces)))
            spaces = self.vocabulary.padded[candidates, 0] == ord(" ")
            found[spaces] = self._alone[candidates[spaces]]
            found[~spaces] = self._encoded(tail, candidates[~spaces])
            return found
        found[found] = self._encoded(tail, candidates[found])
        return found

    def _spaced(self, tail: bytes) -> bool:
        text, cut = _split(tail)
        probes = (" a", " 1", " .", "  ", " \n", " '")
        return not cut and all(len(text) in self._cuts(text + p) for p in probes)

    def _encoded(self, tail: bytes, candidates: Ints) -> NDArray[np.bool_]:
        before = self.encode(tail)
        found = np.zeros(len(candidates), bool)
        text, cut = _split(tail)
        whole = [
            i for i, v in enumerate(candidates.tolist()) if not cut and self._texts[v] is not None
        ]
        texts = [text + str(self._texts[int(candidates[i])]) for i in whole]
        coded = self._backend.encode_batch_fast(texts, add_special_tokens=False)
        for i, one in zip(whole, coded, strict=True):
            found[i] = one.ids == [*before, int(candidates[i])]
        for i in sorted(set(range(len(candidates))) - set(whole)):
            v = int(candidates[i])
            piece = self.vocabulary.pieces[v]
            found[i] = bool(piece) and self._valid(tail + piece, (*before, v))
        return found

    def _valid(self, data: bytes, tokens: Tokens) -> bool:
        try:
            return self.encode(data) == tokens
        except BadInput:
            return False

    def _cut(self, text: str) -> list[str]:
        return [p for p, _ in self._backend.pre_tokenizer.pre_tokenize_str(text)] if text else []

    def _cuts(self, text: str) -> list[int]:
        return [end for _, (_, end) in self._backend.pre_tokenizer.pre_tokenize_str(text)]


def _checked(tokenizer: Any) -> Any:
    """The tokenizer's backend, where its rules are those of byte-level BPE."""
    from tokenizers import decoders, models

    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    model = getattr(backend, "model", None)
    wrong = None
    if not isinstance(model, models.BPE):
        wrong = f"its model is {type(model).__name__}, not BPE"
    elif not isinstance(backend.decoder, decoders.ByteLevel) or model.byte_fallback:
        wrong = "it is not byte-level (SentencePiece with byte fallback is not supported)"
    elif backend.normalizer is not None:
        wrong = "it changes characters before it cuts (a normalizer)"
    elif model.dropout or model.continuing_subword_prefix or model.end_of_word_suffix:
        wrong = "its merges are random, or mark the insides of words"
    elif "add_prefix_space=True" in str(backend.pre_tokenizer):
        wrong = "it puts a space in front of every text"
    elif "ByteLevel" not in str(backend.pre_tokenizer):
        wrong = "it has no byte-level cutting"
    else:
        worded = [t.content for t in tokenizer.added_tokens_decoder.values() if not t.special]
        if worded:
            wrong = f"it has added words that are cut out first ({worded[0]!r}, ...)"
    if wrong:
        raise BadInput(
            f"byte probabilities need a byte-level BPE tokenizer (GPT-2's kind, as SmolLM2 has): {wrong}"
        )
    return backend


def _pieces(
    ids: Mapping[str, int], marks: set[int], letters: Mapping[str, int], rows: int
) -> list[bytes]:
    """Bytes by id; rows of the head without a token, and marks, have none."""
    made = [b""] * max(rows, max(ids.values()) + 1)
    for shown, i in ids.items():
        if i not in marks:
            made[i] = bytes(letters[c] for c in shown)
    return made[:rows]


def _text(piece: bytes) -> str | None:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _split(data: bytes) -> tuple[str, bytes]:
    """The text and the bytes of a last character that is not whole.

    Raises:
        BadInput: Bytes that begin no UTF-8 text.
    """
    try:
        return data.decode("utf-8"), b""
    except UnicodeDecodeError as broken:
        if broken.reason == "unexpected end of data" and broken.end == len(data):
            return data[: broken.start].decode("utf-8"), data[broken.start :]
        raise BadInput(f"no UTF-8 text begins with {data[-12:]!r}") from None
