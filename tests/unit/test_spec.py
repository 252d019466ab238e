"""The spec: what it means, and which part of it a trained model depends on."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.duration import format_duration, parse_duration
from core.domain.schema import Schema
from core.spec import ModelSpec

FIELDS = {
    "model": "churn",
    "task": "binary",
    "target": "left",
    "features": [{"name": "age", "type": "integer", "min": 0}, {"name": "plan", "type": "category", "values": ["a"]}],
}


def spec(**changes):
    return ModelSpec.model_validate(FIELDS | changes)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_are_read(text, duration):
    assert parse_duration(text) == duration
    assert parse_duration(duration) == duration


@pytest.mark.parametrize("text", ["", "5", "h", "1 h", "-1h", "1.5h", "1h30m", "1y", 60, None, "99999999999d"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"whole number with a unit|longer than time"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_that_is_written_reads_the_same(seconds):
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("duration", "text"), [(timedelta(0), "0s"), (timedelta(weeks=2), "14d"), (timedelta(minutes=90), "90m")]
)
def test_a_duration_is_written_in_its_largest_exact_unit(duration, text):
    assert format_duration(duration) == text


def test_a_spec_survives_being_written_as_json():
    written = spec(train_when={"every": "7d", "cooldown": "0s"}, batch={"every": "1d"}).model_dump(mode="json")
    assert ModelSpec.model_validate(written) == spec(
        train_when={"every": "7d", "cooldown": "0s"}, batch={"every": "1d"}
    )
    assert written["train_when"]["every"] == "7d"


@pytest.mark.parametrize(
    ("task", "metric"), [("binary", "roc_auc"), ("multiclass", "log_loss"), ("regression", "rmse")]
)
def test_a_task_has_its_usual_metric(task, metric):
    assert spec(task=task).metric == metric
    assert spec(task="binary", gates={"metric": "f1"}).metric == "f1"


def test_the_version_changes_with_any_field_and_the_learning_part_only_with_what_is_learned_from():
    base = spec()
    scheduled = spec(drift={"every": "2h"}, gates={"min": 0.7}, traffic={"mode": "canary"}, batch={"every": "1d"})
    assert scheduled.version != base.version
    assert scheduled.learning() == base.learning()
    assert spec(seed=8).learning() != base.learning()
    assert spec().version == base.version


def test_the_columns_are_those_declared():
    columns = spec(id="key", time="at", sensitive=["sex"], drop=["name"], undeclared="drop").columns
    assert isinstance(columns, Schema)
    assert columns.feature_names == ("age", "plan")
    assert columns.features[1].values == ("a",)
    assert (columns.id, columns.time, columns.sensitive, columns.drop) == ("key", "at", ("sex",), ("name",))
    assert Schema.from_json(columns.to_json()) == columns


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        spec().seed = 3


@pytest.mark.parametrize(("name", "problem"), [("name", "dropped as personal data"), ("label", "predictions use")])
def test_what_answers_keep_is_not_personal_and_has_a_name_of_its_own(name, problem):
    assert spec(drop=["name"], batch={"keep": ["note"]}).batch.keep == ("note",)
    with pytest.raises(ValueError, match=problem):
        spec(drop=["name"], batch={"keep": [name]})
