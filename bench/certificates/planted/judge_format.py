"""End-to-end trial of `judge_format`: a judge that is charmed by check marks."""

from planted_audit import Planted

from plumbline.testing import PlantedReviewer

PLANTED = Planted(
    lambda d, s: PlantedReviewer(charms={"✅": d}, position=0.2, ties=0.2, seed=s), 0.7,
    params={"kinds": ["rich_content"]},
)  # fmt: skip
