"""How a record is written."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.usecases.prediction_records import moment_of


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_written_as_python_writes_it(at: datetime) -> None:
    assert moment_of(at) == at.isoformat()
