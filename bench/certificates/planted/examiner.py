"""End-to-end trial of `examiner`."""

from planted_audit import Planted

from plumbline.testing import PlantedExaminee

PLANTED = Planted(lambda d, s: PlantedExaminee(dial=d, knows=0.4, seed=s), 0.4, suite="standard")
