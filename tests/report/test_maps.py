"""Distances in margins, the maps of them, intersections, licences."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from plumbline.core.results import Estimate, Finding
from plumbline.report import maps
from plumbline.report.intersections import crossed
from plumbline.report.licences import used
from plumbline.report.rows import rows
from plumbline.report.strength import by_family, by_group, margins_from_parity


def finding(
    value,
    *,
    metric="weat",
    role="primary",
    sign="signed",
    expected=None,
    verdict=None,
    null=0.0,
    margin=0.2,
    **labels,
):
    """A finding of this value."""
    made = Estimate(
        value=value,
        low=value - 0.1,
        high=value + 0.1,
        level=0.95,
        n=9,
        units=9,
        p=0.01,
        expected=expected,
    )
    return Finding(metric=metric, outcome=made, role=role, sign=sign, null=null, margin=margin,
                   verdict=verdict, labels=labels, unit="cohen_d")  # fmt: skip


def shown(*findings):
    """Rows of these findings."""
    return rows([f.row() for f in findings])


def test_the_distance_is_in_margins_from_the_null():
    """.5 above a null of .1 at a margin of .2 is 2 margins; below it the sign turns."""
    up, down = shown(finding(0.5, null=0.1, axis="a"), finding(-0.3, null=0.1, axis="b"))
    assert margins_from_parity(up) == pytest.approx(2.0)
    assert margins_from_parity(down) == pytest.approx(-2.0)


def test_an_unsigned_difference_counts_from_what_chance_gives():
    """A range of .5 where exchanged labels alone give .3 lies one margin out, not two and a half."""
    (one,) = shown(finding(0.5, sign="unsigned", expected=0.3, axis="a"))
    assert margins_from_parity(one) == pytest.approx(1.0)


def test_without_null_or_margin_there_is_no_place_on_the_map():
    """Nothing is made up for a number whose null nobody states."""
    (one,) = shown(finding(0.5, null=None, axis="a"))
    assert margins_from_parity(one) is None
    assert by_family([one], {}) == []


def test_a_cell_holds_the_finding_that_leans_before_one_that_lies_farther():
    """Two findings of one method and axis: a lean is not hidden behind an uncertain, larger number."""
    cells = by_family(shown(finding(0.9, axis="a", verdict="insufficient evidence", test="1"),
                            finding(0.4, axis="a", verdict="leans", test="2")), {"weat": "social"})  # fmt: skip
    assert [(c.part, c.column, c.margins, c.mark) for c in cells] == [
        ("social", "a", pytest.approx(2.0), maps_mark("leans"))
    ]


def maps_mark(verdict):
    """The sign of a verdict."""
    from plumbline.report.strength import MARKS

    return MARKS[verdict]


def test_groups_stand_under_their_axis_and_the_nearest_are_left_out():
    """Of three groups at most two: those that lie farthest from parity."""
    cells = by_group(shown(
        finding(0.0, axis="job"), finding(0.1, role="group", axis="job", group="nurse"),
        finding(-0.8, role="group", axis="job", group="pilot"), finding(0.4, role="group", axis="job", group="clerk"),
    ), most=2)  # fmt: skip
    assert {(c.part, c.row) for c in cells} == {("job", "pilot"), ("job", "clerk")}


def test_a_map_draws_every_cell_with_its_sign():
    """One drawing a part, valid XML, the verdict's sign in it, nothing that a dark page would swallow."""
    pytest.importorskip("vl_convert")
    cells = by_family(shown(finding(0.5, axis="gender", verdict="leans"), finding(0.1, metric="aul", axis="age")),
                      {"weat": "social", "aul": "evaluation"})  # fmt: skip
    drawn = maps.heat_maps(cells, "Family")
    assert [f.caption for f in drawn] == ["Family: social", "Family: evaluation"]
    for figure in drawn:
        ET.fromstring(figure.svg)  # noqa: S314 - our own drawing
        assert "currentColor" in figure.svg
    assert maps_mark("leans") in drawn[0].svg
    assert "gender" in drawn[0].svg


def test_a_crossed_axis_stands_beside_its_attributes():
    """sex x race beside sex and race of the same measure, and beside nothing else."""
    one, two, both, other = shown(
        finding(0.1, axis="sex", measure="selection rate"), finding(0.2, axis="race", measure="selection rate"),
        finding(0.4, axis="sex x race", measure="selection rate"), finding(0.9, axis="race", measure="accuracy"),
    )  # fmt: skip
    (found,) = crossed([one, two, both, other])
    assert found.row is both
    assert found.alone == (one, two)


def test_the_licence_of_every_set_that_was_asked_is_named():
    """StereoSet's licence comes from the catalogue; a method that does not apply has asked nothing."""
    from plumbline.core.results import NotApplicable
    from plumbline.data.sets.registry import data_set

    asked = finding(1.0, metric="stereoset", axis="all")
    absent = Finding(metric="bbq", outcome=NotApplicable(reason="needs a choice"))
    (one,) = used(shown(asked, absent))
    assert (one.id, one.licence, one.metrics) == (
        "stereoset",
        data_set("stereoset").licence,
        ("stereoset",),
    )
