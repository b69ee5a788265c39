"""Exact extraction: the model's own most probable span in place of greedy decoding.

Castel, Ram, Efrat & Levy 2022, "How optimal is greedy decoding for extractive question answering?", AKBC,
arXiv:2108.05857.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from plumbline.core.card import method
from plumbline.core.errors import AbilityError
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_exact_span import ExactSpan
from plumbline.models.span_search import Search

METHOD: Final = "exact_span@1"


@method(
    id="exact_span",
    version=1,
    title="Exact extraction of the likeliest span",
    family="evaluation",
    harm="disparate system performance",
    needs=("generate", "logprob"),
    paper="arxiv:2108.05857",
    suite="full",
    estimand="answers of a model that are its likeliest spans of whole words in the passage",
    unit="answers",
    null="none",
    sign="signed",
    worse="either",
    units=("passage random",),
    trust="formula",
    kind="correction",
    axes=("decoding",),
    seeds=("S034",),
)
def exact_span(
    base: Adapter, *, end: str = "\n", longest: int = 8, normalised: bool = False, duplicates: str = "max"
) -> ExactSpan:  # fmt: skip
    """Answer with the span of the passage that the model itself finds likeliest.

    Greedy decoding takes the likeliest token at each step, so that it may run into a dead end, or leave the
    passage. Where a prompt marks its passage (a segment of the exchange set `input`) the span of whole words
    with the highest log-probability, its end included, is found exactly and given as the answer. Prompts
    without a passage, and draws at a temperature above 0, go through unchanged.

    The likeliest span is not always the better answer: the mode of a sequence model can be
    short or empty of content. Audit again, with gold answers.

    Args:
        base: A model with `generate` and `logprob`.
        end: What ends an answer: a newline for plain prompts, the closing mark of a chat's turn.
        longest: Most words of a span.
        normalised: Compare by nats a token, which favours long spans where the plain sum favours short ones.
        duplicates: A text that stands in the passage twice counts once (`max`) or twice (`sum`).

    Returns:
        The model with exact extraction.

    Raises:
        AbilityError: The base cannot write, or gives no log-probabilities.
    """
    if not {"generate", "logprob"} <= base.abilities:
        raise AbilityError(f"exact_span needs generate and logprob; {base.name} offers "
                           f"{', '.join(sorted(base.abilities))}")  # fmt: skip
    search = Search(end=end, longest=longest, normalised=normalised, duplicates=duplicates)
    return ExactSpan(base, METHOD, asdict(search))
