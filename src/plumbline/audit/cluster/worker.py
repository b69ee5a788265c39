"""What runs on the cluster: a process that opens the model and answers parts."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.answers import Answers
from plumbline.core.questions import Batch
from plumbline.models.abilities import Adapter, Cost, ModelOptions, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The process of a worker.

    Attributes:
        process: Its number on its node.
        node: The node's name.
        versions: Of what must not differ between the driver and a worker.
    """

    process: int
    node: str
    versions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"process {self.process} on {self.node}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the driver needs to know of a model that it does not hold; see `Adapter`."""

    name: str
    abilities: frozenset[str]
    fingerprint: str
    remote: bool
    about: dict[str, Any]


def here() -> Place:
    """This process."""
    versions = (("plumbline", importlib.metadata.version("plumbline")),)
    return Place(process=os.getpid(), node=platform.node(), versions=versions)


class Worker:
    """One model, and the questions that are put to it.

    Its parts are asked exactly as `Runner` asks them of a model in its own process, so answers are
    the same.
    """

    def __init__(self) -> None:
        # Opening is a call of its own: an error in here would reach the driver as text only.
        self._model: Adapter | None = None

    def here(self) -> Place:
        """Where it runs."""
        return here()

    def open(self, form: str, options: ModelOptions, folder: str) -> Facts:
        """Open the model; relative paths mean what they mean to the driver, where its folder exists."""
        from plumbline.models.resolve import open_model

        if Path(folder).is_dir():
            os.chdir(folder)
        model = self._model = open_model(form, options)
        return Facts(
            name=model.name, abilities=model.abilities, fingerprint=model.fingerprint,
            remote=model.remote, about=model.about(),
        )  # fmt: skip

    def partition(self, batch: Batch) -> list[Rows]:
        """The model's own split of a batch."""
        return self._opened.partition(batch)

    def answer(self, batch: Batch) -> list[tuple[Rows, Answers]]:
        """A part, whole."""
        return list(self._opened.answer(batch))

    def cost(self, batch: Batch) -> Cost:
        """What a batch would take."""
        return self._opened.cost(batch)

    @property
    def _opened(self) -> Adapter:
        if self._model is None:
            raise RuntimeError("a worker was asked before its model was opened")
        return self._model
