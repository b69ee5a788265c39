"""End-to-end trial of `order_sensitivity`: a reader that finds less the later a note stands."""

from planted_audit import Planted

from plumbline.testing import PlantedRetriever

PLANTED = Planted(lambda d, s: PlantedRetriever(sees=(0.5 + d / 2, 0.5 - d / 2), seed=s), 0.6)
