"""Whoever refuses is Undefined and nobody else's number breaks: every method, every group, judge and part in turn."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from plumbline.audit.calibrate import calibratable
from plumbline.core.catalog import catalog
from plumbline.core.results import Undefined
from plumbline.core.scored import Items
from plumbline.core.seeds import Seeds
from plumbline.stats.infer import Settings, infer

MOST = 12  # values of a column that are tried; of identities the first is enough


def simulated(name):
    """Scored items of the method at its first dial, and its card."""
    module = importlib.import_module(catalog()[name].target.partition(":")[0])
    scored, _ = module.simulate(np.random.default_rng(0), dial=module.DIALS[0])
    return scored, getattr(module, name).card


def without(scored, refused):
    """The same with these rows refused."""
    columns = {c: scored.items[c] for c in scored.items.columns}
    before = np.asarray(columns.get("why", np.full(len(scored.items), "", object)), dtype=object)
    columns["why"] = np.where(refused, "refused", before).astype(object)
    return replace(scored, items=Items.of(**columns))


@pytest.mark.parametrize("name", calibratable())
def test_a_refusing_group_breaks_nothing(name):
    """Each value of each column of names refuses altogether: findings or reasons come, never an error."""
    scored, card = simulated(name)
    for column in scored.items.columns:
        values = np.asarray(scored.items[column])
        if values.dtype.kind not in "OU" or column == "why":
            continue
        levels = sorted({str(v) for v in values.tolist()})
        for level in levels if len(levels) <= MOST else levels[:1]:
            got = without(scored, values.astype(str) == level)
            found = infer(got, card, seeds=Seeds(0), settings=Settings(draws=49))
            assert len(found) == len(scored.measures), f"{column} = {level}"


@pytest.mark.parametrize("name", calibratable())
def test_all_refused_is_undefined(name):
    """Without an answer there is no number."""
    scored, card = simulated(name)
    nothing = without(scored, np.ones(len(scored.items), bool))
    for finding in infer(nothing, card, seeds=Seeds(0), settings=Settings(draws=49)):
        assert isinstance(finding.outcome, Undefined), finding.key
        assert finding.outcome.reason
