"""Byte-level ensembles: the mean of models with different vocabularies.

Phan et al. 2025, "Exact byte-level probabilities from tokenized language models for FIM-tasks and model
ensembles", ICLR, arXiv:2410.09303.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from plumbline.core.card import method
from plumbline.core.errors import BadInput
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_byte_level import BYTES_A_TOKEN, ByteLevel
from plumbline.models.resolve import open_model

METHOD: Final = "byte_ensemble@1"


@method(
    id="byte_ensemble",
    version=1,
    title="Byte-level ensemble of models with different vocabularies",
    family="evaluation",
    harm="disparate system performance",
    needs=("logprob",),
    paper="arxiv:2410.09303",
    suite="full",
    estimand="probability of a text's bytes under the mean of the members' distributions of every next byte",
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
def byte_ensemble(
    base: Adapter, *, members: Sequence[str] = (), bytes_a_token: int = BYTES_A_TOKEN
) -> ByteLevel:
    """Average models whose tokens cannot be compared, one byte at a time.

    Every member reads the same bytes; the next byte's distribution is the mean of theirs, with equal weights. All
    share one history, so that a text's probability is the product over its bytes, not the mean of the
    members' probabilities of the text.

    Args:
        base: The first member: a causal model with a byte-level BPE tokenizer, or an n-gram model over
            characters (`arpa:FILE`, the space written as U+2581).
        members: MODEL forms of the others, as `hf:PATH` or `arpa:FILE`.
        bytes_a_token: Most bytes written for each of a question's `max_tokens`.

    Returns:
        The ensemble: `logprob` (a value a word), `choose` and `generate`, as far as the base has them.

    Raises:
        BadInput: No other member, or one that cannot be read by bytes.
    """
    if not members or isinstance(members, str) or bytes_a_token < 1:
        raise BadInput(
            f"wanted a list of MODEL forms of other members, and at least 1 byte a token; got {members!r}"
        )
    told = []
    for form in members:
        model = open_model(form)
        told.append({"model": form, "fingerprint": model.fingerprint})
        model.close()
    return ByteLevel(base, METHOD, {"members": told, "bytes_a_token": int(bytes_a_token)})
