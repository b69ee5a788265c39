"""The panel of judges: exam, weights, votes, unread verdicts, the Bayes vote, saving and opening."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from plumbline.core import questions as ask
from plumbline.core.answers import Choices
from plumbline.core.errors import BadInput
from plumbline.data.templates import pairs as own
from plumbline.mitigate.postprocessing import peer_panel as method
from plumbline.models import corrected_panel
from plumbline.models.corrected_files import read_record
from plumbline.models.corrected_panel import EVEN, UNREAD, CorrectedPanel
from plumbline.models.whole_batch import answered
from plumbline.testing import PlantedChooser

EXAM = [p for p in own.load() if p.quality == "first_better"]
GOLD = {p.question: p.answers[0] for p in EXAM}


def judge(knows, seed, **more):
    """A judge that knows the better answer of a share of the pairs, and guesses at the others."""
    return PlantedChooser(knows=knows, seed=seed, gold={**GOLD, **OTHERS}, **more)


OTHERS = {f"Case {i}:": f"good {i}" for i in range(400)}


def cases(count=400):
    """Pairs that are in no exam, the good answer first or second in turn."""
    prompts, contents = [], []
    for i in range(count):
        two = (f"good {i}", f"poor {i}") if i % 2 == 0 else (f"poor {i}", f"good {i}")
        prompts.append(f"Case {i}: A {two[0]} or B {two[1]}?")
        contents.append(two)
    return ask.choose(prompts, [("A", "B")] * count, contents=contents)


def right(choices):
    """Share of cases in which the good answer was chosen."""
    return float((choices.chosen == np.arange(len(choices)) % 2).mean())


def made(judges, **more):
    """A panel of these."""
    forms = [f"judge {i}" for i in range(1, len(judges))]
    return method.panel_of(judges[0], forms, judges[1:], EXAM, **more)


def test_exam_signs():
    """The better answer is A in the first order and B in the second."""
    got = method.exam_results(np.array([[0, 1], [0, 1]]), np.array([[True, True], [True, False]]))
    assert got[0].tolist() == [1, -1]
    assert got[1, 0] == -1
    assert np.isnan(got[1, 1])


def test_exam_scores_are_those_of_the_judges():
    """A judge that knows all scores 1, one that always says A scores 1/2 and fails; weights are log-odds."""
    got = made([judge(1.0, 1), judge(0.0, 2, position=1.0), judge(0.8, 3)])
    assert got.params["exam"][0] == 1
    assert got.params["exam"][1] == 0.5
    assert got.params["passed"] == [True, False, True]
    assert got.params["weights"][1] == 0
    size = 2 * len(EXAM)
    top = np.log((1 - 0.5 / size) / (0.5 / size))
    assert got.params["weights"][0] == pytest.approx(top)
    edge = 0.5 / size
    third = [np.clip(got.params[e][2], edge, 1 - edge) for e in ("exam", "consistency")]
    assert got.params["weights"][2] == pytest.approx(sum(np.log(p / (1 - p)) for p in third) / 2)
    assert got.params["exam_pairs"] == [p.id for p in EXAM]


def test_the_vote_is_the_bayes_vote():
    """S070 check 3 through the model: for every pattern of votes the exact posterior decides, and is the score."""
    accuracy = np.array([0.6, 0.7, 0.85])
    patterns = np.array(list(product([0, 1], repeat=3)))

    class Fixed(PlantedChooser):
        """Says what its column of the patterns says."""

        def _choose(self, batch):
            said = patterns[[int(p[0].text) for p in batch.columns["prompt"]], self.seed]
            n = len(said)
            return Choices(said, [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)

    judges = [Fixed(seed=i) for i in range(3)]
    params = {
        "judges": ["x", "y", "z"], "weights": np.log(accuracy / (1 - accuracy)).tolist(),
        "fingerprints": [j.fingerprint for j in judges[1:]],
    }  # fmt: skip
    model = CorrectedPanel(judges[0], "peer_panel@1", params, judges[1:])
    got = answered(model, ask.choose([str(i) for i in range(8)], [("A", "B")] * 8))
    for k, votes in enumerate(patterns):
        likelihood = [
            np.prod(np.where(votes == option, accuracy, 1 - accuracy)) for option in (0, 1)
        ]
        posterior = np.array(likelihood) / np.sum(likelihood)
        assert got.chosen[k] == posterior.argmax()
        assert np.exp(got.scores[k]) == pytest.approx(posterior)


def test_a_panel_of_independent_judges_is_better_than_each():
    """Unseen cases: independent judges' errors are outvoted; copies of one judge add nothing."""
    judges = [judge(k, s) for k, s in ((0.6, 11), (0.6, 12), (0.6, 13), (0.6, 14), (0.6, 15))]
    alone = [right(answered(j, cases())) for j in judges]
    together = right(answered(made(judges, weighting="uniform"), cases()))
    # Each is right with .6 + .4 / 2 = .8; most of five independent ones with .942 (binomial).
    assert np.mean(alone) == pytest.approx(0.8, abs=0.03)
    assert together == pytest.approx(0.942, abs=0.04)
    assert together > max(alone) + 0.05
    same = judge(0.6, 11, fickle=False)
    copies = right(answered(made([same, same, same]), cases()))
    assert copies == right(answered(same, cases()))


def test_unread_verdicts_are_left_out_and_counted():
    """A judge that refuses half the time has no vote there; where all refuse there is no verdict."""
    shy = judge(1.0, 21, refuses=0.3)
    got = answered(made([shy, judge(1.0, 22)], threshold=0.55), cases())
    assert got.ok.all()
    assert right(got) == 1
    shares = [float(s.split("; ")[1].split(" ")[0]) for s in got.said]
    assert np.mean(shares) == pytest.approx(0.3, abs=0.07)
    both = made([shy, judge(1.0, 23, refuses=0.3)], threshold=0.55)
    assert both.params["unread"] == pytest.approx([0.3, 0.3], abs=0.15)
    found = answered(both, cases())
    assert UNREAD in found.status
    assert np.mean([s == UNREAD for s in found.status]) == pytest.approx(0.09, abs=0.05)
    assert found.chosen[np.array(found.status) == UNREAD].tolist() == [-1] * found.status.count(
        UNREAD
    )


def test_a_tied_panel_has_no_verdict():
    """Two judges of equal weight that contradict each other."""
    a, b = judge(0.0, 1, position=1.0), judge(0.0, 2, position=1.0, favourite=1)
    params = {"judges": ["a", "b"], "weights": [1.0, 1.0], "fingerprints": [b.fingerprint]}
    got = answered(CorrectedPanel(a, "peer_panel@1", params, [b]), cases(6))
    assert got.status == [EVEN] * 6
    assert got.chosen.tolist() == [-1] * 6


def test_who_fails_is_not_asked():
    """A judge without weight is never put a question, and costs nothing."""
    asked = []

    class Spied(PlantedChooser):
        """Notes what it is asked."""

        def _choose(self, batch):
            asked.append(len(batch))
            return super()._choose(batch)

    spied = Spied(position=1.0, seed=2)
    panel = made([judge(1.0, 1), spied, judge(1.0, 3)])
    assert asked == [2 * len(EXAM)] * 2
    assert right(answered(panel, cases())) == 1
    assert len(asked) == 2
    one, all_of_it = panel.base.cost(cases()), panel.cost(cases())
    assert all_of_it.tokens_in == 2 * one.tokens_in


def test_saved_and_opened(tmp_path, monkeypatch):
    """The others are opened from their forms; a judge that changed since is refused."""
    known = {"judge 1": judge(0.9, 2), "judge 2": judge(0.8, 3)}
    monkeypatch.setattr(corrected_panel, "open_model", lambda form, _: known[form])
    panel = method.peer_panel(judge(1.0, 1), judges=["judge 1", "judge 2"])
    panel.save(tmp_path / "panel", base_spec="base", base_options={})
    record = read_record(tmp_path / "panel")
    again = CorrectedPanel.read(tmp_path / "panel", judge(1.0, 1), record)
    assert again.fingerprint == panel.fingerprint == record["fingerprint"]
    assert answered(again, cases()).chosen.tolist() == answered(panel, cases()).chosen.tolist()
    known["judge 1"] = judge(0.9, 99)
    with pytest.raises(BadInput, match="judge 1 changed"):
        CorrectedPanel.read(tmp_path / "panel", judge(1.0, 1), record)


def test_bad_input(tmp_path):
    """No other judge, no exam pair, nobody who passes, weights that do not fit."""
    with pytest.raises(BadInput, match="other judges"):
        method.peer_panel(judge(1.0, 1))
    with pytest.raises(BadInput, match="passed the exam"):
        made([judge(0.0, 1, position=1.0), judge(1.0, 2)])
    text = 'id="x"\ntitle="x"\nnote="x"\n[[pairs]]\nid="a"\naxis="position"\nquality="similar"\nquestion="q"\nanswers=["b","c"]\n'
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(BadInput, match="first_better"):
        method.peer_panel(judge(1.0, 1), judges=["demo"], exam=str(tmp_path / "own.toml"))
    with pytest.raises(BadInput, match="one weight"):
        CorrectedPanel(
            judge(1.0, 1), "p@1", {"judges": ["a"], "weights": [1, 2], "fingerprints": []}, []
        )


def test_both_orders_and_wordings_are_asked():
    """Every exam question has its answers in one exchange set, in both orders, under both wordings."""
    seen = [
        method.examined("q?", order, wording, role="user")
        for wording in method.WORDINGS
        for order in (("x", "y"), ("y", "x"))
    ]
    assert [[p.text for p in prompt if p.exchange] for prompt in seen] == [
        ["x", "y"],
        ["y", "x"],
    ] * 2
    assert len({ask.plain(p) for p in seen}) == 4
