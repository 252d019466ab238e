import pytest

from core.adapters.store_memory import MemoryStore
from core.tables import records, survey
from core.tables.survey import Column


def columns(data: bytes, name: str = "a.csv") -> dict[str, Column]:
    store = MemoryStore()
    return survey.survey(store, store.put(name, data)).columns


def of(*cells: str) -> Column:
    return columns(b"x\n" + "".join(f'"{cell}"\n' for cell in cells).encode())["x"]


@pytest.mark.parametrize(
    ("cells", "fits"),
    [
        (("1", "-2", "+3"), {"integer", "number", "text"}),
        (("1", "2.0"), {"number", "text"}),
        (("1", "1e3", " 2 "), {"number", "text"}),
        (("007", "1"), {"text"}),
        (("true", "FALSE"), {"boolean", "text"}),
        (("1", "0"), {"integer", "number", "text"}),
        (("yes", "no"), {"text"}),
        (("2026-01-01", "2026-01-01T00:00:00Z"), {"time", "text"}),
        (("2026-01-01", "1"), {"text"}),
        (("inf", "1"), {"text"}),
        (("1", "x" * 5_000), set()),
        (("", "NA"), {"integer", "number", "boolean", "time", "text"}),
    ],
)
def test_types_that_fit_every_value(cells, fits):
    assert of(*cells).fits == fits


def test_a_misfit_at_the_end_of_many_rows_counts(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 64)
    found = of(*map(str, range(1, 500)), "x")
    assert found.fits == {"text"}
    assert (found.values, found.numbers, found.no_number) == (500, 499, "x")
    assert (found.low, found.high) == (1, 499)


def test_values_are_counted_without_nulls():
    found = of("a", "", "b", "NA", "a")
    assert (found.values, found.distinct, found.longest) == (3, ["a", "b"], 1)
    assert found.variety == pytest.approx(2 / 3)
    assert not found.unique


@pytest.mark.parametrize(("last", "unique"), [("500", True), ("7", False), ("499", False)])
def test_uniqueness_is_over_the_whole_file(last, unique, monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 64)
    assert of(*map(str, range(500)), last).unique == unique


def test_distinct_values_are_bounded(monkeypatch):
    monkeypatch.setattr(survey, "MOST_DISTINCT", 10)
    monkeypatch.setattr(records, "BLOCK", 16)
    found = of(*(f"v{number}" for number in range(200)))
    assert 10 <= len(found.distinct) < 20
    assert found.variety == 1


def test_a_key_that_comes_late_is_a_column_with_nulls():
    found = columns(b'{"a": 1}\n{"a": 2, "b": "x"}\n', "a.jsonl")
    assert (found["a"].values, found["b"].values) == (2, 1)


def test_columns_of_lists_hide_nothing():
    found = columns(b'{"a": 1, "b": [1]}\n{"a": "x", "b": 2, "c": {}}\n{"a": 3, "c": 5}\n', "a.jsonl")
    assert (found["a"].values, found["a"].fits) == (3, {"text"})
    assert found["b"].fits == found["c"].fits == set()


def test_broken_rows_are_counted():
    store = MemoryStore()
    found = survey.survey(store, store.put("a.csv", b"a,b\n1,2\n3\n4,5\n"))
    assert (found.rows, found.broken) == (3, 1)
