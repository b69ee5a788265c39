"""Direct preference optimisation of a linear policy: the minimum in closed form, and its first-order condition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from plumbline.core.errors import BadInput
from plumbline.stats.direct_preference import dpo_loss, fit_linear_policy, reward_margin


def test_losses_by_hand():
    """-log sigmoid(beta (a - b)); log 2 where nothing moved (Rafailov et al. 2023, eq. 7)."""
    assert reward_margin([1.0, 0.5], [0.2, 1.0], beta=0.5) == pytest.approx([0.4, -0.25])
    assert dpo_loss([0.0], [0.0], beta=3.0) == pytest.approx([np.log(2)])
    assert dpo_loss([2.0], [1.0], beta=0.5) == pytest.approx([-np.log(expit(0.5))])


@pytest.mark.parametrize(("beta", "ridge"), [(0.1, 1e-3), (1.0, 0.05), (2.0, 0.5)])
def test_one_pair_has_one_equation(beta, ridge):
    """beta x sigmoid(-beta theta x) = 2 ridge theta."""
    x = 1.7
    want = brentq(lambda t: beta * x * expit(-beta * t * x) - 2 * ridge * t, 0, 1000)
    assert fit_linear_policy([[x]], beta=beta, ridge=ridge) == pytest.approx([want], rel=1e-3)


def test_the_gradient_vanishes_at_the_minimum():
    """Of the mean loss and the penalty, for many pairs of three features."""
    phi = np.random.default_rng(6).normal(size=(80, 3)) + np.array([0.5, 0.0, -0.3])
    theta = fit_linear_policy(phi, beta=1.5, ridge=0.01)
    pull = -1.5 * (phi * expit(-1.5 * phi @ theta)[:, None]).mean(axis=0) + 0.02 * theta
    assert np.abs(pull).max() < 1e-4
    assert np.abs(theta).max() > 0.3


@pytest.mark.parametrize(("beta", "ridge"), [(0.0, 0.1), (-1.0, 0.1), (0.1, 0.0)])
def test_bad_settings(beta, ridge):
    """Both are above 0."""
    with pytest.raises(BadInput, match="above 0"):
        fit_linear_policy([[1.0]], beta=beta, ridge=ridge)
