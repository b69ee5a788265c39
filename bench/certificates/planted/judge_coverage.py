"""End-to-end trial of `judge_coverage`: a judge whose verdicts follow the better answer by a dial."""

from planted_audit import Planted

from plumbline.data.templates import pairs
from plumbline.testing import PlantedJudge

BETTER = [p.answers[0] for name in (pairs.SHORT, pairs.LONG) for p in pairs.load(name=name)]
PLANTED = Planted(
    lambda d, s: PlantedJudge(slot=0.5, noise=0.5, better=dict.fromkeys(BETTER, d), seed=s), 1.5
)
