"""References in BibTeX: every method that was used, every data set that it reads, and plumbline itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from plumbline.core.catalog import Entry, catalog
from plumbline.data.papers import Paper, papers
from plumbline.report import format as show

if TYPE_CHECKING:
    from plumbline.audit.store import Run
    from plumbline.data.sets.registry import DataSet

INDEX = "arxiv:2312.14769"  # the paper behind the composite index
# Signs that TeX would read as commands.
_SIGNS: Mapping[str, str] = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_SMALL = frozenset(
    {"a", "an", "the", "on", "of", "in", "is", "are", "to", "and", "for", "how", "this"}
)


def render(run: Run) -> str:
    """All references of a run; a method that did not apply was not used and is not among them."""
    used = sorted({f["metric"] for f in run.findings if f["status"] != "not_applicable"})
    stated = {m: str(v.get("paper", "")) for m, v in run.header.get("methods", {}).items()}
    known = catalog()
    keys = [stated.get(m) or (known[m].card.paper if m in known else "") for m in used]
    if (run.header.get("index") or {}).get("value") is not None:
        keys.append(INDEX)
    sets = dict.fromkeys(d for m in used if m in known for d in known[m].card.data)
    entries = [software(run.header["plumbline"]), *map(of_paper, dict.fromkeys(filter(None, keys)))]
    return "\n".join([*dict.fromkeys(entries), *_sets(tuple(sets), keys)])


def of_method(entry: Entry) -> str:
    """A method's paper, and the data sets that it reads."""
    keys = [entry.card.paper] if entry.card.paper else []
    return "\n".join([*map(of_paper, keys), *_sets(entry.card.data, keys)])


def software(version: str) -> str:
    """plumbline itself."""
    return _entry(
        "software", "plumbline",
        {
            "author": "{The plumbline founders}",
            "title": "{plumbline: measure, explain and correct bias in models, with calibrated instruments}",
            "year": "2026",
            "version": _text(version),
        },
    )  # fmt: skip


def of_paper(key: str) -> str:
    """One paper; of a paper that plumbline knows nothing else about, its number alone."""
    found = papers().get(key)
    if found is None:
        where = {"howpublished": rf"\url{{{link}}}"} if (link := show.paper_link(key)) else {}
        return _entry("misc", _key(key), {"title": f"{{{_text(key)}}}", **where})
    fields = {
        "author": " and ".join(map(_author, found.authors)),
        "title": f"{{{_text(found.title)}}}",
        "year": str(found.year),
    }
    if found.venue:
        fields["journal" if found.kind == "article" else "booktitle"] = _text(found.venue)
    if found.doi:
        fields["doi"] = found.doi
    if found.arxiv:
        fields |= {"eprint": found.arxiv, "archiveprefix": "arXiv"}
    return _entry(found.kind, citation(found), fields)


def citation(paper: Paper) -> str:
    """`caliskan2017semantics`: family name, year, first word that says something."""
    family = _ascii(paper.authors[0].partition(",")[0])
    words = [w for w in map(_ascii, re.split(r"[\s\-/:]+", paper.title)) if w and w not in _SMALL]
    return f"{family}{paper.year}{words[0] if words else ''}"


def _sets(ids: tuple[str, ...], cited: list[str]) -> list[str]:
    """The data sets, and their papers where those are known and not cited yet."""
    from plumbline.data.sets.registry import catalog as registry

    found = []
    for one in (registry()[i] for i in ids if i in registry()):
        more = [k for k in one.paper if k in papers() and k not in cited]
        cited += more
        found += [_data(one), *map(of_paper, more)]
    return found


def _data(one: DataSet) -> str:
    homes = "; ".join(
        f"{h.partition('@')[0]}, commit {h.partition('@')[2][:12]}" for h in one.homes
    )
    told = ", ".join(one.paper)
    fields = {
        "title": f"{{{_text(one.title)}}}",
        "howpublished": _text(f"Repositories: {homes}") if homes else "",
        "note": _text(f"Licence: {one.licence}." + (f" Described in {told}." if told else "")),
    }
    return _entry("misc", f"data-{one.id}", {k: v for k, v in fields.items() if v})


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    told = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{told}}}\n"


def _author(name: str) -> str:
    """`Family, Given` as it is; a body's name in braces, so that it is not taken apart."""
    return _text(name) if "," in name else f"{{{_text(name)}}}"


def _text(words: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in show.clean(words))


def _key(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", _ascii(name)) or "reference"


def _ascii(words: str) -> str:
    """Lower case without accents and signs, for a key."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", plain.lower())
