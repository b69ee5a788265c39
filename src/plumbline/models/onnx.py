"""`onnx:DIR`: a sentence encoder in ONNX, without torch.

The folder holds `model.onnx` (or one other .onnx file, also under `onnx/`) and `tokenizer.json`.
Token vectors are pooled as the folder's `modules.json` says, else averaged over the text's
tokens and scaled to length 1, which is how sentence encoders are exported. Texts are cut
nowhere: one that is longer than the model reads is unanswered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Answers, Floats, Vectors
from plumbline.core.errors import AbilityError, BadAnswer, BadInput, MissingExtra
from plumbline.core.json_text import parse
from plumbline.core.questions import Batch
from plumbline.models.abilities import Cost, ModelOptions, Rows
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts, of_file, of_files
from plumbline.models.torch_batches import Unit, chunks, pack

SETTINGS: Final[dict[str, Any]] = {
    "tokenizer": "",
    "pooling": "auto",
    "normalise": None,
    "threads": 0,
}
"""`tokenizer`: a tokenizer.json elsewhere; `pooling`: `auto`, `mean` or `cls`; `normalise`: None
for what the folder says (true without a word); `threads`: 0 for onnxruntime's choice."""
LONGEST: Final = 512
"""Tokens that a model reads where neither the folder nor the options say."""
_INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@final
class OnnxEncoder:
    """A sentence encoder: the ability `embed`.

    Args:
        folder: The folder, or the .onnx file itself.
        options: `device`, `batch_tokens`, `max_context`; `SETTINGS` in `extra`.
    """

    remote = False
    abilities = frozenset({"embed"})

    def __init__(self, folder: Path, options: ModelOptions) -> None:
        self._set = read_extra("onnx", options.extra, SETTINGS)
        path = _model_file(folder)
        beside = path.parent if folder.is_file() else folder
        words = Path(self._set["tokenizer"] or beside / "tokenizer.json")
        self._device = "cpu" if options.device == "auto" else options.device
        self._session = _session(path, self._device, self._set["threads"])
        self._inputs = _inputs(path, self._session)
        self._tokenizer = _tokenizer(words)
        self._pooling, self._normalise = _pooling(beside, self._set)
        self.context = options.max_context or _longest(beside, words)
        self._bound = options.batch_tokens
        # Activations quantised at run time share one scale a batch: a text would depend on its
        # company, so such a model reads one text at a time.
        graph = path.read_bytes()
        self._alone = b"DynamicQuantizeLinear" in graph
        self.name = path.parent.name if path.stem == "model" else path.stem
        self.fingerprint = of_facts(
            form="onnx",
            model=of_files(path, weights_beside(path, graph)),
            tokenizer=of_file(words),
            pooling=[self._pooling, self._normalise, self.context],
            device=self._device.partition(":")[0],
            onnxruntime=_version(),
        )

    def about(self) -> dict[str, Any]:
        """Facts for the record."""
        return {
            "form": "onnx",
            "model": self.name,
            "dimensions": self._session.get_outputs()[0].shape[-1],
            "precision": "as exported",
            "pooling": self._pooling,
            "normalised": self._normalise,
            "context": self.context,
            "device": self._device,
            "one_text_a_batch": self._alone,
            "onnxruntime": _version(),
        }

    def partition(self, batch: Batch) -> list[Rows]:
        """Texts of like length together, at most `batch_tokens` padded tokens a part."""
        texts = batch.columns.get("text", ())
        units = [
            Unit((i,), len(ids), key=text)
            for i, (ids, text) in enumerate(zip(self._encode(texts), texts, strict=True))
        ]
        return pack(units, self._bound)

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Embed; a text of too many tokens has the status `truncated: ...`."""
        if batch.ability != "embed":
            raise AbilityError(f"{self.name} is a sentence encoder: it embeds, nothing else")
        ids = self._encode(batch.columns["text"])
        fits = [i for i, tokens in enumerate(ids) if len(tokens) <= self.context]
        status = [
            "" if len(tokens) <= self.context else
            f"truncated: {len(tokens)} tokens, context {self.context}"
            for tokens in ids
        ]  # fmt: skip
        lengths = [len(ids[i]) for i in fits]
        groups = [[k] for k in range(len(fits))] if self._alone else chunks(lengths, self._bound)
        found: dict[int, Floats] = {}
        for group in groups:
            rows = [fits[k] for k in group]
            found.update(zip(rows, self._run([ids[i] for i in rows]), strict=True))
        width = next((v.size for v in found.values()), 1)
        none = np.full(width, np.nan)
        values = np.array([found.get(i, none) for i in range(len(ids))]).reshape(-1, width)
        yield np.arange(len(ids)), Vectors(values, status)

    def cost(self, batch: Batch) -> Cost:
        """Tokens read, counted by the model's own tokenizer."""
        return Cost(sum(map(len, self._encode(batch.columns.get("text", ())))))

    def close(self) -> None:
        """Nothing outlives the object."""

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [e.ids for e in self._tokenizer.encode_batch(list(texts))] if len(texts) else []

    def _run(self, ids: Sequence[Sequence[int]]) -> Floats:
        """Vectors of texts that go through the model together; shape (texts, dimensions)."""
        width = max(map(len, ids))
        tokens = np.zeros((len(ids), width), np.int64)
        mask = np.zeros_like(tokens)
        for row, text in enumerate(ids):
            tokens[row, : len(text)] = text
            mask[row, : len(text)] = 1
        given = dict(zip(_INPUTS, (tokens, mask, np.zeros_like(tokens)), strict=True))
        out = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        vectors = _pooled(np.asarray(out, float), mask, self._pooling)
        if not np.isfinite(vectors).all():
            raise BadAnswer(f"{self.name} gave NaN or infinite vectors")
        if not self._normalise:
            return vectors
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        if (length == 0).any():
            raise BadAnswer(f"{self.name} gave a zero vector, which has no direction")
        return np.asarray(vectors / length)


def open_onnx(folder: str, options: ModelOptions) -> OnnxEncoder:
    """Open a sentence encoder.

    Raises:
        MissingExtra: onnxruntime or tokenizers is not installed.
        BadInput: Files are missing or damaged, or the model is not a text encoder.
    """
    from importlib.util import find_spec

    for package in ("onnxruntime", "tokenizers"):
        if find_spec(package) is None:
            raise MissingExtra(package, "onnx", f"onnx:{folder}")
    return OnnxEncoder(Path(folder), options)


def _pooled(out: Floats, mask: NDArray[np.int64], how: str) -> Floats:
    """Text vectors from token vectors (texts, tokens, d); two-dimensional output is pooled already."""
    if out.ndim == 2:
        return out
    if how == "cls":
        return out[:, 0]
    weights = mask[:, :, None].astype(float)
    return np.asarray((out * weights).sum(axis=1) / weights.sum(axis=1))


def _model_file(folder: Path) -> Path:
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise BadInput(f"no folder at {folder}; onnx: wants a folder with model.onnx")
    found = [folder / "model.onnx", folder / "onnx" / "model.onnx"]
    found = [path for path in found if path.is_file()] or sorted(folder.glob("*.onnx"))
    if len(found) != 1 and not (found and found[0].name == "model.onnx"):
        names = ", ".join(path.name for path in found) or "none"
        raise BadInput(f"{folder} holds no model.onnx (.onnx files: {names}); name one: onnx:FILE")
    return found[0]


def weights_beside(path: Path, graph: bytes) -> list[Path]:
    """Files beside a model that its graph names: where it keeps large tensors ("external data")."""
    others = sorted(p for p in path.parent.iterdir() if p.is_file() and p != path)
    return [other for other in others if other.name.encode() in graph]


def _session(path: Path, device: str, threads: int) -> Any:
    import onnxruntime

    kind = _PROVIDERS.get(device.partition(":")[0])
    if kind not in onnxruntime.get_available_providers():
        raise BadInput(f"onnx: device {device!r} is not available; 'cpu' always is")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    of_file(path)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[kind])
    except _errors() as failed:
        raise BadInput(f"{path} is not a model that onnxruntime can load: {failed}") from None


def _errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model it cannot load; its errors have no common root."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [e for e in vars(state).values() if isinstance(e, type) and issubclass(e, Exception)]
    return (*own, RuntimeError, ValueError)


def _inputs(path: Path, session: Any) -> list[str]:
    names = [given.name for given in session.get_inputs()]
    if "input_ids" not in names or set(names) - set(_INPUTS):
        raise BadInput(
            f"{path} wants the inputs {', '.join(names)}; a text encoder wants input_ids, and "
            "attention_mask and token_type_ids at most"
        )
    return names


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    if not path.is_file():
        raise BadInput(f"no tokenizer at {path}; put tokenizer.json there, or set 'tokenizer'")
    # Checked here, because the library raises nothing more telling than `Exception`.
    try:
        said = parse(path.read_bytes())
    except ValueError as wrong:
        raise BadInput(f"{path} is not a tokenizer.json: {wrong}") from None
    if not isinstance(said, dict) or not isinstance(said.get("model"), dict):
        raise BadInput(f"{path} is not a tokenizer.json: it has no 'model'")
    made = Tokenizer.from_file(str(path))
    made.no_truncation()
    made.no_padding()
    return made


def _pooling(folder: Path, given: dict[str, Any]) -> tuple[str, bool]:
    if given["pooling"] not in ("auto", "mean", "cls"):
        raise BadInput(f"onnx: pooling is 'auto', 'mean' or 'cls'; got {given['pooling']!r}")
    mode, unit = "mean", True
    if (folder / "modules.json").is_file():
        from plumbline.models.hf_encoder import read_pooling

        said = read_pooling(folder)
        mode, unit = said.mode, said.normalised
    mode = mode if given["pooling"] == "auto" else given["pooling"]
    if mode not in ("mean", "cls"):
        raise BadInput(f"onnx: pooling {mode!r} of {folder} is not supported (mean, cls)")
    return mode, unit if given["normalise"] is None else bool(given["normalise"])


def _longest(folder: Path, tokenizer: Path) -> int:
    """Most tokens the model reads, as the folder of the model or of its tokenizer says."""
    for place in dict.fromkeys((folder, tokenizer.parent)):
        for name, key in (
            ("sentence_bert_config.json", "max_seq_length"),
            ("config.json", "max_position_embeddings"),
        ):
            path = place / name
            if path.is_file():
                value = json.loads(path.read_text("utf-8")).get(key)
                if isinstance(value, int):
                    return value
    return LONGEST


def _version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)
