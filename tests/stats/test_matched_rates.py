"""Differences of rates inside strata."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.scored import Items
from plumbline.stats.matched_rates import MATCHED


def test_mantel_haenszel_difference_by_hand():
    """Gaps 2/3 and 1/2 with weights 3/4 and 2/3; a stratum of one group alone says nothing."""
    rows = [
        *[("first", "a", s) for s in (1.0, 1.0, 0.0)], ("second", "a", 0.0),
        ("first", "b", 1.0), *[("second", "b", s) for s in (1.0, 0.0)],
        ("first", "c", 0.0),
    ]  # fmt: skip
    group, stratum, score = (list(c) for c in zip(*rows, strict=True))
    items = Items.of(
        item=[str(i) for i in range(8)], group=group, kind=np.array(stratum, object), score=score
    )
    options = MATCHED.prepare(items, {"stratum": "kind"})
    features = MATCHED.features(items, options)
    sums = np.stack([features[np.array(group) == g].sum(axis=0) for g in ("first", "second")])
    assert MATCHED.value(sums, options) == pytest.approx((0.5 + 1 / 3) / (3 / 4 + 2 / 3))
