"""What fairlearn says about the tables of inputs.json. Run by `peers.py` in fairlearn's environment."""

import json
import sys
import warnings

import fairlearn
import numpy as np
from fairlearn import metrics as fm

warnings.simplefilter("ignore")
given = json.loads(sys.stdin.read())


def columns(cells):
    """Rows of [group, label, prediction, count] as three columns."""
    rows = [(g, y, p) for g, y, p, n in cells for _ in range(n)]
    group, label, guess = (np.array(c) for c in zip(*rows, strict=True))
    return group, label, guess


RATES = {
    "selection rate": fm.selection_rate,
    "true positive rate": fm.true_positive_rate,
    "false positive rate": fm.false_positive_rate,
    "false negative rate": fm.false_negative_rate,
}
WHOLE = {
    "demographic parity difference": fm.demographic_parity_difference,
    "demographic parity ratio": fm.demographic_parity_ratio,
    "equalized odds difference": fm.equalized_odds_difference,
    "equal opportunity difference": fm.equal_opportunity_difference,
}
found = {}
for name, cells in given["tables"].items():
    group, label, guess = columns(cells)
    frame = fm.MetricFrame(
        metrics=RATES, y_true=label, y_pred=guess, sensitive_features=group
    ).by_group
    for rate in RATES:
        for g in frame.index:
            found[f"{name}: {rate} of {g}"] = float(frame.loc[g, rate])
    for what, function in WHOLE.items():
        found[f"{name}: {what}"] = float(function(label, guess, sensitive_features=group))
group, label, guess = columns(given["tables"]["equal groups"])
frame = fm.MetricFrame(
    metrics=fm.selection_rate, y_true=label, y_pred=guess, sensitive_features=group, n_boot=1000,
    ci_quantiles=[0.025, 0.975], random_state=1,
)  # fmt: skip
low, high = frame.difference_ci()
found["equal groups: 2.5 % point of the demographic parity difference"] = float(low)
found["equal groups: 97.5 % point of the demographic parity difference"] = float(high)
print(json.dumps({"version": fairlearn.__version__, "values": found}))
