"""142 questions with two answers and four perturbations of one of them.

Chen et al. 2024, "Humans or LLMs as the judge?", arXiv:2402.10669. The set also holds CoBBLEr's rankings
by people (Koo et al. 2024, arXiv:2309.17012), which no loader here reads.
"""

from __future__ import annotations

from typing import Any, Final

from plumbline.core.errors import BadInput
from plumbline.data.answer_twins import Twin
from plumbline.data.sets import registry
from plumbline.data.tables import read_table

SET: Final = "judgement-bias-humans-llms"


def load(kind: str, *, places: registry.Places | None = None) -> list[Twin]:
    """The 142 twins of one of `answer_twins.KINDS`, in file order.

    Raises:
        BadInput: A question without its control, or with other than one perturbed answer; and the
            errors of `registry.get`.
    """
    controls = {row["question_id"]: row for row in _rows("raw", places)}
    return [_twin(row, kind, controls) for row in _rows(kind, places)]


def _twin(row: dict[str, Any], kind: str, controls: dict[str, dict[str, Any]]) -> Twin:
    name = str(row["question_id"]).removesuffix(f"-{kind}")
    changed = [key for key, answer in row["answers"].items() if answer["perturb"]]
    if name not in controls or len(changed) != 1:
        raise BadInput(
            f"{row['question_id']} has {len(changed)} perturbed answers and "
            f"{'a' if name in controls else 'no'} control; wanted one of each"
        )
    control = controls[name]
    (here,) = changed
    (there,) = set(row["answers"]) - {here}
    return Twin(
        name, kind, str(control["question"]),
        control["answers"][here]["answer"].strip(), row["answers"][here]["answer"].strip(),
        control["answers"][there]["answer"].strip(),
    )  # fmt: skip


def _rows(name: str, places: registry.Places | None) -> list[dict[str, Any]]:
    path = registry.get(SET, f"{name}.jsonl", places=places)
    table = read_table(path, columns=("question_id", "question", "answers"))
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
