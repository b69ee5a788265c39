"""WEFE's side of `weat.py`."""

import sys

import numpy as np
from gensim.models import KeyedVectors
from wefe.metrics import WEAT
from wefe.query import Query
from wefe.word_embedding_model import WordEmbeddingModel
from worker import serve

size = int(sys.argv[2])
vectors = np.load(sys.argv[1])
names = [[f"{kind}{i}" for i in range(size)] for kind in "xyab"]
keyed = KeyedVectors(vectors.shape[1])
keyed.add_vectors([w for some in names for w in some], vectors)
model = WordEmbeddingModel(keyed, "random")
query = Query(names[:2], names[2:], ["x", "y"], ["a", "b"])


def asked(**how):
    got = WEAT().run_query(query, model, return_effect_size=True, **how)
    return [float(got["effect_size"]), float(got.get("p_value", -1))]


serve(
    {
        "effect": asked,
        "p 1000": lambda: asked(calculate_p_value=True, p_value_iterations=1000),
        "p 10000": lambda: asked(calculate_p_value=True, p_value_iterations=10_000),
    }
)
