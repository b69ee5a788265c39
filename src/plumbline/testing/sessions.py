"""The audits of one test session: each model is opened once, each plan carried out once."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from plumbline.audit import api
from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.audit.run import Audit, cache_path, model_options, open_subject
from plumbline.audit.store import Run
from plumbline.models.abilities import Adapter
from plumbline.models.resolve import wrap


class Audits:
    """Opened models and their runs, kept until `close`.

    Args:
        out: Folder in which runs are stored.
        kept: Called with every run that is made, once.
    """

    def __init__(self, out: Path, kept: Callable[[Run], None] | None = None) -> None:
        self._out = out
        self._kept = kept
        self._models: dict[Hashable, tuple[Any, Adapter]] = {}
        self._runs: dict[Hashable, Run] = {}

    def run(self, model: Any, **given: Any) -> Run:
        """The run of this model under this plan, made when it is first asked for.

        Args:
            model: A MODEL form, or an object that `plumbline.audit` takes.
            given: Fields of the plan.
        """
        plan = api.plan(model, **given)
        key = (self._name(model, plan), plan.digest)
        if key not in self._runs:
            chosen(plan)  # a misspelt metric is found before a model is loaded
            with Cache(cache_path()) as cache:
                made = Audit(plan, self._opened(model, plan), cache).run(self._out)
            if self._kept is not None:
                self._kept(made)
            self._runs[key] = made
        return self._runs[key]

    def close(self) -> None:
        """Close every model that was opened."""
        for _, opened in self._models.values():
            opened.close()
        self._models.clear()
        self._runs.clear()

    def _opened(self, model: Any, plan: Plan) -> Adapter:
        key = self._name(model, plan)
        if key not in self._models:
            if isinstance(model, str):
                opened = open_subject(plan)
            else:
                opened = wrap(model, options=model_options(plan))
            # The object is kept beside its adapter: its id must not pass to another one.
            self._models[key] = (model, opened)
        return self._models[key][1]

    @staticmethod
    def _name(model: Any, plan: Plan) -> Hashable:
        options = json.dumps(plan.as_dict()["options"], sort_keys=True)
        return (model if isinstance(model, str) else id(model), options)
