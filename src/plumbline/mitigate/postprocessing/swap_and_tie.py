"""Swap and call it a tie: a verdict counts only where both orders name the same answer.

The conservative rule of Zheng et al., "Judging LLM-as-a-judge with MT-bench and Chatbot Arena",
NeurIPS 2023, arXiv:2306.05685, section 3.4.
"""

from __future__ import annotations

from plumbline.core.card import method
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_swap_and_tie import SwapAndTie


@method(
    id="swap_and_tie",
    version=1,
    title="Both orders, disagreement is a tie",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2306.05685",
    suite="full",
    estimand="share of pairs whose verdict turns with the order, over pairs of answers like these",
    unit="rate",
    null="none",
    sign="signed",
    worse="higher",
    units=("item random",),
    trust="planted",
    kind="correction",
    axes=("answer position",),
    seeds=("S044",),
)
def swap_and_tie(base: Adapter) -> SwapAndTie:
    """Judge every pair in both orders; where the verdict turns with the order, it is a tie.

    The simplest correction of a judge's position bias, and what any other one has to beat: two
    questions for one, consistent by construction. Nothing is decided that was not decided before:
    a judge that always names the first answer decides nothing afterwards. Without a tie among the
    options the pair has no verdict ("inconsistent in both orders").

    It acts on `choose` questions whose prompt has one exchange set of two contents that the options
    name, by label or in full; all others go through unchanged.

    Args:
        base: A model that judges by `choose`.

    Returns:
        The judge after mitigation.
    """
    return SwapAndTie(base, "swap_and_tie@1", {})
