"""Coverage and accuracy of a judge: closed forms, the fair null of a second try, corrections, recorded judges."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.context import Context
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Skip
from plumbline.core.seeds import Seeds
from plumbline.data.sets import llmbar, verdict_rows
from plumbline.data.templates import pairs as own
from plumbline.metrics import decided_pairs as kernel
from plumbline.metrics.judge import judge_coverage as method
from plumbline.metrics.verdict_table import FIRST as F
from plumbline.metrics.verdict_table import SECOND as S
from plumbline.metrics.verdict_table import TIE as T
from plumbline.mitigate.postprocessing.permutation_average import permutation_average
from plumbline.mitigate.postprocessing.swap_and_tie import swap_and_tie
from plumbline.mitigate.preprocessing.portia import portia
from plumbline.models.abilities import ModelOptions
from plumbline.models.asked_in_orders import INCONSISTENT
from plumbline.models.frame import open_frame
from plumbline.models.table import open_table
from plumbline.stats.infer import infer
from plumbline.testing import PlantedJudge
from plumbline.testing.laws import assert_simulation_recovered

GOLDEN = Path(__file__).parents[2] / "golden"
MAIN = "right verdicts, undecided one half"
GOLD = [p.answers[0] for n in (own.SHORT, own.LONG) for p in own.load(name=n) if p.quality == "first_better"]  # fmt: skip


def inferred(scored):
    """Outcome by measure."""
    found = infer(scored, method.judge_coverage.card, seeds=Seeds(0))
    return {f.labels["measure"]: f.outcome for f in found}


def outcomes(verdicts, status=None, better=None, **more):
    """From verdicts of shape (wordings, 2, pairs)."""
    verdicts = np.asarray(verdicts)
    status = np.full(verdicts.shape, "", dtype=object) if status is None else status
    better = np.zeros(verdicts.shape[-1], int) if better is None else np.asarray(better)
    names = [f"p{i}" for i in range(verdicts.shape[-1])]
    return inferred(method.scored(names, verdicts, status, better=better, **more))


def test_what_is_decided():
    """Both orders name one answer; a flip and a tie decide nothing."""
    verdicts = np.array([[F, F, S, S, T, F], [S, F, S, F, T, T]])
    assert kernel.decided(verdicts).tolist() == [0, -1, -1, 1, -1, -1]
    assert kernel.credit(kernel.decided(verdicts), np.zeros(6, int)).tolist() == [1, 0.5, 0.5, 0, 0.5, 0.5]  # fmt: skip


def test_counts_by_hand():
    """Of 40 pairs 20 are decided, 15 rightly: credit (15 + 10) / 40, coverage 1/2, accuracy 3/4."""
    first, second = [F] * 15 + [S] * 5 + [F] * 20, [S] * 15 + [F] * 5 + [F] * 20
    got = outcomes([[first, second]])
    assert got[MAIN].value == pytest.approx(25 / 40)
    assert got["share of pairs decided"].value == 0.5
    assert got["accuracy among decided"].value == 0.75
    assert "share decided in one of two wordings" not in got


def test_by_place_alone_there_is_nothing():
    """Always first: no pair is decided; the credit is one half and no finding, the accuracy has no items."""
    got = outcomes(np.full((1, 2, 30), F))
    assert got["share of pairs decided"].value == 0
    assert "accuracy among decided" not in got
    main = got[MAIN]
    assert main.value == 0.5 if isinstance(main, Estimate) else "0.5" in main.reason


def test_the_better_answer_named_the_other_way_round():
    """Exchanging the answers turns the credit about one half and leaves the coverage."""
    rng = np.random.default_rng(0)
    verdicts = rng.choice([F, S, T], size=(1, 2, 60), p=[0.6, 0.3, 0.1])
    one, two = outcomes(verdicts), outcomes(verdicts, better=np.ones(60, int))
    assert one[MAIN].value - 0.5 == pytest.approx(0.5 - two[MAIN].value)
    assert one["share of pairs decided"].value == two["share of pairs decided"].value


def test_two_wordings():
    """Decided by the first wording, else by the second; what only the second decided stands apart."""
    one = [[F] * 10 + [F] * 20, [S] * 10 + [F] * 20]  # 10 decided, rightly
    two = [[S] * 20 + [F] * 10, [F] * 20 + [F] * 10]  # the first 20 decided, wrongly
    got = outcomes([one, two])
    assert got["share decided in one of two wordings"].value == pytest.approx(20 / 30)
    assert got["accuracy among decided in one of two wordings"].value == pytest.approx(10 / 20)
    assert got["accuracy of what only the second wording decided"].value == 0
    assert got["right verdicts in one of two wordings, undecided one half"].value == pytest.approx((10 + 5) / 30)  # fmt: skip


def test_an_early_exit_is_worth_a_second_try():
    """S044 pitfall: consistency of the better of two tries under independent noise, 1 - (1 - c)^2.

    Coins: c = 1/2 becomes 3/4 with nothing gained: of what is decided half is right, in both tries.
    """
    rng = np.random.default_rng(1)
    coin = rng.choice([F, S], size=(2, 2, 20_000))
    scored = method.scored([str(i) for i in range(20_000)], coin, np.full(coin.shape, "", dtype=object),
                           better=np.zeros(20_000, int))  # fmt: skip
    shares = {p: scored.items.where({"part": p})["score"].mean() for p in set(scored.items["part"])}
    error = 4 * np.sqrt(0.25 / 20_000)
    assert shares["coverage"] == pytest.approx(0.5, abs=error)
    assert shares[f"coverage {method.TRIED}"] == pytest.approx(0.75, abs=error)
    assert shares[f"right {method.TRIED}"] == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 15_000))
    assert shares[f"credit {method.TRIED}"] == pytest.approx(0.5, abs=error)
    assert scored.facts["coverage of two wordings if independent"] == pytest.approx(0.75, abs=error)


def test_margins():
    """As many pairs as both orders decide, those with the widest margins: which answer is ahead in them."""
    scores = np.zeros((2, 4, 2))
    scores[0, :, 0] = [3.0, 1.0, -2.0, 0.1]  # order 0: answer 0 stands first
    scores[1, :, 0] = [1.0, -2.0, 1.0, 0.1]  # order 1: answer 1 stands first
    rows, ahead = kernel.by_margin(scores, 3)
    assert rows.tolist() == [1, 2, 0]  # leads 2, 3, -3, 0
    assert ahead.tolist() == [0, 1, 0]


def test_abstentions_are_undecided_and_refusals_are_missing():
    """`inconsistent in both orders` is the judge's own word that it decides nothing; `refused` is no answer."""
    verdicts = np.array([[[F] * 20, [S] * 20]])
    status = np.full(verdicts.shape, "", dtype=object)
    status[0, :, :8], verdicts[0, :, :8] = INCONSISTENT, -1
    got = outcomes(verdicts, status)
    assert got["share of pairs decided"].value == pytest.approx(12 / 20)
    assert got[MAIN].n == 20
    status[0, 1, :8] = "refused"
    got = outcomes(verdicts, status)
    assert got["share of pairs decided"].value == 1
    assert got[MAIN].n == 12
    status[0, 1, :11] = "refused"
    assert all(isinstance(o, Undefined) for o in outcomes(verdicts, status).values())


def test_second_wording_differs_in_the_instruction_only():
    """Both batches show the same pairs in the same orders."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    one, two = next(method.judge_coverage(context))
    assert len(one) == len(two) == 2 * 60
    for a, b in zip(one.columns["prompt"], two.columns["prompt"], strict=True):
        assert a[:-1] == b[:-1]
        assert a[-1].text != b[-1].text


def primary(run):
    """The primary finding of a run."""
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    return main


@pytest.fixture
def told(scored):
    """Items by part of a whole job on a model, as mean scores."""

    def means(model, **more):
        got = scored(method.judge_coverage, model, **more)
        return {p: float(got.items.where({"part": p})["score"].mean()) for p in set(got.items["part"])}  # fmt: skip

    return means


def test_corrections_are_told_from_success(told):
    """Consistent by construction after each correction; coverage says what is left, accuracy what it is worth.

    A judge with a bonus by place of 1.5: swapping decides what it decided before; PORTIA decides more
    of the long pairs; an average over both orders decides all, without the bonus.
    """
    better = dict.fromkeys(GOLD, 1.0)
    base = PlantedJudge(slot=1.5, noise=0.1, better=better, scored=True, seed=6)
    plain, swap = told(base), told(swap_and_tie(base))
    cut, mean = told(portia(base)), told(permutation_average(base))
    assert swap["coverage"] == plain["coverage"]
    assert swap["right"] == plain["right"]
    assert cut["coverage"] > plain["coverage"] + 0.1
    assert mean["coverage"] == 1
    assert mean["credit"] > plain["credit"]
    assert "margin" in plain
    assert "margin" not in swap
    blind = PlantedJudge(quality=0.0, slot=9.0, seed=1)
    for model in (blind, swap_and_tie(blind), portia(blind)):
        assert told(model)["coverage"] == 0
        assert told(model)["credit"] == 0.5


def test_planted_judges_through_the_runner(audited):
    """The better answer 2 ahead of N(0, 1) + N(0, 1), no lean: right with P(N(2, 2) > 0) = .921; a fair one finds nothing."""
    sure = audited(PlantedJudge(better=dict.fromkeys(GOLD, 2.0), seed=2), "judge_coverage")
    main = primary(sure)
    assert main["low"] <= 0.9214 <= main["high"]
    assert main["p"] < 1e-3
    for model in (PlantedJudge(seed=9), PlantedJudge(quality=0.0, noise=1.0, seed=3)):
        assert primary(audited(model, "judge_coverage"))["p"] > 0.001


def test_recorded_verdicts(scored):
    """A table with the column `better`: counts as by hand; without it, or in one order, a reason."""
    rows = []
    for i in range(20):
        for first, second in (("x", "y"), ("y", "x")):
            said = (
                "first" if (i < 8) == (first == "x") else "second"
            )  # 8 right, 8 wrong, 4 by place
            rows.append((f"q{i}", first, second, said if i < 16 else "first"))
    q, f, s, v = (list(c) for c in zip(*rows, strict=True))
    table = {"judge": ["j"] * 40, "question": q, "first": f, "second": s, "verdict": v, "better": ["x"] * 40}  # fmt: skip
    got = scored(method.judge_coverage, open_frame(table, ModelOptions()))
    found = inferred(got)
    assert found["share of pairs decided"].value == pytest.approx(0.8)
    assert found["accuracy among decided"].value == pytest.approx(0.5)
    bare = {k: c for k, c in table.items() if k != "better"}
    assert scored(method.judge_coverage, open_frame(bare, ModelOptions())) == Skip(method.NO_BETTER)
    half = {k: c[::2] for k, c in table.items()}
    assert scored(method.judge_coverage, open_frame(half, ModelOptions())) == Skip(method.ONE_ORDER)


def test_published_accuracies_of_recorded_judges(shared_data, monkeypatch, tmp_path, scored):
    """LLMBar's best judge on four adversarial subsets: 82.8 %, about 10 points above plain prompting.

    A plain count over the file's rows says the same for every subset, and the coverage too.
    """
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    golden = tomllib.loads((GOLDEN / "judge_coverage.toml").read_text("utf-8"))[
        "llmbar_adversarial"
    ]
    rows = llmbar.verdicts()
    verdict_rows.write(rows, tmp_path / "llmbar.csv")
    table = open_table(str(tmp_path / "llmbar.csv"), ModelOptions())
    means = {}
    for judge in (golden["judge"], golden["plain"]):
        found = []
        for part in llmbar.SUBSETS[1:]:
            got = scored(method.judge_coverage, table, where={"part": part}, one_judge=judge)
            items = {p: got.items.where({"part": p}).answered()["score"] for p in ("credit", "coverage")}  # fmt: skip
            here = [r for r in rows if r.judge == judge and r.part == part]
            right, seen = defaultdict(list), set()
            for r in here:
                if r.verdict == "unparsed":
                    seen.add(r.question)
                else:
                    right[r.question].append(
                        (r.first if r.verdict == "first" else r.second) == r.better
                    )
            kept = [v for q, v in right.items() if q not in seen]
            assert items["credit"].mean() == pytest.approx(np.mean(kept))
            assert items["coverage"].mean() == pytest.approx(np.mean([a == b for a, b in kept]))
            found.append(items["credit"].mean())
        means[judge] = 100 * np.mean(found)
    assert means[golden["judge"]] == pytest.approx(golden["accuracy_percent"], abs=0.05)
    assert means[golden["judge"]] - means[golden["plain"]] == pytest.approx(golden["gain_points"], abs=0.5)  # fmt: skip


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_credit_is_recovered(dial):
    """Mean over 300 data sets is the closed form within 4 Monte-Carlo errors; intervals cover."""
    assert_simulation_recovered(
        method.judge_coverage.card, method.simulate, dial=dial, dials=method.DIALS, salt=3
    )
