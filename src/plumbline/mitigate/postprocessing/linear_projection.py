"""Closed-form linear concept erasure on vectors.

The affine map that leaves no linear trace of a concept in a set of vectors while moving them
least: LEACE (Belrose et al. 2023, arXiv:2306.03819, theorem 4.3), with a shrunk covariance where
words are fewer than dimensions; `orthogonal` is the older projection along the mean difference
(Bolukbasi et al. 2016, arXiv:1607.06520).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.errors import BadInput
from plumbline.data.lexicons.weat import weat_tests
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_affine_embedding import AffineEmbedding
from plumbline.models.whole_batch import answered

Floats = NDArray[np.float64]

# Pairs that differ in gender by definition (Bolukbasi et al. 2016, arXiv:1607.06520, section 5.1,
# and further kin terms and titles of the same kind).
PAIRS = (
    ("woman", "man"), ("girl", "boy"), ("she", "he"), ("mother", "father"), ("daughter", "son"),
    ("gal", "guy"), ("female", "male"), ("her", "his"), ("herself", "himself"), ("queen", "king"),
    ("princess", "prince"), ("wife", "husband"), ("aunt", "uncle"), ("niece", "nephew"),
    ("lady", "gentleman"), ("actress", "actor"), ("waitress", "waiter"), ("mom", "dad"),
    ("granddaughter", "grandson"), ("grandmother", "grandfather"), ("girls", "boys"),
    ("women", "men"), ("ladies", "gentlemen"), ("mothers", "fathers"), ("daughters", "sons"),
)  # fmt: skip
FEWEST = 4


def leace(vectors: Floats, concept: Floats) -> tuple[Floats, Floats]:
    """The least-squares affine eraser r(x) = x @ matrix + offset.

    Args:
        vectors: Shape (n, d).
        concept: Shape (n,) or (n, k): what no linear function of r(x) may predict.

    Returns:
        matrix (d, d) and offset (d,): the sample covariance of r(x) and the concept is zero.
    """
    z = concept.reshape(len(concept), -1)
    centre = vectors.mean(axis=0)
    x, z = vectors - centre, z - z.mean(axis=0)
    values, basis = np.linalg.eigh(shrunk_covariance(x))
    root = np.sqrt(values)
    whiten, unwhiten = basis / root, basis * root
    left, sizes, _ = np.linalg.svd(whiten.T @ (x.T @ z / len(x)), full_matrices=False)
    left = left[:, sizes > sizes.max() * 1e-10]
    # r(x) = x - W^-1 P W x with W = covariance^(-1/2), written for row vectors.
    erased = whiten @ (left @ left.T) @ unwhiten.T
    return np.eye(vectors.shape[1]) - erased, centre @ erased


def shrunk_covariance(x: Floats) -> Floats:
    """Covariance of centred rows, shrunk towards a multiple of the identity.

    Ledoit & Wolf 2004 (doi:10.1016/S0047-259X(03)00096-4). With fewer words than dimensions the
    plain covariance has no inverse; erasure is exact for any invertible one, because the
    projection holds the whitened cross-covariance whole.
    """
    n, d = x.shape
    sample = x.T @ x / n
    scale = float(np.trace(sample)) / d
    off = sample - scale * np.eye(d)
    distance = float((off * off).sum())
    # Mean squared distance of the rows' outer products from the sample covariance.
    squares = float(((x * x).sum(axis=1) ** 2).sum()) / n - float((sample * sample).sum())
    weight = min(1.0, squares / n / distance) if distance > 0 else 1.0
    return np.asarray((1 - weight) * sample + weight * scale * np.eye(d))


def orthogonal(vectors: Floats, concept: Floats) -> tuple[Floats, Floats]:
    """Projection that removes the direction of the difference of the two classes' means."""
    first = concept > np.median(concept)
    direction = vectors[first].mean(axis=0) - vectors[~first].mean(axis=0)
    direction /= np.linalg.norm(direction)
    return np.eye(vectors.shape[1]) - np.outer(direction, direction), np.zeros(vectors.shape[1])


@method(
    id="linear_projection",
    version=1,
    title="Closed-form linear concept erasure",
    family="social",
    harm="stereotyping",
    needs=("embed",),
    paper="arxiv:2306.03819",
    suite="full",
    estimand="linear trace of gender in the vectors of the words used in the fit",
    unit="correlation",
    null="none",
    sign="signed",
    worse="higher",
    units=("item random",),
    trust="planted",
    kind="correction",
    axes=("gender",),
    seeds=("S083",),
)
def linear_projection(
    base: Adapter, *, pairs: Sequence[Sequence[str]] = PAIRS, how: str = "leace",
    held_out: Sequence[str] | None = None, **_: Any,
) -> AffineEmbedding:  # fmt: skip
    """Erase the linear trace of gender from a model's vectors.

    Words that the association tests use are left out of the fit, so that the audit afterwards
    sees words that the correction has not.

    Args:
        base: A model with `embed`.
        pairs: (feminine, masculine) words that differ in gender by definition.
        how: `leace`, or `orthogonal`.
        held_out: Words that must not enter the fit; by default all words of the WEAT tests.

    Returns:
        The model after mitigation.

    Raises:
        BadInput: Fewer than four pairs are known to the model and not held out.
    """
    if how not in {"leace", "orthogonal"}:
        raise BadInput(f"how is 'leace' or 'orthogonal'; got {how!r}")
    tests = {w for t in weat_tests().values() for w in (*t.x, *t.y, *t.a, *t.b)}
    banned = tests if held_out is None else set(held_out)
    wanted = [(f, m) for f, m in pairs if f not in banned and m not in banned]
    words = sorted({w for pair in wanted for w in pair})
    vectors = _vectors(base, words)
    used = [(f, m) for f, m in wanted if f in vectors and m in vectors]
    if len(used) < FEWEST:
        raise BadInput(
            f"only {len(used)} gender pairs are known to {base.name} and not among the held-out words "
            f"({len(pairs)} were given, {len(wanted)} are not held out); at least {FEWEST} are needed. "
            "Pass your own with pairs=[...], or held_out=[] to fit on the audited words and say so."
        )
    x = np.array([vectors[w] for pair in used for w in pair])
    z = np.tile([1.0, 0.0], len(used))
    matrix, offset = (leace if how == "leace" else orthogonal)(x, z)
    params = {"how": how, "fit_words": [list(p) for p in used], "held_out": held_out is None}
    return AffineEmbedding(base, matrix, offset, "linear_projection@1", params)


def _vectors(base: Adapter, words: Sequence[str]) -> dict[str, Floats]:
    answers = answered(base, ask.embed(words, words=True))
    return {w: answers.values[i] for i, w in enumerate(words) if answers.ok[i]}
