"""A card that cannot be meant is refused when it is declared."""

from __future__ import annotations

import pytest

from plumbline.core.card import Card, Factor, Null, method
from plumbline.core.errors import BadInput

FIELDS = dict(
    id="toy", version=1, title="t", family="social", harm="stereotyping", needs=("logprob|fill", "embed"),
    paper="arxiv:0", suite="quick", estimand="e", unit="rate", null={"kind": "point", "value": 0.5},
    sign="signed", worse="either", units=("template random", "name random crossed"), trust="planted",
)  # fmt: skip


def test_the_decorator_attaches_a_card_and_nothing_else():
    """The function comes back itself, with `.card`."""

    def run(context):
        """A method."""

    assert method(**FIELDS)(run) is run
    assert run.card.null == Null(kind="point", value=0.5)
    assert run.card.units[1] == Factor("name", random=True, crossed=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "moral"}, "family is one of"),
        ({"needs": ("telepathy",)}, "no such ability: telepathy"),
        ({"null": "zero"}, "a null is one of"),
        ({"null": {"kind": "exchangeable"}}, "says what trades places"),
        ({"units": ("template sometimes",)}, "COLUMN random"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(change, message):
    """What came and what was wanted."""
    with pytest.raises(BadInput, match=message):
        Card.read({**FIELDS, **change})


def test_a_missing_field_is_named():
    """No default for what a number means."""
    with pytest.raises(BadInput, match="'null' is missing"):
        Card.read({k: v for k, v in FIELDS.items() if k != "null"})


def test_alternatives_count_as_one_need():
    """`logprob|fill` is met by either."""
    card = Card.read(FIELDS)
    assert card.missing(frozenset({"fill", "embed"})) == ()
    assert card.missing(frozenset({"generate"})) == ("logprob|fill", "embed")


def test_a_null_is_zero_unless_it_says_otherwise():
    """Differences and log ratios of cards that state no value are tested against 0."""
    assert Null(kind="point").value == 0.0
    assert Null(kind="exchangeable", labels="group", unit="item").value == 0.0
