"""Effects of several attributes inside blocks: against statsmodels, and what has to be refused."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.group_effects import group_effects
from plumbline.stats.undefined import UndefinedStatistic


def drawn(seed):
    """Unbalanced: 15 blocks, two attributes that go together a little."""
    rng = np.random.default_rng(seed)
    block = rng.integers(0, 15, 300)
    a = np.array(["x", "y", "z"], object)[rng.integers(0, 3, 300)]
    b = np.where(rng.random(300) < np.where(a == "x", 0.7, 0.4), "p", "q").astype(object)
    score = 0.3 * block + 0.5 * (a == "y") - 0.2 * (b == "p") + rng.standard_normal(300)
    return score, block, a, b


def test_effects_and_tests_are_those_of_statsmodels():
    """Ordinary least squares with a dummy a block, sum-coded attributes, errors clustered by block."""
    import pandas as pd
    import statsmodels.formula.api as smf

    score, block, a, b = drawn(0)
    data = pd.DataFrame({"score": score, "block": block, "a": a.astype(str), "b": b.astype(str)})
    fit = smf.ols("score ~ C(block) + C(a, Sum) + C(b, Sum)", data).fit(cov_type="cluster", cov_kwds={"groups": block}, use_t=True)  # fmt: skip
    got = group_effects(score, block, {"a": a, "b": b})
    assert got["a"].levels == ("x", "y", "z")
    assert got["a"].value[:2] == pytest.approx([fit.params["C(a, Sum)[S.x]"], fit.params["C(a, Sum)[S.y]"]])  # fmt: skip
    assert got["a"].value.sum() == pytest.approx(0)
    ends = fit.conf_int().loc["C(b, Sum)[S.p]"]
    assert [got["b"].low[0], got["b"].high[0]] == pytest.approx(ends.tolist())
    test = fit.f_test("C(a, Sum)[S.x] = 0, C(a, Sum)[S.y] = 0")
    assert got["a"].f == pytest.approx(float(test.fvalue))
    assert got["a"].p == pytest.approx(float(test.pvalue))


def test_what_cannot_be_told_apart_is_refused():
    """Two attributes that are one, one level, too few blocks, none."""
    score, block, a, _ = drawn(1)
    with pytest.raises(UndefinedStatistic, match="apart"):
        group_effects(score, block, {"a": a, "again": a})
    with pytest.raises(UndefinedStatistic, match="one level"):
        group_effects(score, block, {"a": np.full(300, "x")})
    with pytest.raises(UndefinedStatistic, match="too few"):
        group_effects(score, block % 2, {"a": a})
    with pytest.raises(BadInput, match="attribute"):
        group_effects(score, block, {})
