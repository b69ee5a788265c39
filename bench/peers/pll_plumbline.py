"""plumbline's side of `pll.py`: the adapter's answers to `pseudo` questions, parts and all."""

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
texts = json.loads(Path(sys.argv[2]).read_text("utf-8"))
adapter = open_hf(Path(sys.argv[1]), ModelOptions(dtype="float32", device="cpu"))


def scored():
    batch = ask.pseudo(texts)
    found = np.full(len(texts), np.nan)
    for part in adapter.partition(batch):
        for rows, answers in adapter.answer(batch.take(part.tolist())):
            found[part[np.asarray(rows)]] = answers.total
    return found.tolist()


serve({"score": scored})
