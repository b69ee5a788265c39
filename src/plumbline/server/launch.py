"""The form that starts an audit: what may be in it, and the arguments that it becomes."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from plumbline.core.errors import PlumblineError

LONGEST = 20_000  # characters of a system prompt
MOST_LINES = 100
_SETTING = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PARAM = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*\.[A-Za-z][A-Za-z0-9_]*")
# A setting that names the variable of a key would let a form send any secret of the server's
# environment to an address of its choice; the audit takes the usual variables.
NOT_HERE = frozenset({"key_env"})


def _plain(text: str) -> str:
    """One line without control signs: what is an argument is shown to people too."""
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        raise ValueError("control characters are not accepted")
    return text


def _many(text: str) -> str:
    """Several lines, without other control signs."""
    text = text.replace("\r\n", "\n")
    _plain(text.replace("\n", "").replace("\t", ""))
    return text


Line = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
Block = Annotated[str, Field(max_length=LONGEST), AfterValidator(_many)]


class Launch(BaseModel):
    """The fields of the form; empty ones are left to the plan's defaults."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    model: Annotated[Line, Field(min_length=1)]
    suite: Literal["quick", "standard", "full"] = "quick"
    metrics: Line = ""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    max_requests: Annotated[int, Field(ge=1, le=10**9)] | None = None
    correction: Literal["bh", "holm"] = "bh"
    system: Block = ""
    chat_template: Block = ""
    bos: Line = ""
    dtype: Literal["", "auto", "float32", "bfloat16", "float16"] = ""
    device: Line = ""
    settings: Block = ""
    params: Block = ""
    margins: Block = ""

    @field_validator("model")
    @classmethod
    def _form(cls, text: str) -> str:
        """A form that can be opened: `demo`, or NAME:REST with a name that is known."""
        from plumbline.models.resolve import FORMS, GROUP

        known = {*FORMS, *(point.name for point in entry_points(group=GROUP))}
        form, _, rest = text.partition(":")
        if text != "demo" and not (rest and form in known):
            raise ValueError(
                f"MODEL is demo, or one of these with what stands after the colon: "
                f"{', '.join(sorted(known - {'demo'}))}"
            )
        return text

    @field_validator("metrics")
    @classmethod
    def _metrics(cls, text: str) -> str:
        """Ids that the catalog has, separated by commas or blanks."""
        from plumbline.core.catalog import find

        names = re.split(r"[\s,]+", text.strip(", ")) if text else []
        for name in names:
            try:
                find(name)
            except PlumblineError as error:
                raise ValueError(str(error)) from error
        return ",".join(names)

    @field_validator("max_requests", "seed", mode="before")
    @classmethod
    def _absent(cls, text: object, info: object) -> object:
        """An empty field is no number, and not a fault."""
        if text != "":
            return text
        return 0 if getattr(info, "field_name", "") == "seed" else None

    @field_validator("settings")
    @classmethod
    def _settings(cls, text: str) -> str:
        for key, _ in _pairs(text, _SETTING, "NAME=VALUE"):
            if key in NOT_HERE:
                raise ValueError(f"{key} can only be set where the server was started")
        return text

    @field_validator("params")
    @classmethod
    def _params(cls, text: str) -> str:
        _pairs(text, _PARAM, "METRIC.NAME=VALUE")
        return text

    @field_validator("margins")
    @classmethod
    def _margins(cls, text: str) -> str:
        for _, value in _pairs(text, re.compile(r"[A-Za-z][A-Za-z0-9_ ]*"), "UNIT=NUMBER"):
            if not float(value) > 0:
                raise ValueError(f"a margin is a number above 0; got {value!r}")
        return text


def read(given: Mapping[str, str]) -> tuple[Launch | None, dict[str, str]]:
    """The form, or what is wrong with it: a message by field."""
    try:
        return Launch.model_validate(dict(given)), {}
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return None, {
            ".".join(map(str, f["loc"][:1])) or "form": f["msg"].removeprefix("Value error, ")
            for f in faults
        }


def arguments(form: Launch, out: Path) -> list[str]:
    """The command: always this Python, this package and the verb `audit`; never a shell.

    Every value is joined to its option by `=`, and the model stands after `--`, so that nothing
    in the form can become an option.
    """
    options = {
        "suite": form.suite, "metrics": form.metrics, "seed": str(form.seed),
        "max-requests": "" if form.max_requests is None else str(form.max_requests),
        "correction": form.correction, "system": form.system, "chat-template": form.chat_template,
        "bos": form.bos, "dtype": form.dtype, "device": form.device, "out": str(out),
    }  # fmt: skip
    made = [sys.executable, "-m", "plumbline", "audit"]
    made += [f"--{name}={value}" for name, value in options.items() if value]
    for name, text in (("set", form.settings), ("param", form.params), ("margin", form.margins)):
        made += [f"--{name}={line.strip()}" for line in text.splitlines() if line.strip()]
    return [*made, "--", form.model]


def _pairs(text: str, name: re.Pattern[str], form: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise ValueError(f"at most {MOST_LINES} lines; got {len(lines)}")
    found = []
    for line in lines:
        key, sign, value = line.partition("=")
        if not sign or not name.fullmatch(key.strip()):
            raise ValueError(f"{line[:80]!r} is not of the form {form}")
        found.append((key.strip(), value.strip()))
    return found
