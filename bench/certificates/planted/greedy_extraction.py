"""End-to-end trial of `greedy_extraction`."""

from planted_audit import Planted

from plumbline.testing import PlantedExtractor

PLANTED = Planted(lambda d, s: PlantedExtractor(dial=d, trap=0.6, seed=s), 0.9, suite="standard")
