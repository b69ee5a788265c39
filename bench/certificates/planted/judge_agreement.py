"""End-to-end trial of `judge_agreement`: a judge that takes the better answer more often than a coin."""

from planted_audit import Planted

from plumbline.data.templates import pairs
from plumbline.testing import PlantedReviewer


def judge(skill: float, seed: int) -> PlantedReviewer:
    """With chance `skill` it takes the better answer, else a coin decides."""
    better = [p.answers[0] for p in pairs.load() if p.quality == "first_better"]
    return PlantedReviewer(charms=dict.fromkeys(better, skill), position=0.2, seed=seed)


PLANTED = Planted(judge, 0.6)
