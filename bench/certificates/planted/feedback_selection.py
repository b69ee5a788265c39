"""End-to-end trial of `feedback_selection`: unhappy users speak as often as happy ones, or twice as often."""

from planted_audit import Planted

from plumbline.testing import PlantedFeedback

PLANTED = Planted(lambda d, s: PlantedFeedback(happy=0.3, unhappy=0.3 + d, seed=s), 0.3)
