import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.performance.windows import MOST, end_of, starts_of, unit_of

UNITS = ("day", "week", "month")


@given(st.datetimes(), st.sampled_from(UNITS))
def test_every_time_is_in_its_window_and_windows_meet(time, unit):
    at = np.array([time], "M8[us]")
    (start,) = starts_of(at, unit)
    assert start <= at[0] < end_of(start, unit)
    assert starts_of(np.array([end_of(start, unit)]), unit)[0] == end_of(start, unit)


@given(st.datetimes())
def test_weeks_start_on_monday(time):
    assert starts_of(np.array([time], "M8[us]"), "week")[0].item().weekday() == 0


@pytest.mark.parametrize(("days", "unit"), [(0, "day"), (MOST - 1, "day"), (MOST, "week"), (7 * MOST, "month")])
def test_a_span_is_cut_into_few_windows(days, unit):
    first = np.datetime64("2026-01-05")
    assert unit_of(first, first + np.timedelta64(days, "D")) == unit
