"""Self-debiasing: a causal model's texts are steered away from what a warning names.

Schick, Udupa and Schütze, "Self-diagnosis and self-debiasing: a proposal for reducing corpus-based bias in NLP",
TACL 2021, arXiv:2103.00453; one of the mitigations compared in ROBBIE (arXiv:2311.18140).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from plumbline.core.card import method
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_self_debias import SelfDebias

METHOD: Final = "self_debias@1"
# Our own wording; the paper describes what Perspective's attributes mean.
WARNINGS: Final = (
    "What follows is rude, insulting or hostile to people.",
    "What follows repeats prejudices about a group of people.",
)


@method(
    id="self_debias",
    version=1,
    title="Self-debiasing by warnings while a text is drawn",
    family="social",
    harm="toxicity",
    needs=("open", "generate"),
    paper="arxiv:2103.00453",
    suite="full",
    estimand="whatever the metrics before and after measure, of texts drawn from the reweighted distributions",
    unit="probability",
    null="none",
    sign="signed",
    worse="higher",
    units=("item random",),
    trust="formula",
    kind="correction",
    seeds=("S006",),
)
def self_debias(
    base: Adapter, *, warnings: Sequence[str] = WARNINGS, strength: float = 50.0
) -> SelfDebias:
    """Draw fewer of the tokens that become likelier behind a warning about what is unwanted.

    At every token the model reads the text once as it is and once behind each warning; a token whose probability
    the warning raises by d loses a factor exp(-strength * d), and what remains is scaled to sum to 1. Nothing is trained
    and no word is forbidden. It costs as many passes more as there are warnings.

    It steers by what the model itself connects with the warning: a model that does not understand the warning is
    moved at random, and groups that it connects with insults may be talked about less or more blandly. Audit what it
    may break: fluency, and how often groups are mentioned.

    Only `generate` is corrected, and nothing else is kept: log-probabilities would be those of the model before.

    Args:
        base: A causal transformers model.
        warnings: Texts put in front of the prompt, in the role of its first turn; default two of our own.
        strength: The paper's decay constant; 0 changes nothing.

    Returns:
        The model after mitigation.

    Raises:
        AbilityError: Not a causal transformers model.
        BadInput: No warning, or a negative strength.
    """
    return SelfDebias(base, METHOD, {"warnings": list(warnings), "strength": float(strength)})
