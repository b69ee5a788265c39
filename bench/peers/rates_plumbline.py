"""plumbline's side of `rates.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from rates_data import table
from worker import serve

from plumbline.core.catalog import find
from plumbline.core.seeds import Seeds
from plumbline.metrics.rate_parts import contrasts
from plumbline.metrics.recorded import read
from plumbline.metrics.tabular.group_rates import tabulate
from plumbline.stats.bootstrap import cluster_weights
from plumbline.stats.infer import infer

label, decision, group = table(int(sys.argv[1]))
columns = {"label": label, "prediction": decision, "group:g": group}
RATES = ("error rate", "selection rate", "true positive rate", "false positive rate")


def parts():
    data = read(columns)
    (grouping,) = data.groupings
    found = {
        p.rate: p
        for p in contrasts(data, grouping, np.random.default_rng(0).permutation(len(data)))
    }
    return [found[name] for name in RATES]


def table_of(rates):
    """Accuracy is one less the error rate."""
    rows = np.array([list(r.values()) for r in rates])
    rows[0] = 1 - rows[0]
    return rows.T.tolist()


def point():
    return table_of([p.means() for p in parts()])


def drawn(draws):
    """Rates of all groups under resampled lots, from the million rows on; quantiles of each."""
    rng = np.random.default_rng(0)
    ends = []
    for part in parts():
        weights = np.stack([cluster_weights(rng, part.weight.shape[1], draws) for _ in part.names])
        rates = np.einsum("gdl,gl->gd", weights, part.total) / np.einsum(
            "gdl,gl->gd", weights, part.weight
        )
        ends.append(np.quantile(rates, [0.025, 0.975], axis=1))
    ends[0] = 1 - ends[0][::-1]
    return np.array(ends).transpose(1, 2, 0).tolist()


def whole():
    """The method itself: every rate with its interval, the spread with its permutation test."""
    made = tabulate(read(columns), np.random.default_rng(0))
    return len(infer(made, find("group_rates").card, seeds=Seeds(0)))


serve({"point": point, "1000 draws": lambda: drawn(1000), "whole": whole})
