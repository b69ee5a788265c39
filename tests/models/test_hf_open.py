"""Opening transformers models: kinds, damaged and dangerous folders, hubs that are not there."""

import json
import shutil
import socket
from dataclasses import replace

import pytest
from contract import ask
from tiny_models import CAUSAL, SMALL, T5, build, tokenizer

from plumbline.core import questions as q
from plumbline.core.errors import BadInput, SubjectError, UnknownName, Unreachable
from plumbline.models import hf_folder, torch_runtime
from plumbline.models.abilities import ModelOptions
from plumbline.models.hf_open import open_hf


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Llama."""
    return build(tmp_path_factory.mktemp("llama"), "LlamaForCausalLM", **SMALL)


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of it that may be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")


KINDS = {
    "LlamaForCausalLM": ("causal", SMALL),
    "GPT2LMHeadModel": ("causal", CAUSAL["GPT2LMHeadModel"]),
    "T5ForConditionalGeneration": ("seq2seq", T5),
    "LlamaForSequenceClassification": ("classifier", SMALL),
    "LlamaModel": ("encoder", SMALL),
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_kind_is_read_from_the_config(name, tmp_path, exact):
    """The class that the config names decides what the model can be asked."""
    kind, settings = KINDS[name]
    adapter = open_hf(build(tmp_path, name, **settings), exact)
    assert adapter.about()["kind"] == kind
    assert "open" in adapter.abilities


def test_packaged_models_are_recognised(masked_folder, encoder_folder):
    """A masked model by its class; a sentence encoder by its modules.json."""
    assert hf_folder.detect(masked_folder) == "masked"
    assert hf_folder.detect(encoder_folder) == "encoder"


def test_no_network_for_a_local_folder(folder, exact, monkeypatch):
    """A local folder opens and answers with every socket forbidden."""

    def forbidden(*_args, **_kwargs):
        raise AssertionError("a local model asked for a network")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    adapter = open_hf(folder, exact)
    assert ask(adapter, q.logprob(["The"], [" nurse"])).ok.all()


@pytest.mark.parametrize("path", ["./nowhere", "/nowhere/at/all", "~/nowhere-at-all", "a/b/c"])
def test_a_path_that_is_not_there(path):
    """A path that is not there is said to be not there; no hub is asked."""
    with pytest.raises(BadInput, match="no folder"):
        open_hf(path)


def test_an_id_without_a_network(monkeypatch, tmp_path):
    """A hub's id that cannot be fetched and is in no cache is unreachable."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unreachable, match="local folder"):
        open_hf("nobody/no-such-model-plumbline")


def test_gated_and_unknown_ids(monkeypatch):
    """The hub's refusals become one clear sentence each."""
    import httpx2
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    request = httpx2.Request("GET", "http://hub.invalid")
    for kind, code, words in (
        (GatedRepoError, 403, "gated"),
        (RepositoryNotFoundError, 404, "no model"),
    ):
        error = kind("no", response=httpx2.Response(code, request=request))

        def refuse(*_args, _error=error, **_kwargs):
            raise _error

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        with pytest.raises(Unreachable, match=words):
            open_hf("some/model")


def test_a_connection_that_breaks(monkeypatch):
    """An error of the library below the hub's client, in the middle of a download, is one sentence too."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    def breaks(*_args, **_kwargs):
        get_session().get("http://127.0.0.1:9/")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", breaks)
    # Offline, the hub's session refuses before it connects, with an error of its own.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(Unreachable, match=r"hub cannot be reached \(ConnectError\)"):
        open_hf("some/model")


def test_a_folder_that_is_no_model(tmp_path):
    """An empty folder, and one with GGUF files, are told apart."""
    with pytest.raises(BadInput, match=r"no config\.json"):
        open_hf(tmp_path)
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(BadInput, match="gguf:"):
        open_hf(tmp_path)
    with pytest.raises(BadInput, match="is a file"):
        open_hf(tmp_path / "x.gguf")


def test_pickled_weights_are_refused(copy, exact):
    """Weights that would be unpickled are refused, with the way to convert them."""
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BadInput, match="save_pretrained"):
        open_hf(copy, exact)
    (copy / "pytorch_model.bin").unlink()
    with pytest.raises(BadInput, match="no .*safetensors"):
        open_hf(copy, exact)


def test_damaged_files(copy, exact):
    """Truncated weights, a broken config and a missing tokenizer are clear errors."""
    weights = copy / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="not a whole safetensors file"):
        open_hf(copy, exact)
    weights.write_bytes(whole)
    config = (copy / "config.json").read_text()
    (copy / "config.json").write_text(config[:40])
    with pytest.raises(BadInput, match="not valid JSON"):
        open_hf(copy, exact)
    (copy / "config.json").write_text(config)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    with pytest.raises(BadInput):
        open_hf(copy, exact)


def test_a_head_that_is_not_in_the_file_is_refused(tmp_path, exact):
    """An encoder opened as a classifier would answer with random weights: it is refused."""
    folder = build(tmp_path, "LlamaModel", **SMALL)
    with pytest.raises(BadInput, match="lacks weights"):
        open_hf(folder, replace(exact, extra={"kind": "classifier"}))


def test_own_code_is_never_run(copy, exact):
    """A model that brings code is refused unless its class is known."""
    config = json.loads((copy / "config.json").read_text())
    config["architectures"] = ["EvilForCausalLM"]
    config["auto_map"] = {"AutoModelForCausalLM": "evil.Evil"}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(BadInput, match="never runs"):
        open_hf(copy, exact)
    config["model_type"] = "evil"
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput):
        open_hf(copy, replace(exact, extra={"kind": "causal"}))


def test_unknown_settings(folder, exact):
    """Unknown extra settings, kinds, precisions and devices are refused by name."""
    with pytest.raises(UnknownName, match="kind"):
        open_hf(folder, replace(exact, extra={"kin": "causal"}))
    for bad in (
        {"extra": {"kind": "poem"}},
        {"dtype": "float8"},
        {"device": "cuda:7"},
        {"device": "tpu9"},
    ):
        with pytest.raises(BadInput):
            open_hf(folder, replace(exact, **bad))


def test_fingerprint_follows_the_weights(copy, exact):
    """One changed weight, or one changed option, is another subject; a readme is not."""
    first = open_hf(copy, exact).fingerprint
    (copy / "README.md").write_text("Hello")
    assert open_hf(copy, exact).fingerprint == first
    weights = copy / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-3] ^= 1
    weights.write_bytes(bytes(raw))
    assert open_hf(copy, exact).fingerprint != first


def test_closed_models_say_so(folder, exact):
    """After `close` a question is an error, not a crash."""
    adapter = open_hf(folder, exact)
    adapter.close()
    with pytest.raises(SubjectError, match="closed"):
        ask(adapter, q.logprob(["The"], [" nurse"]))
    assert adapter.about()["kind"] == "causal"


def test_max_context_is_obeyed(folder, exact):
    """A context set by hand makes longer prompts undefined."""
    adapter = open_hf(folder, replace(exact, max_context=5))
    got = ask(adapter, q.logprob(["The king of the house is a doctor", "A"], [" b", " b"]))
    assert got.status[0].startswith("truncated")
    assert got.status[0].endswith("context 5")
    assert got.ok[1]


def test_auto_precision_is_stated(folder):
    """`auto` is bfloat16 where the processor multiplies in it, and the record says which."""
    adapter = open_hf(folder, ModelOptions(device="cpu"))
    fast = torch_runtime._bfloat16_processor()
    assert adapter.about()["dtype"] == ("bfloat16" if fast else "float32")
    assert adapter.about()["device"] == "cpu"


def test_missing_extra_names_the_pip_line(monkeypatch):
    """Without torch the message is the pip line."""
    import importlib.util

    from plumbline.core.errors import MissingExtra

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install .*plumbline\[hf\]"):
        open_hf("some/model")


def test_several_templates_must_be_chosen_from(copy, exact):
    """A tokenizer with several chat templates needs one to be given."""
    tok = tokenizer()
    tok.chat_template = {"default": "{{ messages }}", "tool": "{{ messages }}"}
    from plumbline.models.hf_prompt import Prompter

    with pytest.raises(BadInput, match="several chat templates"):
        Prompter.of(tok, exact)


def test_a_template_that_refuses_is_reported(copy, exact):
    """A template that raises (no system role, say) is a clear error."""
    template = "{{ raise_exception('no system role here') }}"
    adapter = open_hf(copy, replace(exact, chat_template=template, system="Be kind."))
    with pytest.raises(BadInput, match="no system role here"):
        ask(adapter, q.choose([q.prompt("Hi", role="user")], [("a", "b")]))
