"""plumbline's side of `causal.py`."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from worker import serve

from plumbline.core import questions as ask
from plumbline.models.abilities import ModelOptions
from plumbline.models.hf_open import open_hf

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
asked = json.loads(Path(sys.argv[2]).read_text("utf-8"))
opened = {}


def adapter(dtype, bos):
    if (dtype, bos) not in opened:
        opened[dtype, bos] = open_hf(
            Path(sys.argv[1]), ModelOptions(dtype=dtype, device="cpu", bos=bos)
        )
    return opened[dtype, bos]


def scored(name, dtype="float32", most=None):
    rows = asked[name][:most]
    batch = ask.logprob([c for c, _ in rows], [t for _, t in rows])
    model = adapter(dtype, asked["bos"] if name == "crows" else "none")
    found = np.full(len(rows), np.nan)
    for part in model.partition(batch):
        for at, answers in model.answer(batch.take(part.tolist())):
            found[part[np.asarray(at)]] = answers.total
    return found.tolist()


serve(
    {
        "crows warm": lambda: scored("crows", most=2),
        "bbq warm": lambda: scored("bbq", most=2),
        "crows": lambda: scored("crows"),
        "bbq": lambda: scored("bbq"),
        "crows bfloat16": lambda: scored("crows", "bfloat16"),
        "bbq bfloat16": lambda: scored("bbq", "bfloat16"),
    }
)
