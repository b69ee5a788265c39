"""The model card: read by huggingface_hub, round trip of values, and nothing else of a README touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard
from huggingface_hub.repocard import metadata_eval_result
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plumbline.core.errors import BadInput, StoreError
from plumbline.report.exports import model_card, model_index, readme

OTHERS = """\
---
# who made it
license: apache-2.0
language:   [en,  "fr"]   # odd spacing stays
model-index:
- name: my-model
  results:
  # measured by hand
  - task:
      type: text-generation
    dataset: {type: lambada, name: 'LAMBADA'}
    metrics:
    - type: accuracy
      value: 0.512   # three digits
tags: [a, b]
---

# My model

Words with trailing spaces.   \nAnd no newline at the end"""


def primary(run):
    return [f for f in run.findings if f["role"] == "primary" and f["status"] != "not_applicable"]


def card_of(text: str) -> ModelCard:
    """The card as huggingface_hub reads it, with its eval results parsed."""
    card = ModelCard(text)
    assert card.data.eval_results, "the hub's library must be able to read the model-index"
    return card


@pytest.mark.parametrize("which", ["words", "loans"])
def test_the_card_is_read_by_the_hubs_library(which, request, tmp_path):
    """ModelCard.load, EvalResult and back: every value and interval as the run has it."""
    run = request.getfixturevalue(which)
    path = tmp_path / "README.md"
    run.export("model-card", path)
    card = ModelCard.load(path)
    stored = {(f["metric"], *sorted(f["labels"].items())): f for f in primary(run)}
    assert len(card.data.eval_results) == len(stored)
    for result in card.data.eval_results:
        assert isinstance(result, EvalResult)
        args = dict(result.metric_args)
        metric = result.metric_type.removeprefix("plumbline/")
        found = next(
            f for key, f in stored.items() if f["metric"] == metric
            and all(args.get(k) == model_index.show.clean(v) for k, v in f["labels"].items())
        )  # fmt: skip
        if found["status"] == "undefined":
            assert result.metric_value == "undefined"
            assert args["reason"] == found["reason"]
        else:
            assert result.metric_value == found["value"]
            assert (args["low"], args["high"], args["n"]) == (
                found["low"],
                found["high"],
                found["n"],
            )
        assert args["measured"] == found["estimand"]
        assert result.source_url.startswith("https://arxiv.org/abs/")
    # What the library writes from it, it reads again.
    again = eval_results_to_model_index(card.data.model_name, card.data.eval_results)
    assert model_index_to_eval_results(again)[1] == card.data.eval_results


def test_results_of_the_hubs_own_helper_can_stand_beside_ours(words):
    """metadata_eval_result's entry is left alone by a merge."""
    made = metadata_eval_result(
        model_pretty_name="My model", task_pretty_name="Text", task_id="text-generation",
        metrics_pretty_name="Accuracy", metrics_id="accuracy", metrics_value=0.9,
        dataset_pretty_name="LAMBADA", dataset_id="lambada",
    )  # fmt: skip
    text = f"---\n{yaml.safe_dump(made, sort_keys=False)}---\nHello\n"
    merged = readme.merge(text, "section", model_index.entry(words))
    results = ModelCard(merged).data.eval_results
    assert next(r for r in results if r.metric_type == "accuracy").metric_value == 0.9
    assert len(results) == 1 + len(primary(words))


def test_a_merge_changes_two_places_and_nothing_else(words):
    """Take the inserted parts away, and the README is what it was, byte for byte."""
    entry = model_index.entry(words)
    merged = readme.merge(OTHERS, model_card.section(words), entry)
    block = readme.dump(entry) + "\n"
    assert merged.count(block) == 1
    section = merged[merged.index(readme.BEGIN) : merged.index(readme.END) + len(readme.END)]
    assert merged.replace(block, "").replace(f"\n\n{section}\n", "") == OTHERS
    card_of(merged)


@pytest.mark.parametrize(
    "start",
    ["", OTHERS, "# No metadata\n", "---\nlicense: mit\n---\ntext\n", "\ufeff---\na: 1\n---\n"],
)
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_a_second_merge_changes_nothing(words, start, line):
    """Idempotent, with either kind of line break; and the breaks are all of one kind."""
    text = start.replace("\n", line)
    once = readme.merge(text, model_card.section(words), model_index.entry(words))
    assert readme.merge(once, model_card.section(words), model_index.entry(words)) == once
    if start and line == "\r\n":
        assert not re.search(r"(?<!\r)\n", once)
    card_of(once.removeprefix("\ufeff"))


def test_a_new_run_takes_the_place_of_the_old_one(words, loans):
    """The second run's section and results replace the first's, and the others' stay."""
    once = readme.merge(OTHERS, model_card.section(words), model_index.entry(words))
    twice = readme.merge(once, model_card.section(loans), model_index.entry(loans))
    kinds = {r.metric_type for r in card_of(twice).data.eval_results}
    assert kinds == {"accuracy", "plumbline/group_rates"}
    assert twice.count("## Bias audit") == 1
    assert "0.512   # three digits" in twice
    none = {"name": "x", "results": []}
    back = readme.merge(twice, model_card.section(words), none)
    assert yaml.safe_load(back.split("---")[1]) == yaml.safe_load(OTHERS.split("---")[1])


def test_results_that_a_tool_mixed_among_others_are_found(words):
    """huggingface_hub groups all results under one name; ours are still told apart and replaced."""
    merged = readme.merge(OTHERS, "section", model_index.entry(words))
    mixed = str(ModelCard(merged))
    again = readme.merge(mixed, "section", model_index.entry(words))
    results = card_of(again).data.eval_results
    assert sum(r.metric_type == "accuracy" for r in results) == 1
    assert len(results) == 1 + len(primary(words))


@pytest.mark.parametrize(
    ("front", "says"),
    [
        ("model-index: [{name: x, results: []}]", "brackets"),
        ("a: [unclosed", "not valid YAML"),
        ("- just\n- a list", "not a list of keys"),
        ("model-index:\n- &one\n  name: x\n  results: [{task: {type: t}, dataset: {type: d, name: d}, metrics: [{type: plumbline/weat, value: 1}]}, {task: {type: t}, dataset: {type: d, name: d}, metrics: [{type: acc, value: 1}]}]", "cannot be changed"),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_changed_safely_is_refused(words, front, says):
    """No guess: the message says what to write instead."""
    with pytest.raises(BadInput, match=says):
        readme.merge(f"---\n{front}\n---\ntext\n", "section", model_index.entry(words))


def test_marks_that_do_not_pair_up_are_refused(words):
    """A stray mark would make a second run swallow text."""
    for text in (
        readme.BEGIN,
        f"{readme.END} {readme.BEGIN}",
        f"{readme.BEGIN}{readme.END}{readme.END}",
    ):
        with pytest.raises(BadInput, match="stray"):
            readme.merge(text, "section", model_index.entry(words))


names = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=12
)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        names,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(names, values, max_size=5),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=60),
)
def test_any_other_metadata_survives(words, given_keys, body):
    """Whatever else stands in the metadata and the text, it is there afterwards."""
    given_keys.pop("model-index", None)
    if readme.BEGIN in body or readme.END in body or body.lstrip().startswith("---"):
        return
    front = yaml.safe_dump(given_keys, allow_unicode=True, sort_keys=False) if given_keys else ""
    text = f"---\n{front}---\n{body}" if front else body
    merged = readme.merge(text, "section", model_index.entry(words))
    found = readme._FRONT.match(merged)
    loaded = yaml.safe_load(found.group(2))
    index = loaded.pop("model-index")
    assert loaded == (yaml.safe_load(front) or {} if front else {})
    assert index == [model_index.entry(words)]
    assert body.removeprefix("\ufeff") in merged


def test_the_section_says_what_a_reader_needs(loans, words):
    """Of what, toward what, measured how; limits; what could not be measured with its reason."""
    text = model_card.section(loans)
    for part in ("## Bias audit", "### What could not be measured", "### Limits", "### How it was measured",
                 "interval", "group\\_rates"):  # fmt: skip
        assert part in text
    assert "crows" in text
    for found in loans.findings:
        if found["status"] == "undefined" and found["role"] != "secondary":
            assert model_card.escape(found["reason"]) in text
    assert "https://arxiv.org/abs/1608.07187" in model_card.section(words)


def test_hostile_text_stays_text(loans):
    """A label cannot close the section, nor bring HTML or a table cell into the card."""
    text = model_card.section(loans)
    assert not re.search(r"(?<!\\)[<>]", text.replace("<!--", ""))
    merged = readme.merge("", text, model_index.entry(loans))
    assert merged.count(readme.END) == 1
    card_of(merged)


def test_into_changes_the_file_in_place(words, tmp_path):
    """--into keeps the file's other bytes; a file that is no text is an error."""
    path = tmp_path / "README.md"
    path.write_bytes(OTHERS.encode())
    made = words.export("model-card", into=path)
    assert made.places == (str(path),)
    assert path.read_bytes().decode().count("## Bias audit") == 1
    with pytest.raises(BadInput, match="--into"):
        words.export("model-card", tmp_path / "x.md", into=path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="UTF-8"):
        words.export("model-card", into=path)


def test_a_missing_readme_is_made(words, tmp_path):
    """A model without a README gets one that is only this section."""
    path = tmp_path / "new" / "README.md"
    words.export("model-card", into=path, name="org/my-model")
    assert Path(path).is_file()
    assert ModelCard.load(path).data.model_name == "org/my-model"
