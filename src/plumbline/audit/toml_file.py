"""A TOML file that somebody wrote for plumbline, or one message that says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.core.errors import BadInput
from plumbline.core.toml_text import parse


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Tables of a file.

    Args:
        path: The file.
        what: What it is, for messages: `plan file`, `gate file`.

    Raises:
        BadInput: It is missing, cannot be read, or is not TOML.
    """
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadInput(f"there is no {what} {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the {what} {path} cannot be read: {error}") from error
    except ValueError as error:
        raise BadInput(f"the {what} {path} is not valid TOML: {error}") from error
