"""End-to-end trial of `length_confidence`: a talker that loses `d` nats with every word."""

from planted_audit import Planted

from plumbline.testing import PlantedTalker

PLANTED = Planted(lambda d, s: PlantedTalker(dial=d, seed=s), 0.1)
