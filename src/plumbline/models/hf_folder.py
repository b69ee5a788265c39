"""A transformers model on disk: where it is, what kind it is, which files make it what it is.

A local folder never touches a hub. A hub's `owner/name` is brought into the hub's own cache
first and is a local folder from there on. Weights are read from safetensors only: a pickle can
run code. Code that comes with a model is never run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from plumbline.core.errors import BadInput, Unreachable
from plumbline.core.json_text import parse
from plumbline.models.safetensors_header import check_folder

KINDS: Final = ("causal", "masked", "seq2seq", "classifier", "encoder")
WANTED: Final = ("*.json", "*.txt", "*.model", "*.safetensors", "*.jinja", "*/config.json")
PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_CONVERT: Final = (
    "convert it once, where you trust the file: "
    'AutoModel.from_pretrained(PATH, use_safetensors=False).save_pretrained("NEW"), '
    "with the Auto class of its head, and the tokenizer's save_pretrained beside it"
)


def locate(path_or_id: str, revision: str | None = None) -> Path:
    """The model's folder.

    Raises:
        BadInput: No such path, not a model's folder, no safetensors weights.
        Unreachable: A hub's id that can neither be fetched nor found in the hub's cache.
    """
    path = Path(path_or_id).expanduser()
    if path.is_file():
        form = "gguf:" if path.suffix == ".gguf" else "the folder that holds it: hf:"
        raise BadInput(f"{path} is a file; hf: wants a model's folder. Try {form}{path.parent}")
    if path.is_dir():
        return _checked(path)
    if path.is_absolute() or path_or_id.startswith((".", "~")) or not _ID.fullmatch(path_or_id):
        raise BadInput(
            f"no folder at {path}; hf: wants a folder with config.json, tokenizer and "
            "*.safetensors, or a hub's owner/name"
        )
    return _checked(_fetched(path_or_id, revision))


def _fetched(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # Whichever HTTP library the hub's release stands on (requests, httpx, httpx2): its error class derives from it.
    below: list[type[Exception]] = [
        c for c in HfHubHTTPError.__mro__ if issubclass(c, Exception) and c.__module__ != "builtins"
    ]
    no_network: tuple[type[Exception], ...] = (
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        *below,
    )
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(WANTED)))
    except GatedRepoError as error:
        raise Unreachable(
            f"{name} is gated: accept its terms on its page and log in (HF_TOKEN), "
            "or give a local folder"
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        at = f" at revision {revision}" if revision else ""
        raise Unreachable(
            f"the hub has no model {name}{at} (or it is private); no folder of that name is here "
            "either. Check the spelling, or give a local folder"
        ) from error
    except no_network as error:
        raise Unreachable(
            f"{name} is no local folder, is not in the hub's cache, and the hub cannot be reached "
            f"({type(error).__name__}). Give a local folder, or try again with a network"
        ) from error
    except HFValidationError as error:
        raise BadInput(f"{name!r} is neither a folder nor a hub's owner/name") from error


def _checked(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        hint = " It holds GGUF files: try gguf:FILE." if any(folder.glob("*.gguf")) else ""
        raise BadInput(f"{folder} is not a transformers model: it has no config.json.{hint}")
    if not any(folder.glob("*.safetensors")):
        pickled = [p.name for pattern in PICKLES for p in folder.glob(pattern)]
        if pickled:
            raise BadInput(
                f"{folder} has only pickled weights ({', '.join(sorted(pickled)[:3])}), which can "
                f"run code when they are read; plumbline reads safetensors. To keep it, {_CONVERT}"
            )
        raise BadInput(f"{folder} has no *.safetensors weights; was the download cut short?")
    check_folder(folder)
    return folder


def read_json(path: Path) -> Any:
    """A JSON file's content; `BadInput` where it is not JSON."""
    try:
        return parse(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} is not valid JSON ({error}); was a download cut short?") from error


def detect(folder: Path, kind: str | None = None) -> str:
    """Which of `KINDS` the folder's model is, from the class that its config names.

    A folder with `modules.json` is a sentence encoder, whatever head its config still names.
    """
    if kind is not None:
        if kind not in KINDS:
            raise BadInput(f"no kind of model {kind!r}; known: {', '.join(KINDS)}")
        return kind
    if (folder / "modules.json").is_file():
        return "encoder"
    config = read_json(folder / "config.json")
    named = (config.get("architectures") or []) if isinstance(config, dict) else None
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise BadInput(
            f"{folder / 'config.json'} names no architectures in a list; it holds {config!r:.60}"
        )
    for name in named:
        found = _kind_of(name)
        if found:
            return found
    own = " It needs code of its own, which plumbline never runs." if "auto_map" in config else ""
    raise BadInput(
        f"{folder / 'config.json'} names the architecture {', '.join(named) or '(none)'}, which is "
        f"no text model that plumbline knows ({', '.join(KINDS)}).{own} "
        'If you know what it is, say so with extra={"kind": ...}'
    )


def _kind_of(architecture: str) -> str | None:
    from transformers.models.auto import modeling_auto as auto

    # Causal first: decoders appear in more than one map. Pre-training classes that hold a
    # masked-LM head load as masked models; their other heads are not used.
    maps = {
        "causal": auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        "seq2seq": auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        "masked": auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        "classifier": auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        "encoder": auto.MODEL_MAPPING_NAMES,
    }
    for kind, names in maps.items():
        if architecture in _flat(names.values()):
            return kind
    return "masked" if architecture in ("BertForPreTraining", "AlbertForPreTraining") else None


def _flat(names: Any) -> set[str]:
    return {n for name in names for n in (name if isinstance(name, tuple | list) else (name,))}


def digest(folder: Path) -> str:
    """Hex digest over the contents of every file that can change an answer.

    Plain hashing: about a second for 500 MB, and nothing to go stale.
    """
    import hashlib

    from plumbline.models.fingerprints import of_file

    total = hashlib.blake2b(digest_size=16)
    files = {p for pattern in WANTED for p in folder.glob(pattern) if p.is_file()}
    for path in sorted(files):
        if path.stat().st_size:
            total.update(f"{path.relative_to(folder).as_posix()}\0{of_file(path)}\n".encode())
    return total.hexdigest()
