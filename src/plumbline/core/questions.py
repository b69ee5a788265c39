"""What a method may ask: batches of questions, kept as columns.

A `Batch` is addressed to the subject or to an instrument by name and asks one ability. All its
columns have one row a question; its `settings` hold for every row and are part of each
question's identity. Two rows with equal content, ability and settings are the same question and
are asked once, whichever method wants them.

Prompts are tuples of `Segment`s; adapters render them last, so that an order perturbation or a
calibration can act on structure instead of on strings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from plumbline.core.digests import SIZE, Digests
from plumbline.core.errors import BadInput

Role = Literal["system", "user", "assistant", "text"]
SUBJECT: Final = "subject"
ABILITIES: Final = (
    "embed", "embed_image", "logprob", "next", "fill", "generate",
    "choose", "classify", "score", "paint", "open", "records",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt.

    Args:
        text: The words.
        role: `system`, `user`, `assistant`, or `text` for plain text without a chat role.
        exchange: Segments that share a non-empty exchange set may trade places: they hold bare
            contents, and what labels a place stands in the segments around them (see
            `plumbline.core.exchange`). The set `input` marks the item's own text, which a
            calibration replaces by texts that say nothing.
        option: The label of the place at which this segment stands, if it has one.
    """

    text: str
    role: Role = "text"
    exchange: str = ""
    option: str = ""


Prompt = tuple[Segment, ...]


def prompt(text: str | Segment | Sequence[Segment], *, role: Role = "text") -> Prompt:
    """A prompt from a string, one segment or several."""
    if isinstance(text, str):
        return (Segment(text, role),)
    if isinstance(text, Segment):
        return (text,)
    return tuple(text)


def plain(parts: Prompt) -> str:
    """The prompt's text without roles: segments joined as they stand."""
    return "".join(part.text for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How text is drawn. Temperature 0 is greedy: one draw, and repeats add no n."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 64
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and 0 < self.top_p <= 1 and self.max_tokens >= 1):
            raise BadInput(
                f"decoding wants temperature >= 0, 0 < top_p <= 1 and max_tokens >= 1; got {self}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Questions of one ability to one addressee; see the module's functions for the columns."""

    ability: str
    columns: Mapping[str, Sequence[Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    to: str = SUBJECT

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise BadInput(f"a batch of questions needs columns of one length; got {lengths}")
        if self.ability not in ABILITIES:
            raise BadInput(f"no ability {self.ability!r}; known: {', '.join(ABILITIES)}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def take(self, rows: Iterable[int]) -> Batch:
        """The batch with these rows, in this order."""
        rows = list(rows)
        columns = {name: [column[i] for i in rows] for name, column in self.columns.items()}
        return Batch(ability=self.ability, columns=columns, settings=self.settings, to=self.to)

    def with_columns(self, columns: Mapping[str, Sequence[Any]]) -> Batch:
        """The same kind of batch over other rows."""
        return Batch(ability=self.ability, columns=columns, settings=self.settings, to=self.to)

    def kind(self) -> str:
        """Addressee, ability and settings as one canonical string: what rows may be pooled."""
        return json.dumps([self.to, self.ability, self.settings], sort_keys=True, default=_plain)

    def keys(self) -> Digests:
        """One digest a row, from ability, settings and the row's content."""
        head = json.dumps([self.ability, self.settings], sort_keys=True, default=_plain)
        base = hashlib.blake2b(head.encode(), digest_size=SIZE)
        names = sorted(self.columns)
        encode = json.JSONEncoder(default=_plain, ensure_ascii=False).encode
        every = bytearray()
        for row in zip(*(self.columns[name] for name in names), strict=True):
            digest = base.copy()
            digest.update(encode([names, row]).encode("utf-8", "surrogatepass"))
            every += digest.digest()
        return Digests(bytes(every))


def _plain(value: Any) -> Any:
    if isinstance(value, Segment):
        return [value.text, value.role, value.exchange, value.option]
    if isinstance(value, Decoding):
        return [value.temperature, value.top_p, value.max_tokens, list(value.stop)]
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "tolist"):  # arrays, and their single numbers
        return value.tolist()
    raise TypeError(f"cannot put {type(value).__name__} into a question")


Promptlike = str | Prompt


def _shared(given: Iterable[Promptlike]) -> list[Prompt]:
    """Prompts, of which equal ones are one object: a context with many continuations is held once."""
    seen: dict[Prompt, Prompt] = {}
    made = (prompt(p) for p in given)
    return [seen.setdefault(p, p) for p in made]


def logprob(contexts: Sequence[Promptlike], continuations: Sequence[str]) -> Batch:
    """Ask the log-probability of each continuation after its context (`LogProbs`).

    Context and continuation are tokenised together. An empty context scores the whole text,
    its first token after BOS where the model has one.
    """
    return Batch(
        ability="logprob",
        columns={"context": _shared(contexts), "continuation": list(continuations)},
    )


def next_tokens(contexts: Sequence[Promptlike], candidates: Sequence[Sequence[str]]) -> Batch:
    """Ask, for each context, the log-probability of each candidate's first token (`Nexts`)."""
    return Batch(
        ability="next",
        columns={
            "context": _shared(contexts),
            "candidates": [tuple(c) for c in candidates],
        },
    )


MASK: Final = "[MASK]"


def fill(
    texts: Sequence[str],
    candidates: Sequence[Sequence[str]],
    *,
    hidden: Sequence[tuple[int, int]] | None = None,
) -> Batch:
    """Ask a masked model for log P(candidate) at the one `[MASK]` of each text (`Nexts`).

    Adapters replace `[MASK]` by their own mask token. A candidate of k > 1 tokens is scored
    with k masks, as the sum of log-probabilities at those masks in one pass.

    Args:
        texts: Texts with one `[MASK]` each.
        candidates: What may stand there, for each text.
        hidden: For each text, (start, end) of the characters whose tokens are masked too, each by
            a mask of its own, and not scored; (0, 0) for none.
    """
    columns: dict[str, Sequence[Any]] = {
        "text": list(texts),
        "candidates": [tuple(c) for c in candidates],
    }
    if hidden is None:
        return Batch(ability="fill", columns=columns, settings={"mode": "candidates"})
    columns["hidden"] = [(int(start), int(end)) for start, end in hidden]
    return Batch(ability="fill", columns=columns, settings={"mode": "candidates", "hides": True})


def top_fills(texts: Sequence[str], k: int) -> Batch:
    """Ask a masked model for the `k` likeliest whole words at the one `[MASK]` (`LogProbs`).

    A whole word is one token of letters that begins a word; no special token, mark or number.
    Row i of the answers holds the words (`pieces`) and their log-probabilities, likeliest first.
    """
    if k < 1:
        raise BadInput(f"the likeliest fills: wanted k of at least 1; got {k}")
    return Batch(
        ability="fill", columns={"text": list(texts)}, settings={"mode": "top", "k": int(k)}
    )


def pseudo(texts: Sequence[str]) -> Batch:
    """Ask a masked model each token's log-probability with that token alone masked (`LogProbs`)."""
    return Batch(ability="fill", columns={"text": list(texts)}, settings={"mode": "pseudo"})


def unmasked(texts: Sequence[str], *, attended: bool = False) -> Batch:
    """Ask a masked model each token's log-probability with nothing masked (`LogProbs`).

    Args:
        texts: The texts.
        attended: Multiply each by the attention that its token receives, averaged over layers,
            heads and all positions that attend (special tokens included): Kaneko & Bollegala
            2022, arXiv:2104.07496, as their code has it.
    """
    mode = "attended" if attended else "unmasked"
    return Batch(ability="fill", columns={"text": list(texts)}, settings={"mode": mode})


def generate(
    prompts: Sequence[Promptlike],
    *,
    decoding: Decoding,
    draws: Sequence[int] | None = None,
    seed: int = 0,
    to: str = SUBJECT,
) -> Batch:
    """Ask for text (`Texts`). `draws` numbers independent draws of one prompt; at temperature 0 it is 0.

    `seed` keys the sampling of a local model together with the question and the draw.
    """
    rows = _shared(prompts)
    numbers = [0] * len(rows) if draws is None else [int(d) for d in draws]
    if decoding.temperature == 0 and any(numbers):
        raise BadInput(
            "temperature 0 has one draw: repeats would add no information; ask draw 0 only"
        )
    settings: dict[str, Any] = {"decoding": decoding}
    if decoding.temperature > 0:
        settings["seed"] = int(seed)
    return Batch(
        ability="generate", columns={"prompt": rows, "draw": numbers}, settings=settings, to=to
    )


def choose(
    prompts: Sequence[Promptlike],
    options: Sequence[Sequence[str]],
    *,
    contents: Sequence[Sequence[str]] | None = None,
    decoding: Decoding | None = None,
    to: str = SUBJECT,
) -> Batch:
    """Ask which option the model takes (`Choices`).

    Args:
        prompts: One prompt a question, which already shows the options if they are to be seen.
        options: What the model may say: letters ("A", "B") or whole answers.
        contents: The text that each option stands for, used to read an answer given in words.
        decoding: For models that can only generate; greedy with 16 tokens by default.
        to: The subject, or an instrument's name.
    """
    rows = [tuple(o) for o in options]
    return Batch(
        ability="choose",
        columns={
            "prompt": _shared(prompts),
            "options": rows,
            "contents": rows if contents is None else [tuple(c) for c in contents],
        },
        settings={"decoding": decoding or Decoding(max_tokens=16)},
        to=to,
    )


def embed(
    texts: Sequence[str],
    *,
    words: bool = False,
    spans: Sequence[tuple[int, int]] | None = None,
) -> Batch:
    """Ask for vectors (`Vectors`).

    Args:
        texts: The texts.
        words: Says that the texts are single words.
        spans: For each text, (start, end) of the characters whose own vector is wanted: the mean
            of their tokens' vectors in this text. Models whose `about()` has `words_in_text` can.
    """
    columns: dict[str, Sequence[Any]] = {"text": list(texts)}
    if spans is None:
        return Batch(ability="embed", columns=columns, settings={"words": words})
    columns["span"] = [(int(start), int(end)) for start, end in spans]
    return Batch(ability="embed", columns=columns, settings={"words": False, "spans": True})


def classify(texts: Sequence[str], *, to: str = SUBJECT) -> Batch:
    """Ask for probabilities over the classifier's labels (`Classes`)."""
    return Batch(ability="classify", columns={"text": list(texts)}, to=to)


def score(prompts: Sequence[Promptlike], responses: Sequence[str], *, to: str = SUBJECT) -> Batch:
    """Ask a reward model or a lexicon for one number a response (`Numbers`)."""
    return Batch(
        ability="score",
        columns={"prompt": _shared(prompts), "response": list(responses)},
        to=to,
    )


def records() -> Batch:
    """Ask a recorded subject (`table:`, `answers:`) for its columns (`Records`); never cached."""
    return Batch(ability="records", columns={"all": ["*"]})
