"""Format and authority bias: closed forms, planted judges, the public set's questions, bad input."""

from __future__ import annotations

import re

import numpy as np
import pytest

from plumbline.core.answers import Choices
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.exchange import contents
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.answer_twins import KINDS
from plumbline.data.templates import twins as own
from plumbline.metrics.judge import judge_format as method
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE
from plumbline.stats.infer import infer
from plumbline.testing import PlantedReviewer

GAIN = "gain over the control"


def found(scored):
    """Outcomes by axis and measure."""
    got = infer(scored, method.judge_format.card, seeds=Seeds(0))
    return {(f.labels["axis"], f.labels["measure"]): f.outcome for f in got}


def test_own_twins_differ_in_what_their_kind_says():
    """Rich: the same sentences. Reference and remark: appended. Error: another text of like length."""
    bank = own.load()
    assert len(bank.questions) == 24
    for kind in KINDS:
        twins = bank.twins(kind)
        assert len(twins) == 24
        assert all(t.perturbed not in (t.control, t.other) for t in twins)
    for twin in bank.twins("rich_content"):
        bare = twin.perturbed.replace("## 💡 **Answer**", "").replace("- ✅ ", "")
        assert " ".join(bare.split()) == twin.control
    for twin in bank.twins("reference"):
        assert twin.perturbed.startswith(twin.control[:-1])
        assert "Reference:" in twin.perturbed
    assert all(t.perturbed.startswith(t.control + " ") for t in bank.twins("gender"))
    sizes = [len(t.perturbed) / len(t.control) for t in bank.twins("factual_error")]
    assert 0.8 < min(sizes) < max(sizes) < 1.25
    assert len(bank.remarks) == 6
    assert all(
        re.search(r"\b([Ww]oman|[Ww]omen|[Mm]an|[Mm]en)\b", remark) for remark in bank.remarks
    )


def test_prompts_hold_control_and_twin_against_the_same_answer():
    """For each twin two questions in two orders; the other answer is the same in all four."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    (batch,) = next(method.judge_format(context))
    twins = [t for kind in KINDS for t in own.load().twins(kind)]
    prompts = batch.columns["prompt"]
    assert len(prompts) == 4 * len(twins) == 384
    for i, twin in enumerate(twins):
        for version, text in enumerate((twin.control, twin.perturbed)):
            row = 2 * i + version
            assert contents(prompts[row], "answers") == (text, twin.other)
            assert contents(prompts[row + 2 * len(twins)], "answers") == (twin.other, text)


def errors() -> list[str]:
    """Every wrong answer: what a planted judge knows a factual error by."""
    return [q.error for q in own.load().questions]


@pytest.mark.parametrize(
    ("charms", "axis", "gain"),
    [
        ({"✅": 0.6}, "rich formatting", 0.3),
        ({"Reference:": 0.6}, "invented reference", 0.3),
        (dict.fromkeys(errors(), -0.8), "factual errors", -0.4),
    ],
)
def test_planted_charms_are_recovered(scored, charms, axis, gain):
    """A charm c wins with chance c + (1 - c) / 2 where the control wins half: gain c / 2, ten judges each.

    A charm below 0 is a judge that notices errors. The other perturbations' gains stay around 0.
    """
    values, covered, others = [], 0, []
    for seed in range(10):
        subject = PlantedReviewer(charms=charms, position=0.0, ties=0.2, seed=seed)
        outcomes = found(scored(method.judge_format, subject))
        got = outcomes[axis, GAIN]
        values.append(got.value)
        covered += got.low <= gain <= got.high
        others += [o.value for (a, m), o in outcomes.items() if m == GAIN and a != axis]
    assert abs(np.mean(values) - gain) < 4 * np.std(values, ddof=1) / np.sqrt(10)
    assert covered >= 7  # binomial(10, .95): 7 or more in 99.9 %
    assert abs(np.mean(others)) < 4 * np.std(others, ddof=1) / np.sqrt(len(others))


def test_a_place_cannot_look_like_a_format(scored):
    """A judge that always names the first: control and twin have one half each, gain exactly 0."""
    outcomes = found(scored(method.judge_format, PlantedReviewer(position=1.0)))
    for axis in method.NAMES.values():
        assert outcomes[axis, f"{axis}: share of the perturbed answer"].value == 0.5
        assert outcomes[axis, f"{axis}: share of the control"].value == 0.5
        gain = outcomes[axis, GAIN]
        assert gain.value == 0 if isinstance(gain, Estimate) else "no variation" in gain.reason


def by_hand(rows):
    """Verdicts (2, twins, 2) from rows of four: control and twin in the first order, then in the second."""
    table = np.array(rows)  # (twins, 4)
    return np.stack([table[:, :2], table[:, 2:]])


def test_gain_and_attack_success_by_hand():
    """Control lost on 3 of 4 questions (0, 0, 1/4), its twin wins on one of them: 1/3; gain by hand."""
    F, S, T = FIRST, SECOND, TIE
    verdicts = by_hand([
        [S, F, F, S],  # control 0 and 0; twin 1 and 1
        [S, S, F, F],  # control 0, 0; twin 0, 0
        [T, T, F, S],  # control 1/2, 0; twin 1/2, 1 -> the control lost, the twin won
        [F, S, S, F],  # control 1, 1; twin 0, 0 -> lost although the control won
    ])  # fmt: skip
    status = np.full(verdicts.shape, "", object)
    got = method.scored(["a", "b", "c", "d"], ["reference"] * 4, verdicts, status)
    items = got.items
    pair = items.where({"part": "pair"})
    mean = {g: float(pair.where({"group": g})["score"].mean()) for g in ("control", "perturbed")}
    assert mean == {"control": (0 + 0 + 0.25 + 1) / 4, "perturbed": (1 + 0 + 0.75 + 0) / 4}
    assert items.where({"part": "attack"})["score"].tolist() == [1, 0, 1]
    assert items.where({"part": "lost"})["score"].tolist() == [1]
    assert got.facts["invented reference"]["ties"] == 2


def test_swapping_control_and_twin_turns_the_sign():
    """Law: the groups swapped, the gain is minus itself and its interval is mirrored."""
    rng = np.random.default_rng(4)
    verdicts = rng.choice([FIRST, SECOND, TIE], size=(2, 24, 2), p=[0.5, 0.3, 0.2])
    status, names = np.full(verdicts.shape, "", object), [f"q{i}" for i in range(24)]
    one, other = (
        found(method.scored(names, ["gender"] * 24, v, status))["gendered wording", GAIN]
        for v in (verdicts, verdicts[:, :, ::-1])
    )
    assert other.value == pytest.approx(-one.value)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    assert other.p == pytest.approx(one.p)


def test_a_missing_verdict_leaves_the_question_out_whole(scored):
    """Unread verdicts are counted by reason; below half of the questions there is no number."""
    got = scored(method.judge_format, PlantedReviewer(refuses=0.05, seed=2))
    for kind, told in got.facts.items():
        left = got.items.where(
            {"part": "pair", "kind": {v: k for k, v in method.NAMES.items()}[kind]}
        )
        gone = left.take(left["why"] != "")
        assert len(gone) == 4 * told["left_out"]
        assert {"refused", method.MISSING} >= set(gone["why"].tolist())
    mute = found(scored(method.judge_format, PlantedReviewer(refuses=0.3, seed=2)))
    # A question needs four verdicts: .7^4 = .24 of them are whole.
    assert all(isinstance(o, Undefined) and "all four verdicts" in o.reason for o in mute.values())


def test_the_public_set_is_asked(mirror, scored):
    """142 questions a kind in full, a tenth of the size before; controls that two kinds share are the same questions."""
    subject = PlantedReviewer(charms={"Reference": 0.5}, seed=0)
    got = scored(method.judge_format, subject, suite="full", kinds=["reference", "gender"])
    assert {k: v["questions"] for k, v in got.facts.items()} == {"invented reference": 142, "gendered wording": 142}  # fmt: skip
    outcomes = found(got)
    # Not every reference is announced by the word: the gain is at most c / 2.
    assert 0.1 < outcomes["invented reference", GAIN].value < 0.3
    few = scored(method.judge_format, subject, texts=method.PUBLIC, kinds=["reference"])
    assert few.facts["invented reference"]["questions"] == 6
    some = scored(method.judge_format, subject, suite="standard", kinds=["reference"])
    assert some.facts["invented reference"]["questions"] == 20


def test_bad_arguments(tmp_path):
    """An unknown perturbation or source of texts, and a file without twins."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    with pytest.raises(UnknownName, match="reference"):
        next(method.judge_format(context, kinds=["referense"]))
    with pytest.raises(UnknownName, match="own"):
        next(method.judge_format(context, texts="owm"))
    (tmp_path / "bad.toml").write_text('id = "x"\ntitle = "x"\nnote = ""\n')
    with pytest.raises(BadInput):
        next(method.judge_format(context, twins=str(tmp_path / "bad.toml")))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_gain_is_recovered(dial):
    """Mean over 300 data sets is dial / 2 within 4 Monte-Carlo errors; intervals cover."""
    values, covered, hits = [], 0, 0
    for seed in range(300):
        got, truth = method.simulate(np.random.default_rng([seed, 5]), dial=dial)
        outcome = found(got)["rich formatting", GAIN]
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
    if dial == 0:
        assert 3 <= hits <= 30


def test_choices_are_never_guessed(scored):
    """What the adapter says about a verdict is what is counted: an unparsed one names no answer."""

    class Mumbling(PlantedReviewer):
        """A judge whose every fourth answer cannot be read."""

        def _choose(self, batch):
            got = super()._choose(batch)
            status = ["unparsed" if i % 4 == 0 else s for i, s in enumerate(got.status)]
            chosen = np.where([s != "" for s in status], -1, got.chosen)
            return Choices(chosen, got.scores, got.said, got.how, status)

    got = scored(method.judge_format, Mumbling(seed=1), kinds=["reference"])
    assert got.facts["invented reference"]["unanswered"] == {"unparsed": 24}
    assert got.facts["invented reference"]["parse_rate"] == 0.75
