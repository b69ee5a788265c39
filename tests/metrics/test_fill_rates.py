"""Bounds of the published score of filled templates, by searching."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics.fill_rates import chi_squared, critical, published


@pytest.mark.parametrize(("k", "names", "templates"), [(3, 30, 14), (5, 100, 14), (1, 10, 2)])
def test_the_largest_number_of_significant_words(k, names, templates):
    """A word of one group alone is tied to it from the smallest count whose statistic is critical; 2 n k places."""
    n = np.full(names + 1, float(names))
    drawn = np.arange(names + 1.0)
    found = chi_squared(drawn, n, np.zeros(names + 1), n)
    least = int(np.flatnonzero(found >= critical(templates * k))[0])
    assert 1 < least < names
    assert published(k=k, names=names, templates=templates).bounds == (
        0.0, pytest.approx(2 * names * k / least),
    )  # fmt: skip
