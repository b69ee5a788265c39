"""Position-invariant attention: a prompt's exchange set is attended to as a set (PINE).

Wang et al., "Eliminating Position Bias of Language Models: A Mechanistic Approach", ICLR 2025,
arXiv:2407.01100. The formulas are in `plumbline.models.set_attention`.
"""

from __future__ import annotations

from typing import Final

from plumbline.core.card import method
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_position_invariant import PositionInvariant

METHOD: Final = "position_invariant@1"


@method(
    id="position_invariant",
    version=1,
    title="Position-invariant attention over exchange sets (PINE)",
    family="evaluation",
    harm="disparate system performance",
    needs=("open", "choose"),
    paper="arxiv:2407.01100",
    suite="standard",
    estimand="difference between a model's answers in any two orders of a prompt's documents, each with its own label",
    unit="nats",
    null="none",
    sign="unsigned",
    worse="higher",
    units=("question random",),
    trust="planted",
    kind="correction",
    axes=("option position", "answer position"),
    seeds=("S048",),
)
def position_invariant(
    base: Adapter, *, how: str = "pine", exchange: str = ""
) -> PositionInvariant:
    """Let a causal model read the options, answers or documents of a prompt as a set, without training.

    Two things carry the order of documents into attention: the causal mask, since later documents see
    earlier ones only, and rotary positions, since nearer keys get more attention. Documents are made to see each
    other both ways, and every query, in every head, finds the documents in the order of their importance to it (mean
    attention without positions; its own document is nearest). Answers are then the same for all orders, whatever the
    weights; that makes them consistent, not right.

    A document is a place's content with its own label. Where a metric moves contents under fixed letters
    the effect of the place goes and that of the letter stays; with bare options ("- ") nothing is left.

    Args:
        base: A causal transformers model of Llama's kind (Llama, SmolLM2, Qwen 2 and 3, Mistral) without sliding
            windows.
        how: `pine`; the baselines `nia` (documents do not see each other; still depends on the order) and
            `pcw` (parallel context windows: the same, at equal positions; does not, but loses what documents say of
            each other); the ablations `mask` and `positions`, half of the method each.
        exchange: Name of the exchange set that is read as a set; by default a prompt's first.

    Returns:
        The model after mitigation. Prompts without an exchange set are answered as before.

    Raises:
        AbilityError: Not such a model.
        BadInput: No such way.
    """
    return PositionInvariant(base, METHOD, {"how": how, "exchange": exchange})
