"""Forms of a MODEL: each opens, unknown ones are explained, other packages' are found."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from plumbline.core.errors import BadInput, MissingExtra, PlumblineError, UnknownName
from plumbline.models import resolve
from plumbline.models.abilities import Adapter, Cost, ModelOptions
from plumbline.models.instruments import known
from plumbline.models.resolve import FORMS, open_model, wrap


class Toy:
    """The smallest adapter."""

    name, fingerprint, remote = "toy", "0" * 32, False
    abilities = frozenset({"score"})

    def about(self):
        return {"form": "toy"}

    def partition(self, batch):
        return []

    def answer(self, batch):
        yield from ()

    def cost(self, batch):
        return Cost()

    def close(self):
        """Nothing."""


def open_toy(rest: str, options: ModelOptions) -> Toy:
    """For the entry point: keeps what it was given."""
    toy = Toy()
    toy.name = f"toy {rest} {options.system}"
    return toy


@pytest.fixture
def plugged(monkeypatch):
    """Other packages' forms and instruments, as installed ones would show."""
    points = {
        "plumbline.adapters": [
            EntryPoint("toy", f"{__name__}:open_toy", "plumbline.adapters"),
            EntryPoint("wrong", f"{__name__}:wrong", "plumbline.adapters"),
        ],
        "plumbline.instruments": [
            EntryPoint("toy", f"{__name__}:Toy", "plumbline.instruments"),
            EntryPoint("wrong", "builtins:object", "plumbline.instruments"),
        ],
    }
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _here())
    for module in (resolve, known):
        monkeypatch.setattr(module, "entry_points", lambda *, group: points[group])


def _here():
    import types

    module = types.ModuleType(__name__)
    module.__dict__.update(globals())
    return module


def wrong(rest: str, options: ModelOptions) -> int:
    """An entry point that makes no adapter."""
    return 3


@pytest.mark.parametrize("form", [f for f in FORMS if f not in ("demo", "hf")])
def test_every_form_is_wired(form, tmp_path):
    """Each form leads to its own opener, which says in one error what it misses."""
    with pytest.raises(PlumblineError) as error:
        open_model(f"{form}:{tmp_path / 'absent'}")
    assert not isinstance(error.value, UnknownName)


@pytest.mark.parametrize("form", [f for f in FORMS if f != "demo"])
def test_nothing_after_the_colon(form):
    """A form without its rest shows the form."""
    with pytest.raises(BadInput, match=f"as in {form}:"):
        open_model(f"{form}:")


def test_unknown_form_names_the_nearest():
    """`ggfu:x` is taken for gguf."""
    with pytest.raises(UnknownName, match="gguf"):
        open_model("ggfu:model.bin")
    with pytest.raises(UnknownName, match="demo"):
        open_model("demmo")


GUESSES = {
    "model.gguf": "gguf:", "glove.txt": "vectors:", "w.npz": "vectors:", "rows.csv": "table:",
    "rows.parquet": "table:", "said.jsonl": "answers:", "org/model": "hf:", "folder": "hf:",
    "http://localhost:8000/v1": "openai:NAME@",
}  # fmt: skip


@pytest.mark.parametrize(("spec", "form"), GUESSES.items(), ids=GUESSES.keys())
def test_a_bare_path_or_id_is_told_its_form(spec, form, tmp_path, monkeypatch):
    """What has no form is answered with the likely one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput) as error:
        open_model(spec)
    assert f"did you mean {form}{spec}?" in str(error.value)


def test_folders_are_told_apart(tmp_path):
    """A folder with ONNX files is an encoder, one with a correction a corrected model."""
    (tmp_path / "model.onnx").touch()
    with pytest.raises(BadInput, match="onnx:"):
        open_model(str(tmp_path))
    (tmp_path / "correction.json").touch()
    with pytest.raises(BadInput, match="corrected:"):
        open_model(str(tmp_path))


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.skops"])
def test_saved_scikit_learn_models_are_explained(name):
    """A pickle is not opened; the message says what does instead."""
    with pytest.raises(BadInput, match="saved by skops"):
        open_model(name)


@pytest.mark.parametrize(
    ("form", "package", "line"),
    [
        ("gguf", "xllamacpp", 'pip install "plumbline[gguf]"'),
        ("onnx", "onnxruntime", 'pip install "plumbline[onnx]"'),
    ],
)
def test_missing_extras_hold_the_pip_line(form, package, line, tmp_path, monkeypatch):
    """A form whose package is not installed says exactly what to install."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == package else found(name, *rest),
    )
    header = tmp_path / "m.gguf"
    header.write_bytes(b"GGUF" + np.array([3], "<u4").tobytes() + bytes(16) + bytes(64))
    with pytest.raises(MissingExtra) as error:
        open_model(f"{form}:{header}")
    assert line in str(error.value)


def test_other_packages_forms(plugged):
    """An installed package's form is opened with what stands after the colon and the options."""
    adapter = open_model("toy:some:thing", ModelOptions(system="S"))
    assert adapter.name == "toy some:thing S"
    with pytest.raises(BadInput, match="which is no adapter"):
        open_model("wrong:x")
    with pytest.raises(UnknownName, match="toy"):
        open_model("toi:x")


def test_other_packages_instruments(plugged):
    """An installed package's instrument is found by name and called without arguments."""
    assert {"toy", "vader"} <= set(known.known())
    assert known.open_instrument("toy").name == "toy"
    with pytest.raises(BadInput, match="which is no adapter"):
        known.open_instrument("wrong")


def test_an_instrument_may_be_a_model(plugged):
    """Any model form serves as an instrument."""
    assert known.open_instrument("toy:x").name == "toy x "
    with pytest.raises(UnknownName, match="vader"):
        known.open_instrument("vadar")


def test_wrap_leaves_adapters_and_refuses_the_rest():
    """An adapter comes back as it is; what cannot be audited is told what could."""
    toy = Toy()
    assert isinstance(toy, Adapter)
    assert wrap(toy) is toy
    for thing in (3, None, [1, 2], Toy):
        with pytest.raises(BadInput, match="wanted an adapter, a MODEL form"):
            wrap(thing)
    with pytest.raises(UnknownName):
        wrap("demmo")


def test_resolving_imports_no_heavy_package():
    """Importing the forms brings in neither torch nor transformers, onnxruntime or httpx2."""
    code = (
        "import sys, plumbline.models.resolve, plumbline.models.openai_like, "
        "plumbline.models.gguf, plumbline.models.onnx, plumbline.models.sklearn_model, "
        "plumbline.models.table, plumbline.models.instruments.known;"
        "print([m for m in ('torch','transformers','onnxruntime','httpx2','sklearn','duckdb',"
        "'narwhals','xllamacpp','pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
