"""Arguments of methods in a plan: names and types are checked before anything is opened."""

import pytest

from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.core.errors import BadInput, UnknownName


def asked(params):
    """Methods of a plan with these arguments."""
    return chosen(Plan(model="planted", metrics=("weat",), params=params))


def test_sound_arguments_pass():
    """Lists, numbers where a number is wanted, and methods that the plan does not ask."""
    asked({"weat": {"tests": [6, 7], "minimum_coverage": 1}, "crows_pairs": {}})


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"waet": {"tests": [6]}}, "unknown method 'waet'. Nearest: weat"),
        ({"weat": {"testz": [6]}}, "unknown argument of weat 'testz'. Nearest: tests"),
        ({"weat": {"tests": 6}}, "weat: 'tests' wants a list, such as tests=[6]; got 6"),
        ({"weat": {"minimum_coverage": "half"}}, "weat: 'minimum_coverage' wants a number; got 'half'"),
        ({"weat": {"minimum_coverage": True}}, "wants a number; got True"),
    ],
)  # fmt: skip
def test_a_slip_is_one_clear_error(params, says):
    """What came, what was wanted; never an argument that is dropped in silence."""
    with pytest.raises((BadInput, UnknownName)) as error:
        asked(params)
    assert says in str(error.value)
