"""A character n-gram model in ARPA's format, counted in a text of ours."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path

SHOWN = {" ": "\u2581", "\n": "\u240a"}


def write(path: Path, text: str, order: int = 3, alphabet: str = "") -> Path:
    """Witten and Bell's estimate: a history's unseen characters share T / (N + T) of its mass.

    Args:
        path: The file.
        text: Where characters are counted.
        order: Characters of the longest n-gram.
        alphabet: Characters that are listed besides those of the text.
    """
    letters = sorted(set(text) | set(alphabet))
    after: dict[str, Counter[str]] = defaultdict(Counter)
    for size in range(order):
        for i in range(size, len(text)):
            after[text[i - size : i]][text[i]] += 1

    def chance(history: str, letter: str) -> float:
        seen = after[history]
        lower = chance(history[1:], letter) if history else 1 / len(letters)
        return (seen[letter] + len(seen) * lower) / (seen.total() + len(seen))

    lines: dict[int, list[str]] = {n: [] for n in range(1, order + 1)}
    # Every character is listed, seen or not; longer n-grams only where they were seen.
    for letter in letters:
        lines[1].append(_line("", letter, chance("", letter), after))
    for history, seen in sorted(after.items()):
        if history:
            lines[len(history) + 1] += [
                _line(history, letter, chance(history, letter), after) for letter in sorted(seen)
            ]
    told = [f"ngram {n}={len(some)}" for n, some in lines.items()]
    parts = [part for n, some in lines.items() for part in ("", f"\\{n}-grams:", *some)]
    path.write_text("\n".join(["\\data\\", *told, *parts, "", "\\end\\", ""]), "utf-8")
    return path


def _line(history: str, letter: str, chance: float, after: dict[str, Counter[str]]) -> str:
    gram = history + letter
    fields = [repr(math.log10(chance)), " ".join(SHOWN.get(c, c) for c in gram)]
    if gram in after:
        seen = after[gram]
        fields.append(repr(math.log10(len(seen) / (seen.total() + len(seen)))))
    return "\t".join(fields)
