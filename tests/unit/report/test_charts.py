"""The charts: well-formed whatever they are given, to scale, and told in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.drift.distribution import distribution
from core.domain.drift.tally import tally
from core.domain.schema import NULL_CATEGORY
from core.domain.sketch import CategoryCounts, NumberSketch
from core.report.charts.graph import GraphNode, graph
from core.report.charts.histogram import distribution as draw
from core.report.charts.interval import interval
from core.report.charts.scale import Scale
from core.report.charts.timeline import Point, timeline
from core.report.charts.trend import Step, of_value, scale_of, trend
from core.report.svg import element
from tests.unit.report.facts import HOSTILE

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
columns = st.lists(st.one_of(numbers, st.just(float("nan"))), max_size=60).map(
    lambda found: np.array(found, np.float32)
)
names = st.lists(st.sampled_from(["a", "b", HOSTILE, "x" * 90, NULL_CATEGORY, "", *map(str, range(12))]), max_size=60)
texts = st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=30)


def parsed(markup):
    """Fails unless it is well-formed XML."""
    return ET.fromstring(str(markup))


def lengths(markup, part, attribute):
    return [float(found.get(attribute).rstrip("%")) for found in parsed(markup).iter(part)]


@given(columns, columns)
def test_a_number_is_drawn_whatever_its_values(reference, window):
    sketch = NumberSketch.of(reference)
    found = distribution(sketch, tally(sketch, window))
    if found is not None:
        assert len(parsed(draw(found.to_json(), HOSTILE)).findall("{*}text")) in {0, 2}


@given(names, names)
def test_a_category_is_drawn_whatever_its_names(reference, window):
    counts = CategoryCounts.of(np.array(reference, dtype=object))
    found = distribution(counts, tally(counts, np.array(window, dtype=object)))
    if found is not None:
        assert len(lengths(draw(found.to_json(), HOSTILE), "rect", "width")) == len(found.names)


def test_bars_are_as_long_as_their_shares():
    found = {"names": ["a", "b"], "reference": [30, 10], "current": [10, 10], "rest": None}
    first, second = lengths(draw(found, "c"), "rect", "width")
    assert first == pytest.approx(3 * second, rel=0.01)


def test_an_interval_lies_where_its_values_do():
    drawn = interval({"value": 0.5, "low": 0.25, "high": 1.0}, Scale(0.0, 1.0), label="m")
    assert lengths(drawn, "circle", "cx") == [50]
    axis, whisker = parsed(drawn).iter("line")
    assert (whisker.get("x1"), whisker.get("x2")) == ("25%", "100%")
    assert parsed(drawn).get("aria-label") == "m: 0.500, from 0.250 to 1.000"
    assert axis.get("class") == "axis"


@given(st.lists(numbers, max_size=5), numbers)
def test_a_scale_holds_its_values_and_names_few_round_ones_within(values, value):
    scale = Scale.of([*values, value])
    assert scale.low <= value <= scale.high
    assert 0 <= scale.share(value) <= 1
    ticks = scale.ticks()
    assert len(ticks) <= 4
    margin = (scale.high - scale.low) * 1e-6
    assert all(scale.low - margin <= tick <= scale.high + margin for tick in ticks)


def test_ticks_are_named_to_the_same_decimal():
    assert [name for _, name in Scale(0.58, 0.77).named()] == ["0.60", "0.65", "0.70", "0.75"]
    assert [name for _, name in Scale(-3000, 3000).named()] == ["−2,000", "0", "2,000"]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_timeline_has_a_dot_for_each_window_and_marks_alarms(count):
    found = {"value": 0.7, "low": 0.6, "high": 0.8}
    series = [Point(HOSTILE, found, found if number else None, alarm=number == 0) for number in range(count)]
    drawn = timeline(series, "AUC")
    assert len(lengths(drawn, "circle", "cx")) == count
    assert str(drawn).count('class="alarm"') == 1
    assert "<script" not in drawn


def test_a_window_without_a_value_breaks_the_line_and_shows_what_is_expected():
    found, expected = {"value": 0.7, "low": 0.6, "high": 0.8}, {"value": 0.6, "low": 0.5, "high": 0.7}
    series = [Point("1", found), Point("2", None, expected=expected), Point("3", None), Point("4", found)]
    drawn = parsed(timeline(series, "AUC"))
    assert [line.get("class") for line in drawn.iter("polyline")] == ["expected", "now", "now"]
    told = [title.text for title in drawn.iter("title")]
    assert told[1:3] == ["2: expected 0.600, from 0.500 to 0.700", "3: not known"]


@given(st.lists(st.tuples(st.one_of(st.none(), numbers), st.booleans()), max_size=30))
def test_a_trend_is_drawn_whatever_its_values_with_a_dot_for_each_alarm(values):
    steps = [Step(of_value(value), alarm=alarm) for value, alarm in values]
    drawn = trend(steps, HOSTILE, scale_of(steps), reference=0.5, times=("a", "b"))
    alarms = sum(alarm and value is not None for value, alarm in values)
    assert len(lengths(drawn, "circle", "cx")) == alarms
    assert parsed(drawn).get("aria-label") == HOSTILE
    places = [place for line in parsed(drawn).iter("polyline") for place in line.get("points").split()]
    assert all(0 <= float(place.split(",")[1]) <= 100 for place in places)


def test_a_band_holds_its_line():
    steps = [Step({"value": 0.5, "low": 0.25, "high": 0.75})] * 3
    (area,) = parsed(trend(steps, "x", Scale(0.0, 1.0))).iter("polygon")
    assert {place.split(",")[1] for place in area.get("points").split()} == {"25", "75"}


def test_a_graph_draws_an_edge_for_each_parent_that_is_there():
    files = [GraphNode("f", HOSTILE, "d")]
    datasets = [GraphNode("d1", "1", "", ("f",)), GraphNode("d2", "2", "", ("f", "gone"), strong=True)]
    drawn = parsed(graph([("Files", files), ("Datasets", datasets)], "lineage"))
    assert len(list(drawn.iter("path"))) == 2
    assert [path.get("class") for path in drawn.iter("path")] == ["edge", "edge strong"]
    parsed(graph([], "nothing"))


@given(texts, texts)
def test_nothing_that_is_written_becomes_markup(text, value):
    drawn = element("text", text, class_=value)
    found = parsed(re.sub(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]", "", str(drawn)))
    assert len(list(found.iter())) == 1
    assert set(found.attrib) == {"class"}
