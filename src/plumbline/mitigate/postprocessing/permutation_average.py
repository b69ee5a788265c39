"""Average over orders: an option's probability, whatever place it stood at.

The permutation baseline of Zheng et al., "Large language models are not robust multiple choice
selectors", ICLR 2024, arXiv:2309.03882 (full and cyclic), and of Wang et al. 2025,
arXiv:2407.01100.
"""

from __future__ import annotations

from plumbline.core.card import method
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_permutation_average import PermutationAverage


@method(
    id="permutation_average",
    version=1,
    title="Average over orders of the options",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2309.03882",
    suite="full",
    estimand="share of questions whose answer turns with the order of what is shown, over questions like these",
    unit="rate",
    null="none",
    sign="signed",
    worse="higher",
    units=("question random",),
    trust="planted",
    kind="correction",
    axes=("option position", "answer position"),
    seeds=("S048", "S117"),
)
def permutation_average(base: Adapter, *, orders: int = 8, seed: int = 0) -> PermutationAverage:
    """Ask a question in several orders of its contents and answer with the likeliest on average.

    Each order's scores are turned into probabilities over the options, put back to the contents,
    and averaged. A model without scores votes, an order each. Options that are exactly equal
    (which is all that a model that only reads letters leaves) are a tie: no answer.

    All orders are asked where there are at most `orders`, else whole circles (a random order with all
    its rotations), so that every content stands at every place equally often. The circles
    belong to the question with its contents sorted, and so the answer is exactly the same in
    whatever order the question comes. `option_position` then finds equal shares and full
    consistency by construction; what the average was worth is told by the accuracy.

    It acts on `choose` questions with exactly one exchange set, of options or of documents; all
    others go through unchanged.

    Args:
        base: A model that chooses.
        orders: Most orders a question; one circle at least.
        seed: Of the circles.

    Returns:
        The model after mitigation.
    """
    params = {"orders": int(orders), "seed": int(seed)}
    return PermutationAverage(base, "permutation_average@1", params)
