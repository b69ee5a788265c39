"""Tokenization bias: what a prompt's last token hides of the text that may follow.

Phan et al. 2025, "Exact byte-level probabilities from tokenized language models for FIM-tasks and model
ensembles", ICLR, arXiv:2410.09303. The next byte read off the tokens of a prompt, against the next byte of
the process over texts that the same model defines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.explanation import Array, Drawing, Explanation
from plumbline.core.scored import Items, Measure, Scored
from plumbline.metrics.prompt_ends import GIVEN, TEXTS, Cut, Reading, cuts_of, readings_of
from plumbline.models.abilities import Adapter
from plumbline.models.byte_cover import END, Floats
from plumbline.models.byte_models import ByteModel

QUICK: Final = 12


@method(
    id="tokenization_bias",
    version=1,
    title="Tokenization bias of the next byte",
    family="evaluation",
    harm="disparate system performance",
    needs=("open",),
    paper="arxiv:2410.09303",
    suite="standard",
    estimand="total variation between the next byte read off a prompt's tokens and the next byte of the model's process over texts, over English prompts like these",
    unit="total variation",
    null="none",
    sign="unsigned",
    worse="higher",
    units=("prompt random",),
    trust="planted",
    kind="opening",
    axes=("tokenization",),
    seeds=("S120",),
)
def tokenization_bias(
    context: Context, model: Adapter, *, prompts: Sequence[str] | None = None
) -> Explanation:
    """How far the next byte read off a prompt's tokens is from what the model says of texts.

    A token model is asked after the encoding of a prompt. That asks about texts in which a token ends where
    the prompt does: nearly all texts after a whole word, hardly any after a space or inside a word. The exact
    distribution sums over all tokens that may stand across the prompt's end (cover encodings). Both come
    from the same model; with one token a byte they are equal, so the distance is 0 by construction there.

    For the texts of our own the word that goes on is scored too: log-probability of its tokens after the
    prompt's tokens minus that of its bytes after the prompt's bytes. Below 0, a prompt's trailing space
    makes the right word look improbable. (At a word's end it is a little below 0 as well: the tokens say that
    the word ends there as a token, its bytes may also begin a longer word.)

    Args:
        context: The run's surroundings.
        model: A causal model with a byte-level BPE tokenizer, best in float32.
        prompts: Your own prompts, judged as they end; default 24 texts of ours (12 in `quick`), cut at a
            word's end, after the space behind it, and in the middle of the next word.

    Returns:
        Arrays `distance` (mean by end), `prompts` (by end and prompt) and `leaked` (share of probability that the
        model puts on token sequences that no text has, by end), and scored items of the distances.

    Raises:
        BadInput: No prompts, or one without a token before it.
        AbilityError: The model cannot be opened, or is of another kind.
    """
    if prompts is not None and (isinstance(prompts, str) or not list(prompts)):
        raise BadInput(f"wanted a list of prompts; got {prompts!r}")
    texts = TEXTS[:QUICK] if context.suite == "quick" else TEXTS
    cuts = cuts_of(texts) if prompts is None else [Cut(p, GIVEN, p) for p in prompts]
    ends = tuple(dict.fromkeys(c.end for c in cuts))
    bytes_of = ByteModel.of(model)
    readings = readings_of(bytes_of, cuts)
    return Explanation(
        arrays=_arrays(cuts, readings, ends), scored=_scored(cuts, readings, ends),
        drawings=[Drawing(array="distance", mark="bar", x="end", caption="Distance by where prompts end.")],
        notes=[_note(cuts, readings, end) for end in ends],
        facts={"prompts": len(cuts), "texts": len({c.name for c in cuts}), **_shares(cuts, readings, ends)},
    )  # fmt: skip


def _at(cuts: Sequence[Cut], values: Sequence[float], end: str) -> Floats:
    return np.array([v for c, v in zip(cuts, values, strict=True) if c.end == end])


def _arrays(
    cuts: Sequence[Cut], readings: Sequence[Reading], ends: Sequence[str]
) -> dict[str, Array]:
    distance, leaked = [r.distance for r in readings], [r.leaked for r in readings]
    names = tuple(dict.fromkeys(c.name for c in cuts))
    by_end = np.array([_at(cuts, distance, end) for end in ends])
    return {
        "distance": Array.of(
            by_end.mean(1), unit="total variation", end=ends,
            says="mean distance between the next byte by tokens and by bytes",
        ),
        "prompts": Array.of(by_end, unit="total variation", end=ends, prompt=names,
                            says="distance at one prompt"),
        "leaked": Array.of(
            [_at(cuts, leaked, end).mean() for end in ends], unit="share", end=ends,
            says="mean probability on token sequences that are no text's encoding",
        ),
    }  # fmt: skip


def _scored(cuts: Sequence[Cut], readings: Sequence[Reading], ends: Sequence[str]) -> Scored:
    worded = [(c, r.word) for c, r in zip(cuts, readings, strict=True) if r.word is not None]
    rows = [(c, "distance", r.distance) for c, r in zip(cuts, readings, strict=True)]
    rows += [(c, "word", float(v)) for c, v in worded if v is not None]
    items = Items.of(
        item=[c.prompt for c, _, _ in rows], prompt=[c.name for c, _, _ in rows],
        group=[c.end for c, _, _ in rows], part=[part for _, part, _ in rows],
        score=[value for _, _, value in rows],
    )  # fmt: skip

    def mean(part: str, end: str, measure: str, estimator: str, **more: Any) -> Measure:
        labels = {"axis": "tokenization", "group": end, "measure": measure}
        where = {"part": part, "group": end}
        return Measure(estimator=estimator, role="secondary", labels=labels, where=where, **more)

    # A mean of distances between 0 and 1, so that no interval leaves these bounds.
    made = [mean("distance", end, "distance of the next byte", "share") for end in ends]
    if worded:
        told = "log-probability of the next word, its tokens minus its bytes"
        made += [
            mean("word", end, told, "mean", unit="nats", sign="signed", worse="lower")
            for end in ends
        ]
    return Scored(items=items, measures=made)


def _shares(
    cuts: Sequence[Cut], readings: Sequence[Reading], ends: Sequence[str]
) -> dict[str, Any]:
    agreed = [float(r.tokens == r.bytes) for r in readings]
    exact, leaked = [r.exact for r in readings], [r.leaked for r in readings]
    return {
        "likeliest_byte_agrees": {end: float(_at(cuts, agreed, end).mean()) for end in ends},
        "share_on_the_prompts_own_tokens": {end: float(_at(cuts, exact, end).mean()) for end in ends},
        "leaked": {end: float(_at(cuts, leaked, end).mean()) for end in ends},
    }  # fmt: skip


def _note(cuts: Sequence[Cut], readings: Sequence[Reading], end: str) -> str:
    chosen = [r for c, r in zip(cuts, readings, strict=True) if c.end == end]
    mean = float(np.mean([r.distance for r in chosen]))
    turned = sum(r.tokens != r.bytes for r in chosen)
    ends = sum(r.bytes == END for r in chosen)
    more = f"; at {ends} the text most likely ends" if ends else ""
    return (
        f"{end}: distance {mean:.2f}; the likeliest byte is another one at {turned} of "
        f"{len(chosen)} prompts{more}."
    )
