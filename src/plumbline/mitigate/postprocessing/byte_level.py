"""Byte-level scoring: strings by the probability of their bytes, whatever tokens a prompt ends in.

Phan et al. 2025, "Exact byte-level probabilities from tokenized language models for FIM-tasks and model
ensembles", ICLR, arXiv:2410.09303.
"""

from __future__ import annotations

from typing import Final

from plumbline.core.card import method
from plumbline.core.errors import BadInput
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_byte_level import BYTES_A_TOKEN, ByteLevel

METHOD: Final = "byte_level@1"


@method(
    id="byte_level",
    version=1,
    title="Byte-level probabilities from a token model",
    family="evaluation",
    harm="disparate system performance",
    needs=("open",),
    paper="arxiv:2410.09303",
    suite="full",
    estimand="probability of a text's bytes after a prompt's bytes, for the process over text that a model and its tokenizer define",
    unit="nats",
    null="none",
    sign="signed",
    worse="either",
    units=("item random",),
    trust="formula",
    kind="correction",
    axes=("tokenization",),
    seeds=("S120",),
)
def byte_level(base: Adapter, *, bytes_a_token: int = BYTES_A_TOKEN) -> ByteLevel:
    """Score and write by bytes: a prompt that ends inside a token, or in a space, is read as text.

    A token model that is asked after "The capital of Fra" is asked about texts in which a token ends
    there, and hardly any text is such. Here the probability of a string is that of its bytes: summed over
    all ways in which its last token can go on behind it, less those of the prompt. Options of a choice that
    merge with the prompt's end are scored on equal terms.

    An option's score is that of all texts that begin with it ("a" holds "and"); ask with what ends
    it ("a ", "a.") where that matters. What the model puts on invalid token sequences is given to no text.

    Args:
        base: A causal model with a byte-level BPE tokenizer, in float32 (half precision moves small differences).
        bytes_a_token: Most bytes written for each of a question's `max_tokens`. Temperature is one of
            bytes, not of tokens.

    Returns:
        The model read by bytes: `logprob` (a value a word), `choose` and `generate`.

    Raises:
        BadInput: Another kind of tokenizer.
    """
    if bytes_a_token < 1:
        raise BadInput(f"wanted at least 1 byte a token; got {bytes_a_token}")
    return ByteLevel(base, METHOD, {"bytes_a_token": int(bytes_a_token)})
