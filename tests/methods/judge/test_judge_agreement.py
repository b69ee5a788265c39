"""Agreement: closed forms, kappas and alphas by hand, figures of the public sets, rankings, bad input."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core import questions as ask
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.sets import faireval_pandalm, llmbar, verdict_rows
from plumbline.data.sets.registry import Places
from plumbline.data.templates import pairs as own
from plumbline.metrics import verdict_table as vt
from plumbline.metrics.judge import judge_agreement as method
from plumbline.metrics.verdict_agreement import CONSISTENT, TOGETHER, told
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.table import open_table
from plumbline.stats.agreement import cohen_kappa
from plumbline.stats.infer import infer
from plumbline.stats.reliability import krippendorff_alpha
from plumbline.stats.system_ranks import rank_agreement, rho, tau_b
from plumbline.stats.undefined import UndefinedStatistic
from plumbline.testing import PlantedReviewer

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "judge_agreement.toml").read_text("utf-8")
)
NAMES = ("judge", "question", "first", "second", "verdict", "better")
ALPHA = "Krippendorff's alpha of {} to {} raters"


def found(scored):
    """Outcomes by measure and group."""
    got = infer(scored, method.judge_agreement.card, seeds=Seeds(0))
    return {(f.labels["measure"], f.labels.get("group", "")): f.outcome for f in got}


def frame_of(rows, names=NAMES):
    """A recorded subject of rows."""
    columns = {n: np.array(c, object) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    return open_frame(columns, ModelOptions())


def read(subject):
    """A recorded subject's verdict table."""
    ((_, records),) = subject.answer(ask.records())
    return vt.read(records.columns, subject.about())


@pytest.fixture(scope="module")
def public(shared_data, tmp_path_factory):
    """A public set's verdicts as a recorded subject, written once."""
    folder = tmp_path_factory.mktemp("verdicts")
    places = Places(mirror=shared_data, cache=folder, offline=True)
    made = {}

    def opened(name):
        if name not in made:
            path = folder / f"{name}.csv"
            verdict_rows.write(verdict_rows.table_of(name, places=places), path)
            made[name] = open_table(str(path), ModelOptions())
        return made[name]

    return opened


def test_accuracies_by_hand(scored):
    """Verdicts against better answers: 4 of 8 with ties as answers, 3 of 5 where both are decided."""
    said = ["first", "first", "second", "tie", "tie", "second", "first", "first"]
    gold = ["x", "y", "y", "tie", "x", "tie", "x", "y"]
    rows = [("j", q + 8 * k, "x", "y", v, b) for k in range(3) for q, (v, b) in enumerate(zip(said, gold, strict=True))]  # fmt: skip
    got = found(scored(method.judge_agreement, frame_of(rows)))
    assert got[method.ACCURACY, ""].value == 4 / 8
    assert got[method.WITHOUT, ""].value == 3 / 5
    table = np.zeros((3, 3))
    for v, b in zip(said, gold, strict=True):
        table[["first", "second", "tie"].index(v), ["x", "y", "tie"].index(b)] += 1
    assert got["Cohen's kappa", ""].value == pytest.approx(cohen_kappa(table, level=0.95).value)


def test_a_constant_judge_on_lopsided_labels(scored):
    """S063 check 2: the better answer is the first in 95 %: accuracy = .95, kappa = 0 exactly."""
    rows = [("j", q, "x", "y", "first", "x" if q < 95 else "y") for q in range(100)]
    got = scored(method.judge_agreement, frame_of(rows))
    assert found(got)[method.ACCURACY, ""].value == 0.95
    assert got.facts["judges"]["j"]["Cohen's kappa, low, high (verdicts as independent)"][0] == 0
    # Whichever question is left out, kappa is 0: its spread cannot be told, and no interval is made up.
    assert "no variation" in found(got)["Cohen's kappa", ""].reason


def test_consistency_is_no_merit(scored):
    """S044 pitfall: a judge that is wrong in both orders is consistent, and right in neither."""
    rows = [("j", q, a, b, "second" if a == "x" else "first", "x") for q in range(20) for a, b in ("xy", "yx")]  # fmt: skip
    got = found(scored(method.judge_agreement, frame_of(rows)))
    assert got[CONSISTENT, ""].value == 0
    assert got[method.ACCURACY, ""].value == 0


def test_both_orders_by_hand(scored):
    """Right and right; right and tie; right and wrong; tie and tie: strict 1 of 4, together 2 of 4."""
    said = [("first", "second"), ("first", "tie"), ("first", "first"), ("tie", "tie")] * 2
    rows = [
        ("j", q, *xy, v, "x")
        for q, two in enumerate(said)
        for xy, v in zip(("xy", "yx"), two, strict=True)
    ]
    got = found(scored(method.judge_agreement, frame_of(rows)))
    assert got[CONSISTENT, ""].value == 0.25
    assert got[TOGETHER, ""].value == 0.5


def test_a_coin_and_an_always_first_judge(scored):
    """Without ties a coin has 1/2 and 1/4; a judge of the place alone has 1/2 and 0."""
    first = [("j", q, *xy, "first", "x") for q in range(30) for xy in ("xy", "yx")]
    got = found(scored(method.judge_agreement, frame_of(first)))
    assert got[method.ACCURACY, ""].value == 0.5
    assert got[CONSISTENT, ""].value == 0
    rng = np.random.default_rng(0)
    coin = [("j", q, *xy, rng.choice(["first", "second"]), "x") for q in range(2000) for xy in ("xy", "yx")]  # fmt: skip
    got = found(scored(method.judge_agreement, frame_of(coin)))
    assert got[method.ACCURACY, ""].value == pytest.approx(0.5, abs=0.04)
    assert got[CONSISTENT, ""].value == pytest.approx(0.25, abs=0.04)
    assert got[TOGETHER, ""].value == pytest.approx(0.25, abs=0.04)


def raters_of(units):
    """Rows of judges r0, r1, ... whose verdicts on unit q are given; no better answers."""
    words = {0: "first", 1: "second", 2: "tie"}
    rows = [(f"r{k}", q, "x", "y", words[v]) for q, unit in enumerate(units) for k, v in enumerate(unit)]  # fmt: skip
    return frame_of(rows, NAMES[:-1])


def test_fleiss_and_krippendorff_by_hand(scored):
    """Counts (3,0,0), (0,3,0), (2,1,0), (1,1,1): P = 7/12, E = (36 + 25 + 1) / 144.

    Krippendorff's alpha of as many ratings n = 12 is 1 - (1 - kappa)(n - 1) / n (Krippendorff 2011, where
    units have equally many ratings); repeated four times n is 48.
    """
    units = [(0, 0, 0), (1, 1, 1), (0, 0, 1), (0, 1, 2)] * 4
    got = found(scored(method.judge_agreement, raters_of(units)))
    kappa = (7 / 12 - 62 / 144) / (1 - 62 / 144)
    assert got["Fleiss' kappa of 3 raters", ""].value == pytest.approx(kappa)
    alpha = 1 - (1 - kappa) * 47 / 48
    assert got[ALPHA.format(3, 3), ""].value == pytest.approx(alpha)
    assert got["share of pairs of raters that agree", ""].value == pytest.approx(7 / 12)
    assert got[ALPHA.format(3, 3), ""].units == 16


def test_raters_of_differing_numbers(scored):
    """Alpha equals the one computed from the table of raters (missing ratings left out); Fleiss needs equal numbers."""
    rng = np.random.default_rng(1)
    units = [tuple(rng.choice(3, size=rng.integers(2, 5), p=[0.6, 0.3, 0.1])) for _ in range(40)]
    got = found(scored(method.judge_agreement, raters_of(units)))
    ratings = [[str(u[k]) if k < len(u) else None for u in units] for k in range(4)]
    assert got[ALPHA.format(2, 4), ""].value == pytest.approx(krippendorff_alpha(ratings))
    assert not any(measure.startswith("Fleiss") for measure, _ in got)


def test_raters_who_all_say_the_same_have_no_alpha(scored):
    """Agreement beyond chance does not exist where all verdicts are one."""
    got = found(scored(method.judge_agreement, raters_of([(0, 0)] * 10)))
    assert isinstance(got[ALPHA.format(2, 2), ""], Undefined)
    assert got["share of pairs of raters that agree", ""].value == 1


def test_pandalms_annotators_and_judges(public, mirror):
    """README of WeOpenML/PandaLM: kappas .85, .88, .86 of the annotators; accuracies of two judges."""
    rows = faireval_pandalm.pandalm()
    names = ("first", "second", "tie")
    labels = np.array([[names.index(label) for label in row.labels] for row in rows])
    for (i, j), published in zip(
        ((0, 1), (0, 2), (1, 2)), GOLDEN["pandalm"]["kappas"], strict=True
    ):
        table = np.zeros((3, 3))
        np.add.at(table, (labels[:, i], labels[:, j]), 1)
        assert cohen_kappa(table, level=0.95).value == pytest.approx(published, abs=0.005)
    subject = public("faireval-pandalm")
    table = read(subject)
    rng = np.random.default_rng(0)
    panda = told(table.by("PandaLM-7B"), rng)
    assert 100 * panda["accuracy, a tie is an answer"] == pytest.approx(GOLDEN["pandalm"]["PandaLM-7B"], abs=0.005)  # fmt: skip
    # The published figure of GPT-3.5 counts 25 unreadable verdicts as ties, which is a guess: here they are left out.
    gpt = table.by("gpt-3.5-turbo")
    as_ties = np.where(gpt.why == "", gpt.verdict, vt.TIE) == gpt.better
    assert 100 * as_ties.mean() == pytest.approx(GOLDEN["pandalm"]["gpt-3.5-turbo, unread as ties"], abs=0.005)  # fmt: skip
    assert 100 * told(gpt, rng)["accuracy, a tie is an answer"] == pytest.approx(100 * 697 / 974)


def test_llmbars_statistics(public):
    """statistics.json of princeton-nlp/LLMBar: average accuracy, both right, positional agreement and its kappa."""
    table = read(public("llmbar"))
    for case in GOLDEN["llmbar"]:
        here = table.by(case["judge"])
        here = here.take(np.char.startswith(here.question.astype(str), case["subset"] + "/"))
        got = told(here, np.random.default_rng(0))
        assert 100 * got["accuracy, a tie is an answer"] == pytest.approx(case["correct_average"])
        assert 100 * got[CONSISTENT] == pytest.approx(case["correct_both"])
        pairs = vt.both_orders(here)
        named = here.verdict[pairs.rows]
        named[1] = 1 - named[1]
        assert 100 * (named[0] == named[1]).mean() == pytest.approx(case["equal"])
        joint = np.zeros((2, 2))
        np.add.at(joint, (named[0], named[1]), 1)
        assert cohen_kappa(joint, level=0.95).value == pytest.approx(case["kappa_agreement"])


def test_llmbars_best_judge_on_adversarial_pairs(public):
    """arXiv:2310.07641: the best GPT-4 judge has 82.8 % on the four adversarial subsets, each counting alike."""
    table = read(public("llmbar"))
    best = table.by("GPT-4/Metrics_Reference")
    shares = [
        (best.verdict == best.better)[np.char.startswith(best.question.astype(str), s + "/")].mean()
        for s in llmbar.SUBSETS[1:]
    ]
    assert 100 * np.mean(shares) == pytest.approx(82.8, abs=0.05)


def test_judgebench_both_orders_together(public):
    """Counts by a plain loop over the decisions: o1-mini 230 of 350, reward models the same in both orders."""
    table = read(public("judgebench"))
    rng = np.random.default_rng(0)
    got = {j: told(table.by(j), rng) for j in table.judges}
    assert got["o1-mini-2024-09-12"][TOGETHER] == pytest.approx(230 / 350)
    for judge, together in (("Skywork_Skywork-Reward-Gemma-2-27B", 225), ("internlm_internlm2-7b-reward", 208)):  # fmt: skip
        assert got[judge][TOGETHER] == pytest.approx(together / 350)
    assert got["claude-3-haiku-20240307"]["read"] == 527


def test_vicuna80_judges_and_people(public, scored):
    """Five judges against people's majority, their rankings of five systems, clusters of 80 questions."""
    got = scored(method.judge_agreement, public("vicuna80-judgments"))
    outcomes = found(got)
    assert outcomes[method.ACCURACY, "gpt4"].value > outcomes[method.ACCURACY, "vicuna-13b"].high
    assert outcomes[method.ACCURACY, ""].units == 80
    ranking = got.facts["judges"]["gpt4"]["ranking of systems"]
    assert (ranking["systems"], ranking["questions"]) == (5, 80)
    value, low, high = ranking["Kendall's tau-b, low, high"]
    assert low <= value <= high <= 1
    # Alpha among people alone, who are not named one by one.
    people = found(scored(method.judge_agreement, public("vicuna80-judgments"), raters=["human"]))
    assert people[ALPHA.format(3, 3), ""].n == 2240


def test_rank_correlations_agree_with_scipy():
    """tau-b and rho of random rates with ties equal scipy's."""
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 4, (2, 50, 6)).astype(float)
    for i in range(50):
        if np.ptp(one[i]) and np.ptp(other[i]):
            assert tau_b(one[i], other[i]) == pytest.approx(ss.kendalltau(one[i], other[i])[0])
            assert rho(one[i], other[i]) == pytest.approx(ss.spearmanr(one[i], other[i])[0])
        else:
            assert np.isnan(tau_b(one[i], other[i]))


def test_ranking_intervals_speak_about_questions():
    """Equal judges: 1 with no spread; a judge that knows nothing: around 0, wide; two systems: undefined."""
    rng = np.random.default_rng(0)
    games = np.ones((60, 6))
    wins = (rng.random((60, 6)) < np.linspace(0.2, 0.8, 6)).astype(float)
    same = rank_agreement(wins, games, wins, games, draws=500, rng=rng)
    assert same.kendall == same.spearman == (1.0, 1.0, 1.0)
    blind = rank_agreement((rng.random((60, 6)) < 0.5), games, wins, games, draws=500, rng=rng)
    assert blind.kendall[2] - blind.kendall[1] > 0.5
    with pytest.raises(UndefinedStatistic, match="fewer than three"):
        rank_agreement(wins[:, :2], games[:, :2], wins[:, :2], games[:, :2], draws=50, rng=rng)
    with pytest.raises(UndefinedStatistic, match="never compared"):
        rank_agreement(wins, games * 0, wins, games, draws=50, rng=rng)
    with pytest.raises(BadInput, match="one shape"):
        rank_agreement(wins, games[:5], wins, games, draws=50, rng=rng)


def test_unread_verdicts_are_left_out_by_reason(scored):
    """Empty and refused verdicts have no accuracy; below half there is no number."""
    rows = [("j", q, "x", "y", "first" if q < 12 else "refused", "x") for q in range(20)]
    got = scored(method.judge_agreement, frame_of(rows))
    assert got.facts["unanswered"] == {"refused": 8}
    assert found(got)[method.ACCURACY, ""].n == 12
    rows = [("j", q, "x", "y", "first" if q < 8 else "", "x") for q in range(20)]
    assert isinstance(found(scored(method.judge_agreement, frame_of(rows)))[method.ACCURACY, ""], Undefined)  # fmt: skip


def test_a_live_judge_is_asked(scored, mirror):
    """Own pairs in quick, LLMBar beyond: a judge that prefers the better answers is right as often as it does."""
    better = [p.answers[0] for p in own.load() if p.quality == "first_better"]
    subject = PlantedReviewer(charms=dict.fromkeys(better, 0.6), seed=0)
    got = scored(method.judge_agreement, subject)
    main = found(got)[method.ACCURACY, ""]
    assert main.low <= 0.8 <= main.high
    assert got.facts["verdicts"] == 48
    standard = scored(method.judge_agreement, subject, suite="standard")
    assert standard.facts["verdicts"] == 100


def test_nothing_to_agree_with():
    """No better answer and no presentation twice: one clear error."""
    context = Context(abilities=frozenset({"records"}), seeds=Seeds(0))
    job = method.judge_agreement(context)
    next(job)
    subject = frame_of([("j", q, "x", "y", "first") for q in range(10)], NAMES[:-1])
    ((_, records),) = subject.answer(ask.records())
    with pytest.raises(BadInput, match="nothing to agree with"):
        job.send([records])


def test_a_file_without_better_answers(tmp_path):
    """Pairs of like quality have no better answer to be right about."""
    path = tmp_path / "pairs.toml"
    path.write_text(
        'id = "x"\ntitle = "x"\nnote = ""\n[[pairs]]\nid = "a"\naxis = "position"\nquality = "similar"\n'
        'question = "q"\nanswers = ["one", "two"]\n'
    )
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    with pytest.raises(BadInput, match="first_better"):
        next(method.judge_agreement(context, texts=str(path)))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_accuracy_is_recovered(dial):
    """Mean over 300 data sets is .5 + dial / 2 within 4 Monte-Carlo errors; intervals cover."""
    values, covered = [], 0
    for seed in range(300):
        got, truth = method.simulate(np.random.default_rng([seed, 4]), dial=dial)
        got = Scored(items=got.items, measures=got.measures[:1])
        outcome = found(got)[method.ACCURACY, ""]
        assert isinstance(outcome, Estimate)
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
