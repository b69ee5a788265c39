"""End-to-end trial of `label_bias`: words outside Basic English pull toward the first label."""

from planted_audit import Planted

from plumbline.data.lexicons.basic_english import basic_english
from plumbline.testing import PlantedLabeller

GENERAL = frozenset(basic_english()) | {"."}

PLANTED = Planted(
    lambda d, s: PlantedLabeller(dial=d, noise=1.0, general=GENERAL, seed=s),
    2.5,
    {"tasks": ["sst2"], "shots": 0, "most": 20},
    mirror=True,
)
