"""End-to-end trial of `judge_length`."""

from planted_audit import Planted

from plumbline.testing import PlantedReviewer

PLANTED = Planted(lambda d, s: PlantedReviewer(longer=d, position=0.2, ties=0.2, seed=s), 0.5)
