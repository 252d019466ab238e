"""Arrays by their buffers: the same as Arrow's own way, without what that imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.tables.buffers import coded, mask, numbers, texts, to_numpy
from tests.bench._common import ROOT
from tests.unit.usecases.onnx_site import publish, write


@pytest.mark.parametrize("values", [[], [""], ["a", "", "déjà vu", "\0", "🌊"]])
def test_texts(values: list[str]) -> None:
    made = texts(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.int64, np.uint8])
def test_numbers_there_and_back(kind: type) -> None:
    values = np.arange(12, dtype=kind).reshape(3, 4)
    for given in (values[1], values[:, 1], values[0, :0]):
        made = numbers(given)
        made.validate(full=True)
        assert made.equals(pa.array(given))
        assert to_numpy(made).dtype == kind
        np.testing.assert_array_equal(to_numpy(made), given)
        np.testing.assert_array_equal(to_numpy(made[1:3]), given[1:3])


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 65])
def test_truth_values_there_and_back(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 2, count).astype(bool)
    made = mask(values)
    made.validate(full=True)
    assert made.to_pylist() == values.tolist()
    np.testing.assert_array_equal(to_numpy(made), values)
    np.testing.assert_array_equal(to_numpy(made[1:]), values[1:])


def test_nulls_are_refused() -> None:
    with pytest.raises(ValueError, match="with nulls"):
        to_numpy(pa.array([1, None]))


def test_a_text_that_is_not_among_the_names_is_refused() -> None:
    with pytest.raises(KeyError):
        coded(np.array(["a", "z"], object), ["a", "b"])


BATCH = """
import sys
sys.argv = ["tidemill", "batch", "m", "--input", "rows.parquet", "--output", "out", "--json"]
from core.cli.main import main
try:
    main()
except SystemExit as ended:
    sys.exit(ended.code or ("pandas was imported" if "pandas" in sys.modules else 0))
"""


@pytest.mark.slow
def test_a_clean_file_is_scored_without_pandas(tmp_path: Path) -> None:
    publish(tmp_path)
    write(tmp_path / "rows.parquet", 3_000, 1_000)
    environ = {**os.environ, "TIDEMILL_STORE": f"{tmp_path}/{{zone}}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", BATCH], cwd=tmp_path, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout.splitlines()[-1])["rows"] == 3_000
