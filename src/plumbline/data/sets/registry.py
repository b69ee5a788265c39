"""Public data sets: what they are, where they live, and how a verified copy gets here.

plumbline ships none of them. The catalogue (one TOML file a set in `catalog/`) says who made a
set, its licence and known flaws, and pins every file to a repository, a commit and a checksum.
A file is looked for in a mirror (`PLUMBLINE_DATA`: folders `<set>/<file>` or `<file>.gz`), then in
the user's cache; otherwise it is downloaded, unless `PLUMBLINE_OFFLINE=1`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from plumbline.core.errors import BadInput, StoreError, UnknownName, UsageError
from plumbline.data.sets.recipes import RECIPES
from plumbline.data.tables import read_bytes

_RAW = "https://raw.githubusercontent.com"
_TIMEOUT_S = 60.0
FORMS = (
    "counterfactual inputs: masked tokens", "counterfactual inputs: unmasked sentences",
    "prompts: sentence completion", "prompts: question answering",
    # Beyond the survey: what other methods read.
    "classified texts", "annotations", "judgements of answers", "recorded decisions",
    "released outputs", "reference distributions", "word lists", "paired vectors", "numeric facts",
)  # fmt: skip


class DataUnavailable(UsageError):
    """A public file that is neither here nor reachable; the message says what to set or do.

    `not_applicable`: a method that needs it is a row with this reason, not a failed audit.
    """

    not_applicable = True


class ChecksumMismatch(BadInput):
    """A file whose content is not the one that the catalogue pins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a set.

    Attributes:
        name: Path inside the set's folder, without `.gz`.
        sha256: SHA-256 of the decompressed content; "" where only `git_blob` is known.
        rows: Number of items.
        url: Public home, pinned to a commit; "" where there is none.
        git_blob: Git's object id of the content (SHA-1 with Git's header).
        recipe: How the file is made from the public original (see `recipes`), or "".
        raw_sha256: SHA-256 of the original, where there is a recipe.
        mirror_only: Why the file has no public home of its own, or "".
    """

    name: str
    rows: int
    sha256: str = ""
    url: str = ""
    git_blob: str = ""
    recipe: str = ""
    raw_sha256: str = ""
    mirror_only: str = ""

    def verify(self, content: bytes, where: str) -> None:
        """Raise `ChecksumMismatch` unless `content` is the pinned one."""
        if self.sha256:
            got, wanted = hashlib.sha256(content).hexdigest(), self.sha256
        else:
            head = b"blob %d\0" % len(content)
            got, wanted = hashlib.sha1(head + content).hexdigest(), self.git_blob  # noqa: S324 - Git's own id
        if got != wanted:
            raise ChecksumMismatch(
                f"{where} is not the file that {self.name} is pinned to: its checksum is {got}, "
                f"wanted {wanted}. Delete it and fetch it again; do not use it"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """One public data set and its files; the wording of `flaws` is ours.

    `form`, `harms` and `groups` place it in the survey's taxonomy of data sets (arXiv:2309.00770,
    section 4): one or more of `FORMS`, the harms it speaks to, the groups it is about.
    """

    id: str
    title: str
    paper: tuple[str, ...]
    licence: str
    measures: str
    flaws: tuple[str, ...]
    homes: tuple[str, ...]
    files: Mapping[str, File]
    form: tuple[str, ...] = ()
    harms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def file(self, name: str) -> File:
        """The file of that name (with or without `.gz`)."""
        plain = name.removesuffix(".gz")
        if plain not in self.files:
            raise UnknownName(f"file of {self.id}", name, self.files)
        return self.files[plain]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where files may be: a mirror, the user's cache, the network.

    Attributes:
        mirror: Folder with one folder a set, or None.
        cache: Folder for downloads.
        offline: True where nothing may be downloaded.
    """

    mirror: Path | None
    cache: Path
    offline: bool

    @classmethod
    def here(cls, environment: Mapping[str, str] | None = None) -> Places:
        """From `PLUMBLINE_DATA`, `PLUMBLINE_OFFLINE` and the platform's cache folder."""
        import platformdirs

        given = os.environ if environment is None else environment
        mirror = given.get("PLUMBLINE_DATA", "")
        if mirror and not Path(mirror).is_dir():
            raise BadInput(
                f"PLUMBLINE_DATA names {mirror!r}, which is not a folder. Wanted a folder with one "
                "folder a data set; unset it to download into the cache instead"
            )
        return cls(
            mirror=Path(mirror) if mirror else None,
            cache=platformdirs.user_cache_path("plumbline") / "data",
            offline=given.get("PLUMBLINE_OFFLINE", "") not in {"", "0"},
        )


@cache
def catalog() -> Mapping[str, DataSet]:
    """All data sets by id, in alphabetical order."""
    found = {}
    for entry in files("plumbline.data.sets").joinpath("catalog").iterdir():
        if entry.name.endswith(".toml"):
            one = _read(tomllib.loads(entry.read_text("utf-8")))
            found[one.id] = one
    return dict(sorted(found.items()))


def data_set(set_id: str) -> DataSet:
    """The data set of that id; `UnknownName` names the nearest ones."""
    if set_id not in catalog():
        raise UnknownName("data set", set_id, catalog())
    return catalog()[set_id]


def get(set_id: str, file: str, *, places: Places | None = None) -> Path:
    """Path of a verified copy of a file; the copy may end in `.gz`.

    Read it with `plumbline.data.tables.read_table` (or `read_bytes`), which looks at the name.

    Raises:
        UnknownName: No such set or file.
        DataUnavailable: Not here, and not to be had: offline, mirror-only or not reachable.
        ChecksumMismatch: What is here, or what came, is not the pinned content.
        StoreError: The cache cannot be written.
    """
    wanted = data_set(set_id)
    return obtain(wanted, wanted.file(file), Places.here() if places is None else places)


def obtain(owner: DataSet, file: File, places: Places) -> Path:
    """As `get`, for an entry that need not be in the catalogue."""
    for folder in (places.mirror, places.cache):
        for end in ("", ".gz"):
            path = (folder or Path()) / owner.id / (file.name + end)
            if folder is not None and path.is_file():
                file.verify(read_bytes(path), str(path))
                return path
    name = f"{owner.id}/{file.name}"
    if not file.url:
        raise DataUnavailable(
            f"{name} has no public file of its own ({file.mirror_only}). Set PLUMBLINE_DATA to a "
            f"folder that holds {name} or {name}.gz"
        )
    if places.offline:
        raise DataUnavailable(
            f"{name} is not on this machine and PLUMBLINE_OFFLINE forbids to download it. Unset "
            f"PLUMBLINE_OFFLINE, or set PLUMBLINE_DATA to a folder that holds {name} or {name}.gz "
            f"(public home: {file.url})"
        )
    return _download(file, places.cache / owner.id / file.name)


def _download(file: File, target: Path) -> Path:
    import httpx2

    try:
        answer = httpx2.get(file.url, follow_redirects=True, timeout=_TIMEOUT_S)
        answer.raise_for_status()
    except httpx2.HTTPStatusError as problem:
        raise DataUnavailable(
            f"{file.url} answered {problem.response.status_code}. Try again later, or set "
            "PLUMBLINE_DATA to a folder that has the file"
        ) from None
    except httpx2.RequestError as problem:
        raise DataUnavailable(
            f"{file.url} cannot be reached ({type(problem).__name__}: {problem}). Check the "
            "network, or set PLUMBLINE_DATA to a folder that has the file"
        ) from None
    content = answer.content
    if file.recipe:
        File(name=f"the original of {file.name}", rows=0, sha256=file.raw_sha256).verify(
            content, file.url
        )
        content = RECIPES[file.recipe](content)
    file.verify(content, file.url)
    _store(content, target)
    return target


def _store(content: bytes, target: Path) -> None:
    # A temporary file beside the target: a killed or concurrent download leaves no half file.
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part:
            temporary = Path(part.name)
            try:
                part.write(content)
                part.close()
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as problem:
        raise StoreError(
            f"cannot store {target}: {problem.strerror or problem}. Make room there, or set "
            "PLUMBLINE_DATA to a folder that has the file"
        ) from None


def _read(given: Mapping[str, Any]) -> DataSet:
    fields = dict(given)
    homes: dict[str, str] = fields.pop("homes", {})
    rows = {}
    for row in fields.pop("files"):
        one = dict(row)
        home, path = one.pop("home", ""), one.pop("path", "")
        if home:
            repository, commit = homes[home].split("@")
            one["url"] = f"{_RAW}/{repository}/{commit}/{quote(path)}"
        rows[one["name"]] = File(**one)
    for name in ("paper", "flaws", "form", "harms", "groups"):
        fields[name] = tuple(fields.get(name, ()))
    return DataSet(**fields, homes=tuple(homes.values()), files=rows)
