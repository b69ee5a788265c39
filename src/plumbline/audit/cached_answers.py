"""Rows of the answer cache back into answers; a row that is none of them is told, not met later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plumbline.core.answers import answer_type
from plumbline.core.errors import StoreError
from plumbline.core.questions import Batch


def unpacked(batch: Batch, rows: Sequence[Any], where: object) -> Any:
    """Answers to a batch in its order.

    Args:
        batch: The questions.
        rows: What the cache holds for each.
        where: What to call the cache in a message.

    Raises:
        StoreError: A row is not an answer of this ability: the cache was damaged or edited.
    """
    try:
        made = answer_type(batch.ability, batch.settings).unpack(rows)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise _damaged(batch, where, f"{type(error).__name__}: {str(error)[:120]}") from None
    if not all(isinstance(status, str) for status in made.status):
        raise _damaged(batch, where, "a status is no text")
    texts = [
        t for name in ("texts", "finish", "said", "how", "pieces") for t in getattr(made, name, ())
    ]
    if not all(isinstance(text, str) for text in texts):
        raise _damaged(batch, where, "a text is none")
    return made


def _damaged(batch: Batch, where: object, what: str) -> StoreError:
    return StoreError(
        f"the answer cache {where} holds something that is no answer to {batch.ability} questions ({what}). "
        "Move the file away to start a new one, or point PLUMBLINE_CACHE elsewhere"
    )
