"""The forms in which a run leaves plumbline, and one door to all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import BadInput, UnknownName, UsageError

if TYPE_CHECKING:
    from plumbline.audit.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form.

    Attributes:
        says: What it is for, in a few words.
        maker: `module:function` below `plumbline.report`. It takes a run, `redact_items` where it
            could quote items, and options of its own, all by keyword.
        makes: `text` (returned or written to a file), `files` (the maker takes a path and returns
            paths) or `entry` (the maker puts it elsewhere and returns where).
        file: Name in the run's directory where no path is given; "" for text that is returned.
    """

    says: str
    maker: str
    makes: str = "text"
    file: str = ""


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "html": Form(
            says="one self-contained page", maker="html:render", file="report.html"
        ),
        "md": Form(says="Markdown: first screen and table", maker="markdown:render"),
        "json": Form(says="the run's one JSON document", maker="exports.document:render"),
        "csv": Form(
            says="findings and items as two tables that a spreadsheet can open safely",
            maker="exports.sheets:write", makes="files", file="csv",
        ),
        "parquet": Form(
            says="findings and items as two typed tables",
            maker="exports.columns:write", makes="files", file="parquet",
        ),
        "model-card": Form(
            says="a section of a Hugging Face model card with its model-index",
            maker="exports.model_card:export",
        ),
        "technical-file": Form(
            says="what a run can say in a technical file under the EU's AI Act",
            maker="exports.technical_file:render",
        ),
        "ll144": Form(
            says="the tables of New York City's Local Law 144, from a table: run",
            maker="exports.ll144:export",
        ),
        "bibtex": Form(
            says="references of the methods and data sets that were used",
            maker="exports.bibtex:render",
        ),
        "mlflow": Form(
            says="the run in an MLflow tracking store", maker="exports.tracking:log", makes="entry"
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export: its text, and where it was put (empty where it only was returned)."""

    text: str = ""
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text or "\n".join(self.places)


def export(
    run: Run, form: str, path: Path | str | None = None, *, redact_items: bool = False, **options: Any
) -> Exported:  # fmt: skip
    """A run in one of the forms.

    Args:
        run: The run.
        form: A name in `FORMS`.
        path: File (`csv`, `parquet`: folder) to write. Without one, text is only returned, and
            files go into the run's directory.
        redact_items: Leave out every item, question and answer.
        options: Of the form; see `docs/guide/exports.md`.

    Raises:
        UnknownName: No such form, or an option that the form does not have.
        BadInput: The run does not hold what the form shows.
        StoreError: Something cannot be written.
    """
    if form not in FORMS:
        raise UnknownName("form", form, FORMS)
    one = FORMS[form]
    make, given = _maker(form, one, redact_items=redact_items, options=options)
    if one.makes == "entry":
        if path is not None:
            raise UsageError(f"{form} writes no file: say where it goes with --to, not with a path")
        return Exported(places=tuple(make(run, **given)))
    target = _target(run, one, path, redacted=redact_items)
    if one.makes == "files":
        if target is None:
            raise BadInput(f"this run was not stored: {form} wants a folder to write to")
        return Exported(places=tuple(map(str, make(run, target, **given))))
    made = make(run, **given) if "path" not in _names(make) else make(run, path=target, **given)
    if isinstance(made, Exported):
        return made
    return written(str(made), target)


def written(text: str, target: Path | None) -> Exported:
    """The text, written where a file is wanted."""
    if target is None:
        return Exported(text)
    from plumbline.report.files import write_text

    return Exported(text, (str(write_text(target, text)),))


def _maker(
    form: str, one: Form, *, redact_items: bool, options: Mapping[str, Any]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The form's function, and the arguments for it."""
    module, _, name = one.maker.partition(":")
    make: Callable[..., Any] = getattr(import_module(f"plumbline.report.{module}"), name)
    known = _names(make) - {"run", "folder", "path", "redact_items"}
    for option in options:
        if option not in known:
            raise UnknownName(f"option of the form {form}", option, known)
    given = dict(options)
    if "redact_items" in _names(make):
        given["redact_items"] = redact_items
    return make, given


def _names(make: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(make).parameters)


def _target(run: Run, one: Form, path: Path | str | None, *, redacted: bool) -> Path | None:
    if path is not None:
        return Path(path)
    if not one.file or run.folder is None:
        return None
    name = Path(one.file)
    # A copy without items never takes the place of the full one.
    return run.folder / (f"{name.stem}-redacted{name.suffix}" if redacted else one.file)
