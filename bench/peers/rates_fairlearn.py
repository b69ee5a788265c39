"""fairlearn's side of `rates.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pandas as pd
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from rates_data import table
from sklearn.metrics import accuracy_score
from worker import serve

METRICS = {
    "accuracy": accuracy_score,
    "selection": selection_rate,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
}
label, decision, group = table(int(sys.argv[1]))
group = pd.Series(group)


def frame(**how):
    return MetricFrame(
        metrics=METRICS, y_true=label, y_pred=decision, sensitive_features=group, **how
    )


def drawn(draws):
    made = frame(n_boot=draws, ci_quantiles=[0.025, 0.975], random_state=0)
    return [by.to_numpy().tolist() for by in made.by_group_ci]


serve({"point": lambda: frame().by_group.to_numpy().tolist(), "5 draws": lambda: drawn(5)})
