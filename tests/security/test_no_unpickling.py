"""Nothing is unpickled, evaluated or run that came with a model or a table."""

from __future__ import annotations

import ast
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import plumbline
from plumbline.core.errors import BadInput, PlumblineError
from plumbline.models.abilities import ModelOptions
from plumbline.models.resolve import open_model, wrap

SRC = Path(plumbline.__file__).parent
ROOT = SRC.parents[1]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "telnetlib", "tarfile", "imp", "xmlrpc"}  # fmt: skip
# Where one of these may stand, and why.
ALLOWED = {
    ("models/instruments/inert_pickle.py", "pickle"): "the reader that builds nothing; fuzzed",
}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"extractall", "unpack_archive", "system", "popen", "load_module", "unsafe_load", "full_load", "load_all"}  # fmt: skip


def found(tree: ast.AST) -> list[str]:
    """What a file does that could run code from elsewhere."""
    bad = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bad += [a.name for a in node.names if a.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            bad.append(node.module)
        elif isinstance(node, ast.Call):
            bad += list(_call(node))
    return bad


def _call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    last = name.rpartition(".")[2]
    given = {k.arg: ast.unparse(k.value) for k in node.keywords}
    said = []
    if name in CALLS or (last in METHODS and "." in name and name != "platform.system"):
        said.append(name)
    if name in {"torch.load", "load_state_dict_from_url"} or name.startswith("torch.hub."):
        said.append(name)
    if (
        last == "load"
        and name.startswith(("np.", "numpy."))
        and given.get("allow_pickle") != "False"
    ):
        said.append(f"{name} without allow_pickle=False")
    if name in {"yaml.load", "yaml.unsafe_load"}:
        said.append(name)
    if given.get("shell") not in (None, "False"):
        said.append(f"{name}(shell=...)")
    for option in ("trust_remote_code", "allow_pickle"):
        if given.get(option) not in (None, "False"):
            said.append(f"{option}={given[option]}")
    if last == "from_pretrained" and given.get("use_safetensors") not in (None, "True"):
        said.append("from_pretrained without safetensors")
    return said


def test_the_source_unpickles_and_evaluates_nothing():
    """Every place that could run foreign code is named above, with its reason."""
    seen = {
        (path.relative_to(SRC).as_posix(), what)
        for path in sorted(SRC.rglob("*.py"))
        for what in found(ast.parse(path.read_text("utf-8")))
    }
    assert seen == set(ALLOWED)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from joblib import load", "torch.load(x)", "np.load(x)", "np.load(x, allow_pickle=True)", "yaml.load(x)", "eval(x)",
        "archive.extractall()", "subprocess.run(x, shell=True)", "f(trust_remote_code=True)", "f(trust_remote_code=given)", "os.system(x)",
        "m.from_pretrained(x, use_safetensors=False)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(code):
    """Each of the forbidden ways is seen."""
    assert found(ast.parse(code)) != []


def test_weights_are_loaded_with_foreign_code_off_and_safetensors_on():
    """The one call of transformers that loads weights says both, as constants."""
    calls = [
        {k.arg: ast.unparse(k.value) for k in node.keywords}
        for path in sorted(SRC.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("from_pretrained")
    ]
    assert calls
    for given in calls:
        assert given.get("trust_remote_code") == "False", given
        assert given.get("local_files_only") == "True", given
    assert sum(given.get("use_safetensors") == "True" for given in calls) >= 1


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def canary(tmp_path):
    """A pickle that leaves a trace, and the trace."""
    trace = tmp_path / "unpickled"
    data = pickle.dumps(Canary(trace))
    pickle.loads(data)  # noqa: S301 - so that the test knows what the trace looks like
    assert trace.exists()
    trace.unlink()
    return data, trace


def test_a_folder_of_pickled_weights_is_refused(canary, tmp_path):
    """`pytorch_model.bin` alone, and beside a safetensors file that is none."""
    data, trace = canary
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}'
    )
    (folder / "pytorch_model.bin").write_bytes(data)
    with pytest.raises(BadInput, match="pickled weights"):
        open_model(f"hf:{folder}", ModelOptions())
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(BadInput, match="not a whole safetensors file"):
        open_model(f"hf:{folder}", ModelOptions())
    assert not trace.exists()


def test_code_that_comes_with_a_model_is_not_run(tmp_path):
    """`auto_map` names a file of the folder: it is refused, and there is no option that changes that."""
    folder, trace = tmp_path / "model", tmp_path / "ran"
    folder.mkdir()
    config = {"architectures": ["OwnModel"], "model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(trace)!r}, 'w').close()\nclass OwnConfig: pass\nclass OwnModel: pass\n")  # fmt: skip
    head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"\0" * 4)
    with pytest.raises(BadInput, match="code of its own, which plumbline never runs"):
        open_model(f"hf:{folder}", ModelOptions())
    with pytest.raises(BadInput):
        open_model(f"hf:{folder}", ModelOptions(extra={"kind": "causal"}))
    with pytest.raises(PlumblineError, match="trust_remote_code"):
        open_model(f"hf:{folder}", ModelOptions(extra={"trust_remote_code": True}))
    assert not trace.exists()


def test_pickled_arrays_are_refused(canary, tmp_path):
    """An npz whose words are objects, and a plain npy file."""
    data, trace = canary
    sink = io.BytesIO()
    np.save(sink, np.array([Canary(trace)], object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive:
        archive.writestr("words.npy", sink.getvalue())
        archive.writestr("vectors.npy", sink.getvalue())
    (tmp_path / "v.npy").write_bytes(sink.getvalue())
    (tmp_path / "v.txt").write_bytes(data)
    for name in ("v.npz", "v.npy", "v.txt"):
        with pytest.raises(BadInput):
            open_model(f"vectors:{tmp_path / name}", ModelOptions())
    assert not trace.exists()


def test_pickled_estimators_are_refused(canary, tmp_path):
    """By every name, also hidden in a skops file, and a skops file with a type that nobody knows."""
    data, trace = canary
    for name in ("m.pkl", "m.joblib", "m.pickle", "m.skops"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput):
            wrap(tmp_path / name, data={"a": [1.0], "sex": ["f"], "label": [1]})
    schema = {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode", "__id__": 1, "content": None, "protocol": 2, "_skops_version": "0.11"}  # fmt: skip
    with zipfile.ZipFile(tmp_path / "own.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(BadInput, match="subprocess.Popen"):
        wrap(tmp_path / "own.skops", data={"a": [1.0], "sex": ["f"], "label": [1]})
    assert not trace.exists()
