"""What WEFE says about the vectors of inputs.json. Run by `peers.py` in WEFE's environment."""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402 - after the filter
import wefe  # noqa: E402
from gensim.models import KeyedVectors  # noqa: E402
from wefe.metrics import WEAT  # noqa: E402
from wefe.query import Query  # noqa: E402
from wefe.word_embedding_model import WordEmbeddingModel  # noqa: E402

given = json.loads(sys.stdin.read())["words"]
names = list(given["vectors"])
keyed = KeyedVectors(len(given["vectors"][names[0]]))
keyed.add_vectors(names, np.array([given["vectors"][n] for n in names], np.float64))
model = WordEmbeddingModel(keyed, "closed")
x, y, a, b = (given[k] for k in "XYAB")
found = {}
for name, targets in (("X - Y", [x, y]), ("Y - X", [y, x])):
    query = Query(targets, [a, b], ["first", "second"], ["A", "B"])
    got = WEAT().run_query(query, model)
    found[f"{name}: statistic"] = float(got["weat"])
    found[f"{name}: effect size"] = float(got["effect_size"])
    for side in ("right-sided", "left-sided", "two-sided"):
        # A Python loop, unseeded: 500 draws take seconds and leave an error of about .02.
        got = WEAT().run_query(
            query, model, calculate_p_value=True, p_value_test_type=side, p_value_iterations=500
        )
        found[f"{name}: {side} p"] = float(got["p_value"])
print(
    json.dumps(
        {"version": wefe.__version__ if hasattr(wefe, "__version__") else "", "values": found}
    )
)
