"""Labels are joined to rows as a dictionary would join them, in memory that does not grow with them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tables import matching
from core.tables.matching import UNMATCHED, Matching

KEPT = np.dtype([("row", "<i8")])
ROOT = Path(__file__).parents[3]


def rows_of(count: int, start: int = 0):
    records = np.zeros(count, KEPT)
    records["row"] = np.arange(start, start + count)
    return records


def texts(values):
    return pa.array(values, pa.string())


keys = st.one_of(st.none(), st.sampled_from(["", "a", "b", "c", "é", "a:b"]))
labels = st.lists(st.tuples(keys, keys, st.integers(0, 9)), max_size=40)
rows = st.lists(st.tuples(keys, keys), max_size=40)


@settings(deadline=None, max_examples=60)
@given(labels, rows, st.integers(1, 7), st.integers(1, 5), st.integers(1, 10))
def test_it_is_what_dictionaries_find(tmp_path_factory, labels, rows, at_once, parts, block):
    folder = tmp_path_factory.mktemp("matching")
    known: dict[tuple[str, str], tuple[int, int]] = {}
    for number, (one, two, truth) in enumerate(labels):
        known.update({(kind, key): (number, truth) for kind, key in (("x", one), ("y", two)) if key is not None})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "LABELS_AT_ONCE", max(1, len(labels) // parts))
        patch.setattr(matching, "ROWS_AT_ONCE", block)
        with Matching(folder, len(labels), KEPT) as found:
            for start in range(0, len(labels), at_once):
                ones, twos, truths = zip(*labels[start : start + at_once], strict=True)
                found.add_labels({"x": texts(ones), "y": texts(twos)}, np.array(truths, float))
            for start in range(0, len(rows), at_once):
                ones, twos = zip(*rows[start : start + at_once], strict=True)
                found.add_rows({"x": texts(ones), "y": texts(twos)}, rows_of(len(ones), start))
            blocks = list(found.matched())
    got = [
        (int(row), None if number == UNMATCHED else (int(number), truth))
        for records, truths, numbers in blocks
        for row, truth, number in zip(records["row"], truths, numbers, strict=True)
    ]
    wanted = []
    for row, (one, two) in enumerate(rows):
        told = [known[key] for key in (("x", one), ("y", two)) if key in known]
        wanted.append((row, max(told, default=None)))
    assert got == wanted


def test_a_kind_that_rows_do_not_have_finds_nothing(tmp_path):
    with Matching(tmp_path, 1, KEPT) as found:
        found.add_labels({"id": texts(["a"])}, np.ones(1))
        found.add_rows({"prediction_id": texts(["a"])}, rows_of(1))
        ((_, truth, number),) = found.matched()
    assert np.isnan(truth[0])
    assert number[0] == UNMATCHED


CHILD = """
    import sys, tempfile
    from pathlib import Path
    import numpy as np, pyarrow as pa, pyarrow.compute as pc
    from core.tables.matching import Matching
    from tests.memory import peak_mb

    count, step = int(sys.argv[1]), 50_000
    kept = np.dtype([("row", "<i8"), ("p", "<f4", (2,))])
    def ids(numbers):
        return pc.binary_join_element_wise("prediction-of-the-day-", pa.array(numbers).cast(pa.string()), "")
    before = peak_mb()
    with tempfile.TemporaryDirectory() as folder, Matching(Path(folder), count * 11 // 10, kept) as found:
        def label(numbers, truth):
            found.add_labels({"id": ids(numbers)}, truth.astype(float))
        for start in range(count - step, -1, -step):  # the last rows' labels come first, and are wrong
            numbers = np.arange(start, start + step)
            label(numbers, -numbers if start < count // 10 else numbers)
        for start in range(0, count // 10, step):  # corrected later
            label(np.arange(start, start + step), np.arange(start, start + step))
        for start in range(0, count, step):
            records = np.zeros(step, kept)
            records["row"] = np.arange(start, start + step)
            found.add_rows({"id": ids(records["row"])}, records)
        right = sum(int((truth == records["row"]).sum()) for records, truth, _ in found.matched())
    print(right, peak_mb() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
def test_three_million_pairs_take_no_more_memory_than_one_million():
    """As Python dictionaries three million take about 700 MB."""
    grown = {count: joined(count) for count in (1_000_000, 3_000_000)}
    assert grown[3_000_000] < 250
    assert grown[3_000_000] < grown[1_000_000] + 60


def joined(count: int) -> int:
    """Join that many pairs in a process of their own; the MB that its memory grew by."""
    command = [sys.executable, "-c", textwrap.dedent(CHILD), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    right, grown = map(int, done.stdout.split())
    assert right == count
    return grown
