"""PORTIA: a judge reads two answers part by part, in both orders.

Li et al., "Split and Merge: Aligning position biases in LLM-based evaluators", EMNLP 2024,
arXiv:2310.01432. The paper was not read whole: the likeness of parts is shared words over the larger
part's words, longer answers are aligned by runs of sentences, and the prompt's words are ours.
"""

from __future__ import annotations

from plumbline.core.card import method
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_portia import Portia


@method(
    id="portia",
    version=1,
    title="PORTIA (answers split and merged)",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2310.01432",
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
def portia(base: Adapter, *, parts: int = 3, second: bool = True) -> Portia:
    """Show both answers of a pair in turn, part by part, and keep a verdict on which both orders agree.

    An answer is cut between sentences into parts of about equal length; code blocks, list items
    and tables stay whole, content and order inside an answer never change. Both orders are judged.
    Where they disagree, the cuts are chosen anew so that the parts of the two answers share most
    words, and both orders are judged again. Where they still disagree the verdict is a tie if the
    options offer one, else there is none ("inconsistent in both orders").

    It acts on `choose` questions whose prompt has one exchange set of two labelled contents; all
    others go through unchanged. An answer with fewer sentences than `parts` is cut into fewer;
    with one sentence, or `parts=1`, the prompt is the ordinary one, and what is left of the method is
    the swap of `swap_and_tie`. Up to four questions are asked for one.

    Afterwards a judge is consistent by construction. What that is worth is told by
    `judge_coverage`: the share of pairs that are decided at all, how often rightly, and what
    two tries of the plain prompt would have decided.

    Args:
        base: A model that judges by `choose`.
        parts: Parts of an answer.
        second: Try parts of like words where parts of equal length do not agree.

    Returns:
        The judge after mitigation.
    """
    return Portia(base, "portia@1", {"parts": int(parts), "second": bool(second)})
