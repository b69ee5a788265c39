"""LLMBar: 419 pairs of answers, one of which follows the instruction, and verdicts of 65 judges.

Zeng et al. 2024, arXiv:2310.07641.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from plumbline.core.errors import BadInput
from plumbline.data.sets import registry
from plumbline.data.sets.verdict_rows import UNPARSED, Verdict
from plumbline.data.tables import read_json, read_table

SET: Final = "llmbar"
VERDICTS: Final = "evaluator_verdicts.csv"
SUBSETS: Final = (
    "Natural", "Adversarial/Neighbor", "Adversarial/GPTInst", "Adversarial/GPTOut", "Adversarial/Manual",
)  # fmt: skip
OUTPUTS: Final = ("output_1", "output_2")


@dataclass(frozen=True, slots=True)
class Pair:
    """An instruction with two outputs.

    Attributes:
        id: `SUBSET/INDEX`.
        subset: One of `SUBSETS`; all but the first were chosen to mislead judges.
        question: The instruction.
        outputs: Both outputs.
        better: Index of the output that follows the instruction.
    """

    id: str
    subset: str
    question: str
    outputs: tuple[str, str]
    better: int


def load(*, places: registry.Places | None = None) -> list[Pair]:
    """All 419 pairs, in the order of `SUBSETS` and of their files; see `registry.get` for errors."""
    return [pair for subset in SUBSETS for pair in _subset(subset, places)]


def verdicts(*, places: registry.Places | None = None) -> list[Verdict]:
    """All 54,470 verdicts; a judge is `MODEL/STRATEGY`, and `part` is the subset.

    The file's winner is the better output by content in both orders; here it is the place that won.

    Raises:
        BadInput: A label that is not the pair's, or a winner or an order of another kind.
    """
    known = {pair.id: pair for pair in load(places=places)}
    path = registry.get(SET, VERDICTS, places=places)
    wanted = ("subset", "index", "evaluator", "strategy", "order", "winner", "label")
    table = read_table(path, columns=wanted)
    found = []
    for subset, index, model, strategy, order, winner, label in zip(
        *(table[name] for name in wanted), strict=True
    ):
        pair = known[f"{subset}/{index}"]
        if (
            label != str(pair.better + 1)
            or winner not in ("1", "2", "")
            or order not in ("original", "swapped")
        ):
            raise BadInput(
                f"{path}: {pair.id} has the label {label!r}, the winner {winner!r} and the order {order!r}; "
                f"wanted the label {pair.better + 1}, a winner 1 or 2, an order original or swapped"
            )
        shown = (0, 1) if order == "original" else (1, 0)
        won = ("first", "second")[shown.index(int(winner) - 1)] if winner else UNPARSED
        found.append(
            Verdict(
                judge=f"{model}/{strategy}", question=pair.id, part=subset, verdict=won,
                first=OUTPUTS[shown[0]], second=OUTPUTS[shown[1]], better=OUTPUTS[pair.better],
                lengths=(len(pair.outputs[shown[0]]), len(pair.outputs[shown[1]])),
            )
        )  # fmt: skip
    return found


def _subset(subset: str, places: registry.Places | None) -> list[Pair]:
    path = registry.get(SET, subset.replace("/", "_") + ".json", places=places)
    rows: list[dict[str, Any]] = read_json(path)
    return [
        Pair(f"{subset}/{i}", subset, row["input"], (row["output_1"], row["output_2"]), int(row["label"]) - 1)
        for i, row in enumerate(rows)
    ]  # fmt: skip
