"""PORTIA on judges whose place bonus is known: check 2 of card S044, and what an early exit is worth."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit.correct import corrections
from plumbline.core import questions as ask
from plumbline.metrics.judged_pairs import judged
from plumbline.mitigate.postprocessing.swap_and_tie import swap_and_tie
from plumbline.mitigate.preprocessing.portia import portia
from plumbline.models.whole_batch import answered
from plumbline.testing import PlantedJudge

GOLDEN = Path(__file__).parents[2] / "golden" / "portia.toml"
COUNT = 600


def answer(number: int, side: str, rng: np.random.Generator) -> str:
    """Six sentences over few words."""
    said = [" ".join(rng.choice(list("abcdefghijklmnop"), rng.integers(3, 9))) for _ in range(6)]
    return f"{number} {side}. " + ". ".join(s.capitalize() for s in said) + "."


def pairs(count: int = COUNT) -> list[tuple[str, str]]:
    """Pairs of answers."""
    rng = np.random.default_rng(44)
    return [(answer(i, "one", rng), answer(i, "two", rng)) for i in range(count)]


def named(model, texts, *, ties: bool = True) -> np.ndarray:
    """Which answer each verdict names: 0, 1, 2 a tie, -1 none."""
    prompts = [judged("q?", pair, role="text", ties=ties) for pair in texts]
    options = ("A", "B", "C") if ties else ("A", "B")
    return answered(model, ask.choose(prompts, [options] * len(prompts))).chosen


def decided(model, texts) -> np.ndarray:
    """Whether both orders name one answer (after a correction one order says it)."""
    return named(swap_and_tie(model), texts) < 2


def test_a_bonus_for_a_block_falls_on_a_part():
    """S044 check 2: place bonus 1.5 per block of text: consistency rises by 15 points and more.

    Without noise a pair is consistent where the difference of qualities, N(0, 2), exceeds the bonus:
    1.5 before, .5 in three equal parts: P(|N(0, 2)| > 1.5) = .289, P(> .5) = .724.
    """
    texts = pairs()
    base = PlantedJudge(slot=1.5, seed=1)
    before = decided(base, texts).mean()
    first = decided(portia(base, second=False), texts).mean()
    both = decided(portia(base), texts).mean()
    error = 4 * np.sqrt(0.25 / COUNT)
    assert before == pytest.approx(0.289, abs=error)
    assert first == pytest.approx(0.724, abs=error)
    assert first - before >= 0.15
    assert both >= first


def test_what_it_decides_is_right_as_often_as_quality_says():
    """Agreement with the better answer: without noise every decided pair names the better one."""
    texts = pairs(200)
    base = PlantedJudge(slot=1.5, seed=2)
    best = named(PlantedJudge(seed=2), texts)
    after = named(portia(base), texts)
    assert (after[after < 2] == best[after < 2]).all()
    assert (after < 2).mean() > 0.6


def test_always_first_stays_undecided():
    """S044 check 2: a judge that reads nothing is consistent in 0 % with and without: no false repair."""
    texts = pairs(100)
    blind = PlantedJudge(quality=0.0, slot=1.0, seed=3)
    assert decided(blind, texts).mean() == 0
    assert decided(portia(blind), texts).mean() == 0
    assert set(named(portia(blind), texts, ties=False).tolist()) == {-1}


def test_second_try_is_a_second_chance():
    """The early exit by itself raises consistency where parts change nothing but the noise.

    A judge of pure noise is consistent by chance in half of the pairs, in one of two tries in three
    quarters: 1 - (1 - 1/2)^2. What it decides is right in half of the cases, first try or second.
    """
    texts = pairs()
    coin = PlantedJudge(quality=0.0, noise=1.0, seed=4)
    one, two = (decided(portia(coin, second=s), texts) for s in (False, True))
    error = 4 * np.sqrt(0.25 / COUNT)
    assert one.mean() == pytest.approx(0.5, abs=error)
    assert two.mean() == pytest.approx(0.75, abs=error)
    said = named(portia(coin), texts)
    assert (said[~one & two] == 0).mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / (~one & two).sum()))  # fmt: skip


def test_published_gains_against_two_tries():
    """S044 pitfall: 9 of 12 published gains are no larger than two tries of an unchanged judge can give.

    A try is consistent with a pair's own chance c; over pairs 1 - mean (1 - c)^2 is at most 1 - (1 - mean c)^2.
    """
    golden = tomllib.loads(GOLDEN.read_text("utf-8"))
    beyond = [
        [judge, form] for judge, form, before, after in golden["published"]
        if after / 100 > 1 - (1 - before / 100) ** 2
    ]  # fmt: skip
    assert beyond == golden["beyond_two_tries"]
    assert len(golden["published"]) - len(beyond) == 9


@pytest.mark.parametrize("case", tomllib.loads(GOLDEN.read_text("utf-8"))["early_exit"])
def test_early_exit_of_noisy_judges(case):
    """The figures on the page: two tries of the same judge, by two wordings of the instruction."""
    texts = pairs(1500)
    base = PlantedJudge(slot=case["slot"], noise=case["noise"], seed=6)
    best = named(PlantedJudge(seed=6), texts)

    def tried(question: str) -> np.ndarray:
        prompts = [judged(question, pair, role="text", ties=True) for pair in texts]
        batch = ask.choose(prompts, [("A", "B", "C")] * len(prompts))
        return answered(swap_and_tie(base), batch).chosen

    one, two = tried("q?"), tried("q, in other words?")
    late = (one == 2) & (two < 2)

    def near(count: int) -> float:
        return 4 * np.sqrt(0.25 / count)

    assert (one < 2).mean() == pytest.approx(case["one"], abs=near(1500))
    assert ((one < 2) | (two < 2)).mean() == pytest.approx(case["two"], abs=near(1500))
    assert (one == best)[one < 2].mean() == pytest.approx(
        case["first_right"], abs=near((one < 2).sum())
    )
    assert (two == best)[late].mean() == pytest.approx(case["late_right"], abs=near(late.sum()))


def test_other_placements():
    """A judge that leans to what it reads last is helped as much; one without a lean is left as it is."""
    texts = pairs(300)
    last = PlantedJudge(slot=-1.5, seed=5)
    assert decided(portia(last), texts).mean() - decided(last, texts).mean() >= 0.15
    fair = PlantedJudge(seed=5)
    assert named(portia(fair), texts).tolist() == named(fair, texts).tolist()


def test_the_correction_is_known():
    """Found by the verb `correct`, with its parameters in its record."""
    entry = corrections()["portia"]
    model = entry.load()(PlantedJudge(), parts=2)
    assert model.params == {"parts": 2, "second": True}
    assert entry.card.kind == "correction"
