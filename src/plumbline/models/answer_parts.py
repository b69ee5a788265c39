"""Answers cut into parts, aligned with each other, and shown part by part (PORTIA).

Li et al., "Split and Merge: Aligning position biases in LLM-based evaluators", EMNLP 2024,
arXiv:2310.01432. An answer is cut only between sentences; a code block, a list item or a table is never
cut. The parts of an answer, joined, are the answer byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.exchange import places
from plumbline.core.questions import Prompt, Segment

Floats = NDArray[np.float64]
Cuts = tuple[int, ...]
MOST: Final = 30
"""Units that the semantic alignment looks at: longer answers are taken in runs of sentences."""
NOTE: Final = (
    "\n\nBoth texts are shown in parts. Parts under one label are one text, in its own order: read "
    "them together."
)
_END: Final = re.compile(
    r"""(?:[.!?…]+["'”’)\]*_]*(?:\s+|$)|[。！？]+[”’」』）]*\s*)|\n[ \t]*\n\s*"""
)
_SHORTENED: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|approx|Dr|Mr|Mrs|Ms|Prof|St|No|Fig|Eq)|\b[A-Z])\.\s+$"
)
_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_ITEM: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\S")
_ROW: Final = re.compile(r"\s*\|")
# So small that it decides between equal alignments only: distances from even parts.
_EVEN: Final = 1e-12


def units(text: str) -> tuple[str, ...]:
    """Sentences, code blocks, list items and tables, with the white space after them; joined: the text."""
    made: list[str] = []
    for block, whole in _blocks(text):
        made += [block] if whole else _sentences(block)
    # White space before the first word belongs to it: no unit is blank.
    kept: list[str] = []
    for one in made:
        if kept and (not one.strip() or not kept[-1].strip()):
            kept[-1] += one
        else:
            kept.append(one)
    return tuple(kept) or (text,)


def _blocks(text: str) -> list[tuple[str, bool]]:
    """Runs of lines, and whether each is one piece (code, item, table) that is never cut."""
    made: list[tuple[list[str], str]] = []
    fenced = False
    for line in text.splitlines(keepends=True):
        last = made[-1][1] if made else ""
        kind = _kind(line, last, fenced=fenced)
        fenced = fenced != bool(_FENCE.match(line))
        if made and kind in {"", "ended"}:
            made[-1] = ([*made[-1][0], line], f"ended {last}" if kind else last)
        else:
            made.append(([line], kind or "prose"))
    return [("".join(lines), kind != "prose") for lines, kind in made]


def _kind(line: str, last: str, *, fenced: bool) -> str:
    """The kind of the block that a line begins; "" where it continues the last one, "ended" where it ends it."""
    if fenced:
        return ""
    if _FENCE.match(line):
        return "code"
    if not line.strip():
        return "" if last in {"", "prose"} or last.startswith("ended") else "ended"
    if _ITEM.match(line):
        return "item"
    if _ROW.match(line):
        return "" if last == "table" else "table"
    return "" if _goes_on(line, last) else "prose"


def _goes_on(line: str, last: str) -> bool:
    """Whether a plain line continues the block before it: prose, or an item until a blank line."""
    # After a blank line an indented paragraph still belongs to its item.
    return last in {"prose", "item"} or (last == "ended item" and line[:1] in " \t")


def _sentences(text: str) -> list[str]:
    made, start = [], 0
    for found in _END.finditer(text):
        end = found.end()
        goes_on = (
            _SHORTENED.search(text[max(start, end - 16) : end]) or text[end : end + 1].islower()
        )
        if goes_on and found[0].count("\n") < 2:
            continue
        made.append(text[start:end])
        start = end
    return [*made, text[start:]] if start < len(text) else made


def parts(given: Sequence[str], cuts: Cuts) -> tuple[str, ...]:
    """Units joined between cuts: `cuts` are numbers of units, ascending."""
    edges = (0, *cuts, len(given))
    return tuple("".join(given[a:b]) for a, b in pairwise(edges))


def length_cuts(given: Sequence[str], count: int) -> Cuts:
    """Cuts into `count` parts as equal in length as the boundaries allow.

    Cut j is near the length L j / count: the sum of the distances is the smallest possible with
    ascending cuts, so that each is the nearest boundary where these differ.
    """
    ends = np.cumsum([len(u) for u in given])
    wanted = ends[-1] * np.arange(1, count) / count
    away = np.abs(ends[:-1][None, :] - wanted[:, None])
    best, back = np.zeros(ends.size), []
    for row in away:
        # best[i]: least sum with all cuts so far at or before boundary i.
        total = np.full(ends.size, np.inf)
        total[1:] = best[:-1] + row
        steps = np.minimum.accumulate(total)
        back.append(np.maximum.accumulate(np.where(total == steps, np.arange(ends.size), 0)))
        best = steps
    cuts: list[int] = []
    here = ends.size - 1
    for choice in reversed(back):
        here = int(choice[here])
        cuts.insert(0, here)
        here -= 1
    return tuple(cuts)


def tokens(text: str) -> frozenset[str]:
    """Words, without case."""
    return frozenset(re.findall(r"\w+", text.casefold()))


def overlap(one: str, two: str) -> float:
    """|T1 n T2| / max(|T1|, |T2|) over distinct words; 1 for two parts without words."""
    a, b = tokens(one), tokens(two)
    return len(a & b) / max(len(a), len(b)) if a or b else 1.0


def alignment(one: Sequence[str], two: Sequence[str]) -> float:
    """Sum of the overlaps of parts in turn; at most their number."""
    return sum(overlap(a, b) for a, b in zip(one, two, strict=True))


def runs(given: Sequence[str], most: int = MOST) -> tuple[str, ...]:
    """At most `most` units: neighbours joined into runs of about equal length."""
    if len(given) <= most:
        return tuple(given)
    ends = np.cumsum([len(u) for u in given])
    near = np.searchsorted(ends, ends[-1] * np.arange(1, most) / most)
    return parts(given, tuple(sorted({int(i) + 1 for i in near} - {len(given)})))


def semantic_cuts(one: Sequence[str], two: Sequence[str], count: int) -> tuple[Cuts, Cuts]:
    """Cuts of both answers into `count` parts whose alignment is the largest there is.

    Dynamic programming over (boundary of one, boundary of two, parts). Among equal alignments the one
    with the more even parts.
    """
    table = _overlaps(one, two)
    even = [np.concatenate(([0], np.cumsum([len(u) for u in given]))) for given in (one, two)]
    even = [ends / max(ends[-1], 1) for ends in even]
    best, back = table[0, :, 0, :], []
    for j in range(2, count + 1):
        uneven = sum(
            np.abs(e - (j - 1) / count).reshape(shape)
            for e, shape in zip(even, ((-1, 1), (1, -1)), strict=True)
        )
        total = (best - _EVEN * uneven)[:, None, :, None] + table  # (i, i', l, l')
        flat = total.transpose(1, 3, 0, 2).reshape(*best.shape, -1)
        back.append(flat.argmax(axis=-1))
        best = np.take_along_axis(flat, back[-1][..., None], axis=-1)[..., 0]
    here = (len(one), len(two))
    cuts: list[tuple[int, int]] = []
    for choice in reversed(back):
        i, k = divmod(int(choice[here]), len(two) + 1)
        here = (i, k)
        cuts.insert(0, here)
    return tuple(c[0] for c in cuts), tuple(c[1] for c in cuts)


def _overlaps(one: Sequence[str], two: Sequence[str]) -> Floats:
    """Overlap of units i..i' of one with units l..l' of the other; -inf where a part is empty.

    Shape (n1 + 1, n1 + 1, n2 + 1, n2 + 1).
    """
    words = {w: i for i, w in enumerate(sorted(set().union(*(tokens(u) for u in (*one, *two)))))}
    held = [_held(given, words) for given in (one, two)]
    flat = [h.reshape(h.shape[0] ** 2, len(words)).astype(np.float32) for h in held]
    both = (flat[0] @ flat[1].T).astype(float)
    larger = np.maximum(flat[0].sum(1)[:, None], flat[1].sum(1)[None, :])
    found = np.where(larger > 0, both / np.maximum(larger, 1), 1.0)
    shape = (len(one) + 1, len(one) + 1, len(two) + 1, len(two) + 1)
    full = [np.triu(np.ones(h.shape[:2], bool), 1) for h in held]
    there = full[0][:, :, None, None] & full[1][None, None]
    return np.where(there, found.reshape(shape), -np.inf)


def _held(given: Sequence[str], words: dict[str, int]) -> NDArray[np.bool_]:
    """Which words stand in units i..i'; shape (n + 1, n + 1, words)."""
    counts = np.zeros((len(given) + 1, len(words)), np.int64)
    for i, unit in enumerate(given):
        counts[i + 1] = counts[i]
        counts[i + 1, [words[w] for w in tokens(unit)]] += 1
    held: NDArray[Any] = counts[None, :, :] > counts[:, None, :]
    return held


def merged(prompt: Prompt, name: str, shown: Sequence[Sequence[str]]) -> Prompt:
    """The prompt with both contents of a set shown part by part, in turn.

    Args:
        prompt: A prompt with two labelled places.
        name: The exchange set.
        shown: The parts of the content at each place, as many for both; one part each gives the
            prompt as it came.
    """
    where, count = places(prompt, name), len(shown[0])
    if count < 2:
        return prompt
    made: list[Segment] = list(prompt[: where[0]])
    for j in range(count):
        for place, at in enumerate(where):
            label, lead = prompt[at].option, "" if j == 0 else "\n\n"
            tag = f"{lead}[{label}, part {j + 1} of {count}] "
            made.append(Segment(tag, prompt[at].role))
            made.append(replace(prompt[at], text=shown[place][j], exchange=""))
            if j == 0 and place == 0:
                made += prompt[at + 1 : where[1]]
    return (*made, Segment(NOTE, prompt[where[1]].role), *prompt[where[1] + 1 :])
