"""A README with a model card's metadata, changed in two places and nowhere else.

The text section stands between two markers. In the metadata only results that plumbline wrote are
taken out and put in, by their place in the text, so that comments, order and spelling of everything
else stay as they are. The outcome is read again and compared before it is believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import BadInput, MissingExtra
from plumbline.report.exports.model_index import is_ours

if TYPE_CHECKING:
    from yaml.nodes import Node, SequenceNode

BEGIN = "<!-- plumbline:begin -->"
END = "<!-- plumbline:end -->"
KEY = "model-index"
# As the hub's server finds metadata: three dashes, YAML, three dashes.
_FRONT = re.compile(
    r"\A(\ufeff?\s*---(?:\r\n|\r|\n))(.*?)((?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|\Z))", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def merge(readme: str, section: str, entry: Mapping[str, Any]) -> str:
    """The README with this section and this model-index entry in place of earlier ones.

    Args:
        readme: Its text, or "" for a new one.
        section: Markdown without markers.
        entry: As `model_index.entry` makes it.

    Raises:
        BadInput: Markers do not pair up, or the metadata cannot be changed without touching more.
    """
    line = "\r\n" if "\r\n" in readme else "\n"
    found = _FRONT.match(readme)
    if found is None:
        front, body = "", readme.removeprefix("\ufeff")
        head, tail = f"---{line}", f"{line}---{line}{line if body else ''}"
        if readme.startswith("\ufeff"):
            head = f"\ufeff{head}"
    else:
        head, front, tail = found.groups()
        body = readme[found.end() :]
    return head + _metadata(front, entry, line) + tail + _body(body, section, line)


def dump(entry: Mapping[str, Any], *, indent: int = 0, line: str = "\n") -> str:
    """An entry as YAML, an item of a list at this indent, without a line break at its end."""
    made = str(_yaml().safe_dump([dict(entry)], sort_keys=False, allow_unicode=True, width=10**6))
    return line.join(" " * indent + part for part in made.rstrip("\n").split("\n"))


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingExtra("PyYAML", "cards", "a model card's metadata") from None
    return yaml


def _body(body: str, section: str, line: str) -> str:
    """The text with the section between the markers, or at the end."""
    starts, ends = body.count(BEGIN), body.count(END)
    block = line.join((BEGIN, *section.strip().splitlines(), END))
    if not starts and not ends:
        apart = "" if not body else line if body.endswith(("\n", "\r")) else line * 2
        return f"{body}{apart}{block}{line}"
    start, end = body.find(BEGIN), body.find(END)
    if starts != 1 or ends != 1 or end < start:
        raise BadInput(
            f"the README has {starts} marks {BEGIN} and {ends} marks {END}; wanted one of each, in this "
            "order. Take the stray ones out"
        )
    return body[:start] + block + body[end + len(END) :]


def _metadata(front: str, entry: Mapping[str, Any], line: str) -> str:
    yaml = _yaml()
    try:
        before = yaml.safe_load(front) or {}
        node = yaml.compose(front, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise BadInput(f"the README's metadata is not valid YAML: {error}") from error
    if not isinstance(before, dict):
        raise BadInput("the README's metadata is not a list of keys with values")
    made = _changed(front, node, entry, line)
    if not _as_meant(before, yaml.safe_load(made) or {}, entry):
        raise BadInput(
            f"the README's {KEY} is written in a form that cannot be changed without touching what others "
            "wrote (anchors, or several items on a line). Write one item a line and try again"
        )
    return made


def _as_meant(
    before: Mapping[str, Any], after: Mapping[str, Any], entry: Mapping[str, Any]
) -> bool:
    """Whether only our results changed: the rest is equal, and ours are those of the entry."""
    rest = [{k: v for k, v in given.items() if k != KEY} for given in (before, after)]
    index = [given.get(KEY) or [] for given in (before, after)]
    others = [[_without(e) for e in given if not _all_ours(e)] for given in index]
    ours = [r for e in index[1] for r in _results(e) if is_ours(r)]
    return rest[0] == rest[1] and others[0] == others[1] and ours == list(entry["results"])


def _results(entry: Any) -> Sequence[Any]:
    found = entry.get("results") if isinstance(entry, Mapping) else None
    return found if isinstance(found, list) else ()


def _all_ours(entry: Any) -> bool:
    found = _results(entry)
    return bool(found) and all(map(is_ours, found))


def _without(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    return {**entry, "results": [r for r in _results(entry) if not is_ours(r)]}


def _changed(front: str, node: Node | None, entry: Mapping[str, Any], line: str) -> str:
    """The metadata's text after taking out our results and putting in new ones."""
    listed = _value(node, KEY)
    fresh = bool(entry["results"])
    if listed is None or not isinstance(listed.value, list) or not listed.value:
        if not fresh:
            return front
        kept = front if listed is None else _cut(front, [_key_span(front, node)])
        apart = line if kept.strip() and not kept.endswith(("\n", "\r")) else ""
        return f"{kept}{apart}{KEY}:{line}{dump(entry, line=line)}"
    if getattr(listed, "flow_style", False):
        raise BadInput(f"the README's {KEY} is written in brackets; write it as a list with dashes")
    return _spliced(front, listed, entry, line)


def _spliced(front: str, listed: SequenceNode, entry: Mapping[str, Any], line: str) -> str:
    yaml = _yaml()
    edits: list[_Edit] = []
    place: int | None = None
    for item in listed.value:
        loaded = yaml.safe_load(yaml.serialize(item))
        start, end = _span(front, item)
        if _all_ours(loaded):
            place = start if place is None else place
            edits.append(_Edit(start, end, ""))
        else:
            results = _value(item, "results")
            parts = results.value if results is not None else []
            for part, given in zip(parts, _results(loaded), strict=False):
                if is_ours(given):
                    edits.append(_Edit(*_span(front, part), ""))
    if entry["results"]:
        first, last = listed.value[0], listed.value[-1]
        indent = _dash(front, first) - _line_start(front, _dash(front, first))
        block = dump(entry, indent=indent, line=line)
        at = _span(front, last)[1] if place is None else place
        ahead = "" if at == 0 or front[at - 1] in "\r\n" else line
        edits.append(_Edit(at, at, f"{ahead}{block}{line}"))
    made = _cut(front, edits)
    # The last line's break belongs to the closing dashes.
    ended = made.endswith(line) and not front.endswith(("\n", "\r"))
    return made.removesuffix(line) if ended else made


def _cut(text: str, edits: Sequence[_Edit]) -> str:
    for edit in sorted(edits, key=lambda e: (e.start, e.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _value(node: Node | None, key: str) -> Any:
    """The node of a key's value, or None."""
    for name, value in getattr(node, "value", None) or ():
        if name.value == key:
            return value
    return None


def _key_span(front: str, node: Any) -> _Edit:
    """The lines of a `model-index` key that holds nothing."""
    name, value = next((n, v) for n, v in node.value if n.value == KEY)
    return _Edit(name.start_mark.index, _line_end(front, max(name.end_mark.index, _end(value))), "")


def _span(front: str, item: Any) -> tuple[int, int]:
    """From the start of the line with an item's dash to the end of the item's last line."""
    start = _line_start(front, _dash(front, item))
    return start, _line_end(front, _end(item))


def _dash(front: str, item: Any) -> int:
    return front.rindex("-", 0, item.start_mark.index)


def _end(node: Any) -> int:
    """Where the node's last word ends; a block's own end lies behind the comments that follow it."""
    if isinstance(node.value, list) and node.value and not getattr(node, "flow_style", False):
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_start(front: str, at: int) -> int:
    return max(front.rfind("\n", 0, at), front.rfind("\r", 0, at)) + 1


def _line_end(front: str, at: int) -> int:
    """Behind the line break that ends this line, or the end of the text."""
    if at and front[at - 1] in "\r\n":
        return at
    found = re.compile(r"\r\n|\r|\n").search(front, at)
    return found.end() if found else len(front)
