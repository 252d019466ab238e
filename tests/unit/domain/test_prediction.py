"""A prediction id names the object and the row that record it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import layout
from core.domain import prediction
from core.domain.prediction import Place, batch_id, place_of, probability_column, realtime_id
from core.errors import BadInput

models = st.from_regex(layout.MODEL_NAME, fullmatch=True)
parts = st.from_regex(r"[A-Za-z0-9._-]{1,30}", fullmatch=True)
days = st.dates().map(lambda day: day.isoformat())
numbers = st.integers(min_value=0, max_value=10**9 - 1)


@given(models, days, parts, numbers)
def test_a_realtime_id_leads_to_its_log(model, day, log, row):
    assert place_of(realtime_id(model, day, log, row)) == Place(model, layout.realtime_log(model, day, log), row)


@given(models, parts, numbers, numbers)
def test_a_batch_id_leads_to_its_part(model, run, part, row):
    assert place_of(batch_id(model, run, part, row)) == Place(model, layout.batch_part(model, run, part), row, run)


def test_a_run_named_after_a_file_is_found():
    run = layout.source_id("m/score/May.2026.csv", "v1")
    assert place_of(batch_id("m", run, 0, 7)).key == layout.batch_part("m", run, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "m.r.2026-11-24.log",
        "m.r.yesterday.log.1",
        "m.r.2026-11-24.log.x",
        "m.b.run.1",
        "m.b.run.x.1",
        "m.b.run.1.-1",
        "m.x.run.1.1",
        "M.b.run.1.1",
        "../m.b.run.1.1",
        "m/other.b.run.1.1",
        "m.b.../../other.1.1",
        "m.b.run.1." + "9" * 5000,
        "m.b.run.1.1\n",
        "m.b.run.1.٣",
    ],
)
def test_what_is_no_prediction_id_is_refused(text):
    with pytest.raises(BadInput, match="no prediction id"):
        place_of(text)


@given(st.text(max_size=40))
def test_any_text_is_a_place_or_refused(text):
    try:
        place = place_of(text)
    except BadInput:
        return
    assert place.key.startswith(f"{place.model}/")


def test_the_columns_of_answers_do_not_meet_those_of_classes():
    assert all(not name.startswith(prediction.PROBABILITY_PREFIX) for name in prediction.RESERVED)
    assert probability_column("true") == "probability_true"
