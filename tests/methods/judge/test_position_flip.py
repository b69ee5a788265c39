"""Position flip: closed forms, recorded verdicts of five judges, the runner, bad input."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.audit.run import Audit
from plumbline.audit.runner import Runner
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.exchange import reordered
from plumbline.core.questions import plain
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.sets import verdict_rows, vicuna80
from plumbline.metrics.judge import position_flip as method
from plumbline.metrics.judged_pairs import OTHER
from plumbline.models.abilities import ModelOptions
from plumbline.models.answers_file import open_answers
from plumbline.models.frame import open_frame
from plumbline.models.table import open_table
from plumbline.stats.infer import infer
from plumbline.testing import PlantedChooser, assert_no_finding, assert_recovered, only
from plumbline.testing.laws import assert_simulation_recovered

GOLDEN = Path(__file__).parents[2] / "golden" / "position_flip.toml"
F, S, T = method.FIRST, method.SECOND, method.TIE
WORDS = {"first": F, "second": S, "tie": T}


def outcomes(verdicts, status=None, **more):
    """Outcome by measure of inferred verdicts of shape (2, pairs)."""
    verdicts = np.asarray(verdicts)
    status = np.full(verdicts.shape, "", dtype=object) if status is None else status
    names = [f"p{i}" for i in range(verdicts.shape[1])]
    got = method.scored(names, verdicts, status, **more)
    found = infer(got, method.position_flip.card, seeds=Seeds(0))
    return {f.labels["measure"]: f.outcome for f in found}, got


def test_which_answer_a_verdict_names():
    """In the second order the other answer stands first; a tie names none in both orders."""
    verdicts = np.array([[F, F, S, T, T], [F, S, F, T, F]])
    assert method.answer_named(verdicts).tolist() == [[0, 0, 1, 2, 2], [1, 0, 1, 2, 1]]
    assert method.flipped(verdicts).tolist() == [True, False, False, False, True]


def test_always_first():
    """S044 check 2: a content-blind judge: share 1, flip rate 1, consistency 0."""
    got, _ = outcomes(np.full((2, 20), F))
    share = got["share for the first position"]
    golden = tomllib.loads(GOLDEN.read_text("utf-8"))["always_first"]
    assert share.value == golden["share"]
    assert share.low == pytest.approx(0.025 ** (1 / 20))
    assert share.p == pytest.approx(golden["p_20_pairs"])
    assert got["flip rate"].value == golden["flip_rate"]
    assert got["consistency"].value == golden["consistency"]
    assert got["share for the first position among inconsistent pairs"].value == 1


def test_content_alone_never_leans():
    """A consistent judge: flip rate 0, and the share for the first place is 1/2 or undefined."""
    pick = np.random.default_rng(0).integers(0, 2, 30)
    got, _ = outcomes([pick, 1 - pick])
    assert got["flip rate"].value == 0
    share = got["share for the first position"]
    assert share.value == 0.5 if isinstance(share, Estimate) else "0.5" in share.reason
    assert "share for the first position among inconsistent pairs" not in got


def test_counts_by_hand():
    """Ties count half: verdicts F,F | F,S | T,T | T,S over four pairs, repeated."""
    rows = [[F, F, T, T] * 10, [F, S, T, S] * 10]
    got, scored = outcomes(rows)
    # first: pair 1 gives 2, pair 2 gives 1, pair 3 gives 1/2 twice, pair 4 gives 1/2.
    assert got["share for the first position"].value == pytest.approx((2 + 1 + 1 + 0.5) / 8)
    assert got["flip rate"].value == 0.5
    assert got["consistency"].value == 0.5
    assert got["share for the first position among inconsistent pairs"].value == pytest.approx(
        2.5 / 4
    )
    assert scored.facts["ties"] == 30


def test_swapping_the_orders_keeps_everything():
    """Which order is asked first does not matter; naming first what is second mirrors the share."""
    rng = np.random.default_rng(1)
    verdicts = rng.choice([F, S, T], size=(2, 50), p=[0.6, 0.3, 0.1])
    one, _ = outcomes(verdicts)
    turned, _ = outcomes(verdicts[::-1])
    mirrored, _ = outcomes(np.array([S, F, T])[verdicts])
    name = "share for the first position"
    assert turned[name].value == one[name].value
    assert mirrored[name].value == pytest.approx(1 - one[name].value)
    assert mirrored["flip rate"].value == one["flip rate"].value == turned["flip rate"].value


def test_agreement_with_the_better_answer():
    """S044 pitfall: consistency is no merit in itself: always the worse answer is consistent too."""
    got, _ = outcomes([[S] * 20, [F] * 20], better=np.zeros(20, int))
    assert got["consistency"].value == 1
    assert got["verdicts for the better answer"].value == 0


def test_a_missing_verdict_leaves_the_pair_out_whole():
    """An unparsed verdict is counted; its pair's other order does not enter alone."""
    verdicts = np.full((2, 20), F)
    status = np.full((2, 20), "", dtype=object)
    verdicts[1, :4], status[1, :4] = -1, "unparsed"
    got, scored = outcomes(verdicts, status)
    assert got["share for the first position"].n == 32
    assert scored.facts["unanswered"] == {"unparsed": 4}
    order = scored.items.where({"part": "order"})
    assert sorted(w for w in order["why"] if w) == [OTHER] * 4 + ["unparsed"] * 4


def test_parse_rate_below_half_is_undefined():
    """The floor: with 9 of 20 pairs judged in both orders there is no number."""
    status = np.full((2, 20), "", dtype=object)
    status[0, 9:] = "unparsed"
    got, _ = outcomes(np.full((2, 20), F), status)
    assert all(isinstance(outcome, Undefined) for outcome in got.values())
    assert "45%" in got["share for the first position"].reason


def test_recorded_verdicts_of_five_judges(shared_data, monkeypatch):
    """Vicuna80 (arXiv:2307.02762): 800 pairs a judge in both orders agree with a plain count."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    seen: dict[tuple, dict] = defaultdict(dict)
    for row in vicuna80.load():
        if row.reviewer != vicuna80.HUMAN:
            a, b = sorted((row.first, row.second))
            seen[row.reviewer, row.question, a, b][row.first == a] = row.verdict
    judges = sorted({key[0] for key in seen})
    assert judges == ["bard", "claude", "gpt35", "gpt4", "vicuna-13b"]
    leans = {}
    for judge in judges:
        keys = [k for k in seen if k[0] == judge]
        assert len(keys) == 800
        verdicts = np.array(
            [[WORDS[seen[k][straight]] for k in keys] for straight in (True, False)]
        )
        got, _ = outcomes(verdicts, questions=[str(k[1]) for k in keys])
        firsts = sum(seen[k][o] == "first" for k in keys for o in (True, False))
        ties = sum(seen[k][o] == "tie" for k in keys for o in (True, False))
        turned = 0
        for k in keys:
            named = [
                {"first": k[2], "second": k[3], "tie": "tie"}[seen[k][True]],
                {"first": k[3], "second": k[2], "tie": "tie"}[seen[k][False]],
            ]
            turned += named[0] != named[1]
        share = got["share for the first position"]
        assert share.value == pytest.approx((firsts + ties / 2) / 1600, abs=1e-12)
        assert share.units == 80
        assert got["flip rate"].value == pytest.approx(turned / 800, abs=1e-12)
        assert got["consistency"].value == pytest.approx(1 - turned / 800, abs=1e-12)
        leans[judge] = share
    # Bard and GPT-4 side with what they read first, Claude and Vicuna with what they read last.
    for judge, sign in (("bard", 1), ("gpt4", 1), ("claude", -1), ("vicuna-13b", -1)):
        assert np.sign(leans[judge].value - 0.5) == sign
        assert leans[judge].p < 0.01


def audit(subject, tmp_path, **params):
    """The method's findings, through catalog, runner and inference."""
    plan = Plan(model="planted", metrics=("position_flip",), params={"position_flip": params})
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, subject, cache)
        entries = chosen(plan)
        return run.findings(entries, run._results(entries, Runner(subject, run.instrument, cache)))


def test_planted_judges_through_the_runner(tmp_path):
    """Habit .6 for the first of two: share .6 + .4/2 = .8; without habit nothing is found."""
    biased = audit(PlantedChooser(position=0.6, seed=2), tmp_path, ties=False)
    assert_recovered(only(biased, axis="answer position"), 0.8)
    fair = audit(PlantedChooser(seed=2), tmp_path, ties=False)
    assert_no_finding(only(fair, axis="answer position"))
    mute = audit(PlantedChooser(refuses=0.9, seed=2), tmp_path)
    assert {f.status for f in mute} == {"undefined"}


def test_prompts_show_both_orders_and_nothing_else_changes():
    """The two presentations of a pair differ only in the answers' places."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    (batch,) = next(method.position_flip(context))
    prompts = batch.columns["prompt"]
    count = len(prompts) // 2
    for one, two in zip(prompts[:count], prompts[count:], strict=True):
        assert [p.text for p in one if not p.option] == [p.text for p in two if not p.option]
        assert two == reordered(one, "answers", [1, 0])
        assert {p.exchange for p in one if p.option} == {"answers"}
        assert plain(one) != plain(two)


def test_bad_pairs_file(tmp_path):
    """A file that holds no pairs is the caller's error."""
    (tmp_path / "bad.toml").write_text('id = "x"\ntitle = "x"\nnote = ""\n')
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    with pytest.raises(BadInput):
        next(method.position_flip(context, pairs=str(tmp_path / "bad.toml")))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_share_is_recovered(dial):
    """Mean over 300 data sets is (1 + dial)/2 within 4 Monte-Carlo errors; intervals cover."""
    assert_simulation_recovered(
        method.position_flip.card, method.simulate, dial=dial, dials=method.DIALS, salt=2
    )


@pytest.fixture
def vicuna_table(mirror, tmp_path):
    """Vicuna80's verdicts as `plumbline data table` writes them, opened without settings."""
    path = tmp_path / "verdicts.csv"
    verdict_rows.write(vicuna80.verdicts(), path)
    return open_table(str(path), ModelOptions())


def test_a_recorded_table_gives_each_judges_numbers(vicuna_table, scored):
    """From the table: 4,000 pairs; every judge's rows give what its verdicts give alone; people in one order."""
    got = scored(method.position_flip, vicuna_table)
    assert got.facts["pairs"] == 4000
    assert got.facts["seen in one order"] == 7040
    found = infer(got, method.position_flip.card, seeds=Seeds(0))
    groups = {f.labels["group"]: f.outcome for f in found if f.role == "group"}
    # Shares for the first position counted from the ratings files by a plain loop.
    counted = {"bard": 0.8009375, "claude": 0.3734375, "gpt35": 0.491875, "gpt4": 0.605, "vicuna-13b": 0.4090625}  # fmt: skip
    assert groups.keys() == counted.keys()
    for judge, share in counted.items():
        assert groups[judge].value == pytest.approx(share, abs=1e-12)
    alone = infer(
        scored(method.position_flip, vicuna_table, one_judge="bard"),
        method.position_flip.card,
        seeds=Seeds(0),
    )
    assert alone[0].role == "primary"
    assert alone[0].outcome.value == groups["bard"].value
    assert (alone[0].outcome.low, alone[0].outcome.high) == pytest.approx(
        (groups["bard"].low, groups["bard"].high)
    )


def frame_of(rows, **settings):
    """A recorded subject of (judge, question, first, second, verdict) rows."""
    names = ("judge", "question", "first", "second", "verdict")
    columns = {n: np.array(c, object) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    return open_frame(columns, ModelOptions(extra=settings))


def test_recorded_and_live_verdicts_give_the_same(scored):
    """The same verdicts through a table (rows in any order) and through `scored`: equal numbers."""
    rng = np.random.default_rng(3)
    verdicts = rng.choice([F, S, T], size=(2, 40), p=[0.5, 0.3, 0.2])
    words = ["first", "second", "tie"]
    rows = [
        ("j", str(q), *(("x", "y") if order == 0 else ("y", "x")), words[verdicts[order, q]])
        for q in range(40)
        for order in (0, 1)
    ]
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    live, _ = outcomes(verdicts)
    got = scored(method.position_flip, frame_of(shuffled))
    for finding in infer(got, method.position_flip.card, seeds=Seeds(0)):
        if finding.role != "group" and "group" not in finding.labels:
            assert finding.outcome.value == live[finding.labels["measure"]].value


def test_each_recorded_judge_has_its_own_floor(scored):
    """A judge with few verdicts is Undefined; the other one and the pool are not."""
    rows = [("good", str(q), *xy, "first") for q in range(20) for xy in ("xy", "yx")]
    rows += [
        ("bad", str(q), *xy, "" if q < 12 else "first") for q in range(20) for xy in ("xy", "yx")
    ]
    got = scored(method.position_flip, frame_of(rows))
    assert got.facts["unanswered"] == {"empty": 24}
    found = infer(got, method.position_flip.card, seeds=Seeds(0))
    groups = {f.labels["group"]: f.outcome for f in found if f.role == "group"}
    assert isinstance(groups["good"], Estimate)
    assert isinstance(groups["bad"], Undefined)
    assert "40%" in groups["bad"].reason
    assert isinstance(found[0].outcome, Estimate)


def test_one_order_only_does_not_apply(audited):
    """Pairs seen in one order: place and answer cannot be told apart; a table without verdicts neither."""
    run = audited(frame_of([("j", str(q), "x", "y", "first") for q in range(20)]), "position_flip")
    assert run.findings[0]["status"] == "not_applicable"
    assert "one order only" in run.findings[0]["reason"]
    plain = open_frame({"prediction": [1, 0], "sex": ["f", "m"]}, ModelOptions())
    run = audited(plain, "position_flip")
    assert "no column 'judge' of verdicts" in run.findings[0]["reason"]


def test_recorded_answers_of_a_judge(tmp_path, audited):
    """`answers:` with a judge's replies and the columns of a verdict table reads them as verdicts."""
    path = tmp_path / "said.jsonl"
    rows = [
        {
            "prompt": f"{q}{a}{b}",
            "answer": "A",
            "judge": "j",
            "question": q,
            "first": a,
            "second": b,
        }
        for q in range(20)
        for a, b in ("xy", "yx")
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    subject = open_answers(str(path), ModelOptions())
    run = audited(subject, "position_flip", columns={"verdict": "answer"})
    assert run.findings[0]["value"] == 1
