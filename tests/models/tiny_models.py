"""Tiny models with random weights, built from a config and saved, to test conventions on."""

from pathlib import Path

TEXT = [
    "The nurse said that she was late because of the rain.",
    "Paris is the capital of France, and the king of the house is a doctor.",
    "My friend is an engineer from the north; he said: one, two, three!",
    "Which is a fruit? A. apple B. stone Answer: yes or no",
    "Once upon a time, in a small town by the sea, there was water.",
]


def tokenizer(**special):
    """A byte-level BPE tokenizer trained on a few sentences of ours."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    marks = ["<pad>", "<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
    )
    own.train_from_iterator(TEXT, trainer)
    marked = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"} | special
    return PreTrainedTokenizerFast(tokenizer_object=own, **marked)


def save(folder: Path, model, tok) -> Path:
    """The model's folder, as safetensors."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tok.save_pretrained(folder)
    return folder


def build(folder: Path, name: str, **settings) -> Path:
    """A model of that class with random weights that are large enough to tell answers apart."""
    import torch
    import transformers

    tok = tokenizer()
    torch.manual_seed(5)
    cls = getattr(transformers, name)
    forced = settings.pop("forced_bos_token_id", None)
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = cls.config_class(vocab_size=len(tok), **(ids | settings))
    model = cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    if forced is not None:
        model.generation_config.forced_bos_token_id = forced
    return save(folder, model, tok)


SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
}
CAUSAL = {
    "GPT2LMHeadModel": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "LlamaForCausalLM": SMALL,
    "MistralForCausalLM": SMALL | {"sliding_window": 6},
    "Gemma2ForCausalLM": SMALL | {"sliding_window": 6, "final_logit_softcapping": 3.0},
    "GPTNeoXForCausalLM": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 128,
    },
    "BloomForCausalLM": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "OPTForCausalLM": {
        "hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 128, "word_embed_proj_dim": 32,
    },
    "GPTNeoForCausalLM": {
        "hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]],
        "window_size": 6, "max_position_embeddings": 128,
    },
    "FalconForCausalLM": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "alibi": True},
    "GPTJForCausalLM": {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4, "n_positions": 128},
    "MambaForCausalLM": {"hidden_size": 32, "state_size": 4, "num_hidden_layers": 2},
}  # fmt: skip
T5 = {
    "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4,
    "decoder_start_token_id": 0, "bos_token_id": None,
}  # fmt: skip
BART = {
    "d_model": 32, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "encoder_layers": 2,
    "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "max_position_embeddings": 128, "decoder_start_token_id": 2, "forced_bos_token_id": 1,
}  # fmt: skip
