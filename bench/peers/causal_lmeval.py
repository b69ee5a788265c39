"""lm-evaluation-harness's side of `causal.py`: its Hugging Face model's `loglikelihood` at batch 32."""

import json
import os
import sys
from pathlib import Path

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from worker import serve

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
asked = json.loads(Path(sys.argv[2]).read_text("utf-8"))
model = HFLM(pretrained=sys.argv[1], device="cpu", batch_size=32, dtype="float32")
model.custom_prefix_token_id = model.tokenizer.convert_tokens_to_ids(asked["bos"])


def scored(name):
    rows = [
        Instance(request_type="loglikelihood", doc={}, arguments=(c, t), idx=i)
        for i, (c, t) in enumerate(asked[name])
    ]
    return [value for value, _ in model.loglikelihood(rows, disable_tqdm=True)]


serve({"crows": lambda: scored("crows"), "bbq": lambda: scored("bbq")})
