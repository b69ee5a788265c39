"""plumbline's side of `weat.py`."""

import sys

import numpy as np
from worker import serve

from plumbline.metrics.association import association
from plumbline.metrics.embedding.weat import effect_size, one_sided_p

size = int(sys.argv[2])
vectors = np.load(sys.argv[1]).astype(float)
x, y, a, b = vectors.reshape(4, size, -1)


def exact():
    s = association(np.concatenate([x, y]), a, b)
    return [effect_size(s[:size], s[size:]), one_sided_p(s[:size], s[size:])]


serve({"exact": exact})
