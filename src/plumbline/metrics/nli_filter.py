"""Harder pairs: variants that a masked model writes, kept where reference models err.

The extension of BBNLI by Baldini et al. 2023 (arXiv:2305.12620) has three steps: a masked model
fills gaps in the texts, pairs stay that some of several inference models get wrong, and people
check that the label still holds. The first two are here; the third is yours. The models that
filtered are penalised by the result: never rank them with others on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.answers import LogProbs
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.seeds import Seeds
from plumbline.data.nli_topics import Pair
from plumbline.data.perturb.lexical import filled, gaps
from plumbline.metrics.inference_pairs import Labels, labels_of, question_batch
from plumbline.models.abilities import Adapter
from plumbline.models.whole_batch import answered

WIDTH: Final = 12  # fillings asked for a gap, of which the first usable ones are taken


def predictions(
    model: Adapter, pairs: Sequence[Pair], *, seed: int = 0, separator: str = " [SEP] "
) -> Labels:
    """A model's label of each pair, -1 where it gives none, asked as `bbnli` asks."""
    context = Context(abilities=model.abilities, seeds=Seeds(seed), about=model.about())
    batch, orders = question_batch(context, pairs, separator=separator)
    return labels_of(answered(model, batch), orders)[0]


def written_variants(
    writer: Adapter, pairs: Sequence[Pair], *, k: int = 2, keep: Collection[str] = ()
) -> list[Pair]:
    """Each pair with variants of its premise in which a masked model replaced one content word.

    A filling is likely, not of equal meaning: have people read what comes back.

    Args:
        writer: A masked model (ability `fill`).
        pairs: Originals; they come back first among their variants.
        k: Variants of each gap.
        keep: Words that stay: the groups, first of all.
    """
    found = []
    holes = [(i, *hole) for i, pair in enumerate(pairs) for hole in gaps(pair.premise, keep=keep)]
    answers = answered(writer, ask.top_fills([text for _, text, _ in holes], WIDTH))
    assert isinstance(answers, LogProbs)  # noqa: S101 - what `top_fills` is answered with
    texts: dict[int, list[str]] = {}
    for row, (i, text, word) in enumerate(holes):
        if not answers.status[row]:
            texts.setdefault(i, []).extend(filled(text, word, answers.row(row)[1], k))
    for i, pair in enumerate(pairs):
        every = dict.fromkeys((pair.premise, *texts.get(i, ())))
        found += [replace(pair, variant=v, premise=text) for v, text in enumerate(every)]
    return found


def hard(pairs: Sequence[Pair], labels: Mapping[str, Labels], *, at_least: int = 1) -> list[Pair]:
    """Pairs that at least so many reference models get wrong, with the models' names on them.

    An answer that is missing is no error.

    Args:
        pairs: What was asked.
        labels: Model's name -> its label of each pair.
        at_least: How many of the models must err.

    Raises:
        BadInput: No model, another number of labels than pairs, or more models wanted than there are.
    """
    if not labels or not 1 <= at_least <= len(labels):
        raise BadInput(
            f"{at_least} of {len(labels)} reference models; wanted 1 or more of what there are"
        )
    for name, column in labels.items():
        if len(column) != len(pairs):
            raise BadInput(f"{name} labels {len(column)} pairs; there are {len(pairs)}")
    gold = np.array([pair.gold for pair in pairs])
    table = np.stack([np.asarray(column) for column in labels.values()])
    errs = ((table != gold) & (table >= 0)).sum(axis=0)
    by = ", ".join(sorted(labels))
    return [replace(p, filtered_by=by) for p, e in zip(pairs, errs, strict=True) if e >= at_least]
