"""Two channels compared by the draws of their outlets' positions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from plumbline.metrics.outlet_channels import between, contrast

RNG = np.random.default_rng(8)
DRAWS = RNG.normal(size=(400, 5)) + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def placed(names, draws):
    """Outlets with draws of their positions."""
    return SimpleNamespace(
        names=np.array(list(names), object), positions=SimpleNamespace(draws=draws)
    )


def test_the_correlation_is_of_each_draw():
    """Over the outlets in both, whatever their order; a channel agrees with itself turned about by -1."""
    other = DRAWS[:, [4, 2, 0, 3]] * 3 + 1 + 0.5 * RNG.normal(size=(400, 4))
    got = between(placed("abcde", DRAWS), placed("ecad", other))
    each = [np.corrcoef(DRAWS[i, [4, 2, 0, 3]], other[i])[0, 1] for i in range(400)]
    assert got["mean"] == pytest.approx(np.mean(each))
    assert (got["low"], got["high"]) == pytest.approx(
        tuple(np.quantile(each, [0.025, 0.975])), abs=0.01
    )
    assert between(placed("abcde", DRAWS), placed("abcde", -DRAWS))["mean"] == pytest.approx(-1)
    assert between(placed("ab", DRAWS[:, :2]), placed("abc", DRAWS[:, :3])) == {}
    assert between(placed("abc", DRAWS[:, :3]), placed("abc", DRAWS[:, :3]))[
        "mean"
    ] == pytest.approx(1)


def test_a_contrast_is_first_minus_second():
    """Mean of the first group's outlets minus the second's, draw by draw; nothing without both."""
    group = dict(zip("abcde", ["l", "l", "l", "r", "r"], strict=True))
    got = contrast(placed("abcde", DRAWS), group, ("l", "r"))
    assert got["mean"] == pytest.approx(DRAWS[:, :3].mean() - DRAWS[:, 3:].mean())
    assert contrast(placed("ab", DRAWS[:, :2]), group, ("l", "r")) == {}
