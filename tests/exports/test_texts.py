"""BibTeX, the technical file, JSON and the door itself."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import bibtexparser
import pytest

from plumbline.audit.api import audit
from plumbline.core.catalog import catalog
from plumbline.core.errors import UnknownName
from plumbline.data import papers as module
from plumbline.data.papers import paper, papers
from plumbline.data.sets.registry import catalog as sets
from plumbline.report.exports import bibtex, technical_file
from plumbline.report.exports.forms import FORMS
from plumbline.testing import PlantedLM

OWN = {name: e for name, e in catalog().items() if "/" not in name}


def parsed(text: str):
    """Fields of each entry by key, as bibtexparser reads them; nothing is lost on the way."""
    found = bibtexparser.parse_string(text)
    assert found.failed_blocks == []
    assert len(found.entries) == len(re.findall(r"^@", text, re.MULTILINE))
    return {e.key: {f.key: f.value for f in e.fields} for e in found.entries}


def test_every_paper_of_a_method_has_an_entry():
    """No card names a paper whose authors, title and year are not known."""
    missing = {e.card.paper for e in OWN.values()} - set(papers())
    assert missing == set()
    for one in papers().values():
        assert one.authors
        assert one.title
        assert 1990 < one.year < 2030
        assert one.kind in {"inproceedings", "article", "misc"}
        assert (one.kind == "misc") == (one.venue == "")
        assert all("," in a or a == "others" for a in one.authors), one.key
        assert not one.doi or re.fullmatch(r"10\.\d{4,9}/\S+", one.doi)
        if one.key.startswith("doi:"):
            assert one.key == f"doi:{one.doi}"


def test_papers_agree_with_the_cards_that_they_were_read_from(shared_data):
    """The title of every seed's card is the title of its paper, letter for letter but for case, signs and a subtitle."""
    seeds = shared_data.parent / "seeds"
    found = 0
    for path in sorted(seeds.glob("S*.md")):
        text = path.read_text("utf-8")
        title = text.splitlines()[0].removeprefix("# ").partition(" ")[2]
        source = text[text.find("## Source") :]
        numbers = re.findall(r"arXiv:? (\d{4}\.\d{4,5})", source)
        for number in numbers[:1]:
            one = papers().get(f"arxiv:{number}")
            if one is None:
                continue
            found += 1
            said, known = (
                re.sub(r"[^a-z0-9]+", " ", t.lower()).strip() for t in (title, one.title)
            )
            # A card may leave out a subtitle; one paper was renamed after its colon when it was published.
            alike = 35 if number == "2305.12620" else min(len(said), len(known))
            assert alike >= 30, path.name
            assert said[:alike] == known[:alike], path.name
    assert found >= 35


def test_the_data_file_is_in_order_and_has_no_stray_field():
    """Sorted by key, so that two people add at different places."""
    given = tomllib.loads(files("plumbline.data").joinpath("papers.toml").read_text("utf-8"))
    assert list(given) == sorted(given)
    assert {f for one in given.values() for f in one} <= {
        "title",
        "authors",
        "year",
        "kind",
        "venue",
        "doi",
    }


def test_an_unknown_paper_is_an_error_that_names_the_nearest():
    """`paper` answers a slip."""
    with pytest.raises(UnknownName, match="1608.07187"):
        paper("arxiv:1608.07178")
    assert paper("arxiv:1608.07187").arxiv == "1608.07187"
    assert paper("doi:10.1093/pnasnexus/pgae474").arxiv == ""


def test_references_of_a_run_are_read_by_bibtexparser(words):
    """The method's paper, the data set, the index's paper and plumbline itself."""
    found = parsed(words.export("bibtex").text)
    caliskan = found["caliskan2017semantics"]
    assert caliskan["author"] == "Caliskan, Aylin and Bryson, Joanna J. and Narayanan, Arvind"
    assert caliskan["year"] == "2017"
    assert caliskan["doi"] == "10.1126/science.aal4230"
    assert caliskan["eprint"] == "1608.07187"
    assert found["plumbline"]["version"] == words.header["plumbline"]
    assert "oketunji2023large" in found


def test_a_method_that_did_not_apply_is_not_cited(loans):
    """crows_pairs needs a language model and was not used on a table."""
    found = parsed(loans.export("bibtex").text)
    assert "hardt2016equality" in found
    assert not any("nangia" in key for key in found)


@pytest.mark.parametrize("name", OWN)
def test_every_methods_references_can_be_read(name):
    """Each method's BibTeX is valid and holds its paper."""
    found = parsed(bibtex.of_method(OWN[name]))
    assert bibtex.citation(paper(OWN[name].card.paper)) in found
    assert {f"data-{d}" for d in OWN[name].card.data if d in sets()} <= set(found)


def test_keys_are_unique_over_all_papers():
    """Two papers never share a citation key."""
    keys = [bibtex.citation(p) for p in papers().values()]
    assert sorted(keys) == sorted(set(keys))


def test_signs_of_tex_are_escaped(monkeypatch):
    """Braces, percent and ampersand of a title cannot break the entry."""
    odd = module.Paper(
        key="arxiv:2000.00001",
        title=r"50% of {x} & y_z #1 $ \input{a}",
        authors=("Ä, B",),
        year=2020,
    )
    monkeypatch.setattr(bibtex, "papers", lambda: {odd.key: odd})
    text = bibtex.of_paper(odd.key)
    assert r"50\% of \{x\} \& y\_z \#1 \$ \textbackslash{}input\{a\}" in text
    assert list(parsed(text)) == ["a202050"]


def test_a_paper_that_nobody_wrote_down_is_cited_by_its_number():
    """A plug-in's paper has its number and its address, and no invented author."""
    text = bibtex.of_paper("arxiv:2999.12345")
    (entry,) = parsed(text).values()
    assert "author" not in entry
    assert "https://arxiv.org/abs/2999.12345" in entry["howpublished"]


def test_the_technical_file_fills_in_and_leaves_open(words, loans):
    """Headings of Annex IV, findings with intervals, reasons, and blanks that are marked as the provider's."""
    text = technical_file.render(loans)
    for number in range(1, 10):
        assert f"Annex IV, point {number}" in text
    for part in (
        "Article 10 (2) (f)",
        "Article 10 (2) (g)",
        "Article 15",
        "not legal advice",
        "not a conformity assessment",
    ):
        assert part in " ".join(text.split())
    assert text.count(technical_file.FILL) >= 15
    for found in loans.findings:
        if found["status"] == "undefined" and found["role"] != "secondary":
            assert technical_file.escape(found["reason"]) in text
    assert "No public data set was read" in text
    other = technical_file.render(words)
    assert words.header["plan_hash"] in other
    assert "The audit has no findings for single groups" in other or "| of what" in other


def test_data_sets_are_named_with_licence_and_flaws(shared_data, monkeypatch, tmp_path):
    """A run that read CrowS-Pairs says so, with its licence and flaws, in the file and in the references."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    run = audit(PlantedLM(seed=2), metrics=["crows_pairs"], out=tmp_path)
    text = technical_file.render(run)
    assert technical_file.escape(sets()["crows-pairs"].licence) in text
    assert technical_file.escape(sets()["crows-pairs"].flaws[0]) in text
    found = parsed(run.export("bibtex").text)
    assert "CC BY-SA" in found["data-crows-pairs"]["note"]
    assert "nyu-mll/crows-pairs" in found["data-crows-pairs"]["howpublished"]
    assert "nangia2020crows" in found


def test_the_technical_file_escapes_what_others_wrote(loans):
    """A group's name brings neither HTML nor a table cell into the file."""
    text = technical_file.render(loans)
    assert not re.search(r"(?<!\\)[<>]", text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {8}


@pytest.mark.parametrize("form", [f for f in FORMS if f not in {"mlflow", "ll144"}])
def test_redacted_exports_quote_no_item(words, form, tmp_path):
    """No item of the run is in any form that was asked to leave items out."""
    out = words.export(form, tmp_path / form, redact_items=True)
    texts = [out.text] + [
        p.read_bytes().decode("utf-8", "replace") for p in map(Path, out.places) if p.is_file()
    ]
    words_of = {str(i) for i in words.items()["item"]}
    assert len(words_of) > 20
    if form != "parquet":
        quoted = [
            w
            for w in words_of
            if len(w) > 6 and any(re.search(rf"\b{re.escape(w)}\b", t) for t in texts)
        ]
        assert quoted == []


def test_every_form_names_a_maker_that_exists(words, tmp_path):
    """The list of forms is what can be made."""
    for form in FORMS:
        if form in {"mlflow", "ll144"}:
            continue
        made = words.export(form, tmp_path / "all" / form)
        assert all(Path(p).exists() for p in made.places)


def test_json_is_the_runs_document(words):
    """`json` is what --json prints."""
    assert json.loads(str(words.export("json"))) == json.loads(json.dumps(words.document()))
