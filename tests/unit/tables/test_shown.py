import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from core.tables.shown import shown


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["a", None, "x" * 1_001]), ["a", None, "x" * 1_000 + "… (1 more characters)"]),
        (pa.array([1, None, 2**63 - 1]), [1, None, 2**63 - 1]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        (pa.array([1.5, None, float("nan"), float("inf")]), [1.5, None, "nan", "inf"]),
        (pa.array([True, None]), [True, None]),
        (pa.array(["a", "b", "a", None]).dictionary_encode(), ["a", "b", "a", None]),
        (pa.array([date(2026, 1, 2), None]), ["2026-01-02", None]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("us", "UTC")), ["2026-01-02 00:00:00.000000Z"]),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
        (pa.array([2**62], pa.timestamp("s")), [str]),
        (pa.array([b"abc", b"\xff", None]), ["(binary)", "(binary)", None]),
        (pa.array([b"abc", None]), ["abc", None]),
        (pa.array([[1], None]), ["(list<item: int64>)", None]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_values_as_json(values, expected):
    found = shown(values)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found == expected or [type(value) for value in found] == expected
