"""A panel of two tiny language models keeps the contract, as far as choosing goes."""

from __future__ import annotations

import pytest
from contract import LAWS, Case
from tiny_models import CAUSAL, build

from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_panel import CorrectedPanel
from plumbline.models.hf_open import open_hf


@pytest.fixture(scope="module")
def case(exact, tmp_path_factory):
    """Two random GPT-2s that vote."""
    folders = [
        build(tmp_path_factory.mktemp(name), "GPT2LMHeadModel", **CAUSAL["GPT2LMHeadModel"])
        for name in ("one", "two")
    ]
    base, other = (open_hf(folder, exact) for folder in folders)
    params = {
        "judges": ["base", f"hf:{folders[1]}"], "weights": [1.0, 0.6],
        "options": {"dtype": exact.dtype, "device": exact.device},
        "fingerprints": [open_hf(folders[1], exact).fingerprint],
    }  # fmt: skip
    kept = tmp_path_factory.mktemp("kept")
    panel = CorrectedPanel(base, "peer_panel@1", params, [other])
    panel.save(kept, base_spec=f"hf:{folders[0]}", base_options={})
    return Case(adapter=panel, reopen=lambda options: open_corrected(kept, options), options=exact)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """The panel keeps the law."""
    law(case)
