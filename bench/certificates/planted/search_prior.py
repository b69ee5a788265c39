"""End-to-end trial of `search_prior`: a scout that names no group, or one that knows what belongs where.

Votes that differ by chance cost steps, so the model without a prior is one that names nothing: every path
is the baseline's, and the finding has no variation to make a number of.
"""

from planted_audit import Planted

from plumbline.testing import PlantedScout


class NamesNothing(PlantedScout):
    """Says "none" to everything."""

    def named(self, goal: str, groups: list[list[str]], *, likely: bool) -> list[int]:  # noqa: ARG002
        """Nothing."""
        return []


PLANTED = Planted(
    lambda d, s: PlantedScout(seed=s, guesses=1 - d) if d else NamesNothing(seed=s),
    1.0, {"maps": 40, "inverted": False},
)  # fmt: skip
