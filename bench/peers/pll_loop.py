"""The loop of `pll.py`: one masked position a forward pass, one sentence at a time, as published scripts have it."""

import json
import os
import sys
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
from worker import serve

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForMaskedLM.from_pretrained(sys.argv[1]).eval()
texts = json.loads(Path(sys.argv[2]).read_text("utf-8"))


def scored():
    sums = []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        total = 0.0
        for place in range(1, ids.shape[1] - 1):
            masked = ids.clone()
            masked[0, place] = tokenizer.mask_token_id
            with torch.no_grad():
                logits = model(masked).logits[0, place]
            total += torch.log_softmax(logits, dim=0)[ids[0, place]].item()
        sums.append(total)
    return sums


serve({"score": scored})
