"""End-to-end trial of `label_position`: appeal of what stands behind A, whatever its place."""

from planted_audit import Planted

from plumbline.testing import PlantedJudge

PLANTED = Planted(
    lambda d, s: PlantedJudge(noise=0.5, labels={"A": d}, seed=s), 1.2, suite="standard"
)
