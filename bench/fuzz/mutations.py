"""Damaged documents: a valid one with some edits, JSON with other values, or bytes from nothing."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from target import Target

EDITS = 6
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10**30, 2**63, 0.5, 1e308, float("nan"), float("inf"), "", "a", "nan", "\x00", "\x1b[31m",
    "\ud800", "=1+1", "../x", [], [0], {}, {"a": 1}, [[]], [None, None], "x" * 3000,
)  # fmt: skip
"""What a value of a document is replaced by."""


def other_json(data: bytes, rng: random.Random) -> bytes | None:
    """A JSON document (or line) with some of its values changed, removed or moved; None where it is none.

    What stands before the first bracket (a byte that chooses something) and after the last is kept.
    """
    starts = [i for i in (data.find(b"{"), data.find(b"[")) if i >= 0]
    if not starts:
        return None
    start, end = min(starts), max(data.rfind(b"}"), data.rfind(b"]")) + 1
    try:
        found = json.loads(data[start:end])
    except (ValueError, RecursionError):
        return None
    for _ in range(rng.randint(1, 3)):
        found = _changed(found, rng)
    return data[:start] + json.dumps(found).encode() + data[end:]


def _value(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(VALUES))


def _changed(value: Any, rng: random.Random) -> Any:
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return _value(rng)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, what = rng.choice(keys), rng.random()
    if what < 0.15:
        del value[key]
    elif what < 0.25 and isinstance(value, dict):
        value[rng.choice(("", "a", "axis", "\x1b"))] = _value(rng)
    elif what < 0.25:
        value.append(_value(rng))
    elif what < 0.35:
        value[key] = copy.deepcopy(value[rng.choice(keys)])
    else:
        value[key] = _changed(value[key], rng)
    return value


@st.composite
def _edited(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    data = draw(st.sampled_from(list(seeds)))
    for _ in range(draw(st.integers(1, EDITS))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.sampled_from((0, 0, 1, 1, 2, 4, 8, 64))))
        new = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from(list(words or [b""])), st.just(data[at : at + 16]))
        )  # fmt: skip
        data = data[:at] + new + data[end:]
        if draw(st.integers(0, 15)) == 0:
            data = data[: draw(st.integers(0, len(data)))]
    return data


def documents(target: Target) -> st.SearchStrategy[bytes]:
    """Inputs of a target."""
    kinds = [_edited(target.seeds, target.words)] * 3 + [st.binary(max_size=64)]
    documents = [d for d in target.seeds if other_json(d, random.Random(0)) is not None]
    if target.json and documents:
        kinds += [st.builds(_other, st.sampled_from(documents), st.integers(0, 2**32))] * 3
    return st.one_of(kinds).map(lambda d: d[: target.longest])


def _other(data: bytes, seed: int) -> bytes:
    return other_json(data, random.Random(seed)) or data
