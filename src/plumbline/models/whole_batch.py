"""A batch asked whole of one model: for methods and corrections that ask while they are made.

Metrics never do this: they yield questions, and the runner asks.
"""

from __future__ import annotations

from typing import Any

from plumbline.core.answers import answer_type
from plumbline.core.errors import BadAnswer
from plumbline.core.questions import Batch
from plumbline.models.abilities import Adapter


def answered(model: Adapter, batch: Batch) -> Any:
    """The answers to all questions of a batch, in its order, of the ability's own class.

    Raises:
        BadAnswer: The model left a question without an answer or a reason.
        AbilityError: It does not have the ability.
    """
    packed: list[list[Any] | None] = [None] * len(batch)
    for part in model.partition(batch):
        rows = [int(i) for i in part]
        for got, answers in model.answer(batch.take(rows)):
            for k, row in enumerate(got):
                packed[rows[int(row)]] = answers.pack(k)
    found = [row for row in packed if row is not None]
    if len(found) < len(packed):
        raise BadAnswer(
            f"{model.name} left {len(packed) - len(found)} of {len(packed)} questions without an "
            "answer or a reason"
        )
    return answer_type(batch.ability, batch.settings).unpack(found)
