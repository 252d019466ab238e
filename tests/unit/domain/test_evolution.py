"""Every difference of two schemas is told, and whether it breaks something."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.evolution import Evolution, evolution
from core.domain.schema import Feature, Schema

AGE = Feature("age", "integer", min=0, max=130)
PLAN = Feature("plan", "category", values=("free", "paid"))
CITY = Feature("city", "category", nullable=True)
SCHEMA = Schema("m", "binary", "left", (AGE, PLAN, CITY), id="key", time="at", sensitive=("sex",), drop=("email",))


def changed(**fields) -> list[tuple[str | None, str, bool]]:
    found = evolution("d1", SCHEMA, replace(SCHEMA, **fields))
    return [] if found is None else [(each.column, each.change, each.compatible) for each in found.changes]


def feature(old: Feature, **fields) -> list[tuple[str | None, str, bool]]:
    return changed(features=tuple(replace(each, **fields) if each is old else each for each in SCHEMA.features))


@pytest.mark.parametrize(
    ("old", "fields", "told", "compatible"),
    [
        (AGE, {"type": "number"}, "is a number now, was integer", True),
        (CITY, {"type": "number"}, "is a number now, was category", False),
        (AGE, {"type": "boolean"}, "is a boolean now, was integer", False),
        (AGE, {"nullable": True}, "may be null now", True),
        (CITY, {"nullable": False}, "must not be null any more", False),
        (AGE, {"max": 150}, "allows a maximum of 150, was 130", True),
        (AGE, {"max": None}, "allows a maximum of any, was 130", True),
        (AGE, {"max": 99.5}, "allows a maximum of 99.5, was 130", False),
        (AGE, {"min": -1}, "allows a minimum of -1, was 0", True),
        (AGE, {"min": None}, "allows a minimum of any, was 0", True),
        (AGE, {"min": 18}, "allows a minimum of 18, was 0", False),
        (PLAN, {"values": ("free", "paid", "gold")}, "takes 'gold' too", True),
        (PLAN, {"values": ("free",)}, "does not take 'paid' any more", False),
        (PLAN, {"values": None}, "takes any value now", True),
        (CITY, {"values": ("Bath",)}, "takes a closed set of values now", False),
    ],
)
def test_a_changed_feature(old, fields, told, compatible):
    assert feature(old, **fields) == [(old.name, told, compatible)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"features": (AGE, PLAN)}, [("city", "is no feature any more", False)]),
        ({"features": (AGE, PLAN, CITY, Feature("new", "number"))}, [("new", "was added and is required", False)]),
        (
            {"features": (AGE, PLAN, CITY, Feature("new", "number", nullable=True))},
            [("new", "was added and may be null", True)],
        ),
        ({"features": (PLAN, AGE, CITY)}, [(None, "has its features in another order", True)]),
        ({"features": (PLAN, CITY)}, [("age", "is no feature any more", False)]),
        ({"task": "multiclass"}, [(None, "has the task multiclass now, was binary", False)]),
        ({"target": "gone"}, [(None, "has the target gone now, was left", False)]),
        ({"id": None}, [(None, "has the id none now, was key", True)]),
        ({"time": "when"}, [(None, "has the time when now, was at", False)]),
        ({"sensitive": ()}, [("sex", "is not sensitive any more", False)]),
        ({"sensitive": ("sex", "age")}, [("age", "is sensitive now", True)]),
        ({"drop": ("email", "phone")}, [("phone", "is drop now", True)]),
        ({"undeclared": "drop"}, [(None, "has undeclared: drop now, was refuse", True)]),
    ],
)
def test_a_changed_schema(fields, expected):
    assert changed(**fields) == expected


bounds = st.none() | st.floats(-10, 10)
features = st.builds(
    Feature,
    name=st.sampled_from("abcd"),
    type=st.sampled_from(["number", "integer"]),
    nullable=st.booleans(),
    min=bounds,
    max=bounds,
)
schemas = st.lists(features, min_size=1, max_size=4, unique_by=lambda each: each.name).map(
    lambda found: Schema("m", "binary", "y", tuple(found))
)


def accepts(schema: Schema, row: dict[str, float | None]) -> bool:
    """What ingest does: a required feature must be there, a number must fit its type and its bounds."""
    for feature in schema.features:
        value = row.get(feature.name)
        if value is None:
            if not feature.nullable:
                return False
            continue
        whole = feature.type == "number" or value == int(value)
        low, high = feature.min, feature.max
        if not whole or (low is not None and value < low) or (high is not None and value > high):
            return False
    return set(row) <= set(schema.feature_names)


@given(schemas, schemas, st.dictionaries(st.sampled_from("abcd"), st.none() | st.floats(-12, 12)))
def test_what_is_compatible_accepts_every_row_that_was_accepted(before, now, row):
    found = evolution("d1", before, now)
    if (found is None or found.compatible) and accepts(before, row):
        assert accepts(now, row)


@given(schemas)
def test_nothing_changed_is_no_evolution(schema):
    assert evolution("d1", schema, replace(schema)) is None


def test_a_sentence_begins_with_what_breaks():
    found = evolution("d1", SCHEMA, replace(SCHEMA, features=(replace(AGE, max=150), CITY)))
    assert isinstance(found, Evolution)
    assert found.sentence() == "plan is no feature any more; age allows a maximum of 150, was 130"
