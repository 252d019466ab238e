"""How much memory it takes to ingest and validate a large CSV file on a local store.

`python -m tests.bench.ingest_memory --json` prints {"peak_mb", "rows", "rejected", "seconds", "rows_per_second", "mb"}.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from core import layout
from core.adapters.store_local import LocalStore
from core.layout import Zone
from core.spec import FeatureSpec, ModelSpec
from core.usecases.ingest import ingest
from core.usecases.validate import validate

from ._common import measure, parser, show

BLOCK = 100_000
KEY = layout.landing("bench", "rows", "large.csv")
NUMBERS = tuple(f"number_{place}" for place in range(6))
INTEGERS = ("seats", "minute")
CATEGORIES = ("origin", "carrier", "plane")
SPEC = ModelSpec(
    model="bench",
    task="binary",
    target="late",
    id="flight",
    time="scheduled",
    features=(
        *(FeatureSpec(name=name, type="number", nullable=True) for name in NUMBERS),
        *(FeatureSpec(name=name, type="integer", min=0, max=999) for name in INTEGERS),
        *(FeatureSpec(name=name, type="category") for name in CATEGORIES),
        FeatureSpec(name="weekend", type="boolean"),
    ),
)


def main() -> None:
    """Make the file, run the child, tell."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--mb", type=int, default=1024, help="size of the file in MiB")
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        sys.stdout.write(json.dumps(_ingest(chosen.child)) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        size = _make(Path(folder) / "landing" / KEY, chosen.mb << 20)
        measured = measure("tests.bench.ingest_memory", ["--child", folder])
    result = {"peak_mb": measured.peak_mb, **measured.result, "mb": size >> 20}
    show(result, as_json=chosen.json)


def _ingest(root: Path) -> dict[str, float]:
    """Ingest and validate what lies in landing; how many rows, and in what time."""
    zones: tuple[Zone, ...] = ("landing", "datasets", "quarantine", "reports", "models")
    landing, datasets, quarantine, reports, models = (LocalStore(root / zone) for zone in zones)
    started = time.perf_counter()
    receipt = ingest(landing, datasets, quarantine, reports, key=KEY, spec=SPEC, code="bench")
    ingested = time.perf_counter()
    manifest = layout.dataset_manifest("bench", str(receipt.dataset))
    report = validate(datasets, models, reports, key=manifest, spec=SPEC, find=lambda name: None, code="bench")
    assert report is not None
    assert report.valid, report.problems
    seconds = time.perf_counter() - started
    return {
        "rows": receipt.rows,
        "rejected": receipt.rejected,
        "seconds": round(seconds, 2),
        "ingest_seconds": round(ingested - started, 2),
        "rows_per_second": round((receipt.rows + receipt.rejected) / seconds),
    }


def _make(path: Path, size: int) -> int:
    """Write rows until the file has `size` bytes; returns how many it has."""
    path.parent.mkdir(parents=True)
    generator = np.random.default_rng(7)
    with path.open("wb") as file:
        for block in range(1 << 20):
            rows = _rows(generator, block * BLOCK)
            arrow_csv.write_csv(rows, file, arrow_csv.WriteOptions(include_header=block == 0))
            if file.tell() >= size:
                break
        return file.tell()


def _rows(generator: np.random.Generator, start: int) -> pa.Table:
    """Unique ids, a time a second, nulls in 5 % of the numbers, and a seat count out of range in 0.1 % of the rows."""
    places = np.arange(start, start + BLOCK)
    ids = pc.binary_join_element_wise("F", pc.utf8_lpad(pa.array(places).cast(pa.string()), 10, "0"), "-")
    columns = {"flight": ids, "scheduled": pa.array(places).cast(pa.timestamp("s", "UTC"))}
    for name in NUMBERS:
        columns[name] = pa.array(generator.normal(100, 30, BLOCK).round(3), mask=generator.random(BLOCK) < 0.05)
    for name in INTEGERS:
        columns[name] = pa.array(generator.integers(0, 1000, BLOCK) + 1000 * (generator.random(BLOCK) < 0.0005))
    for name, distinct in zip(CATEGORIES, (3, 16, 4000), strict=True):
        columns[name] = pc.binary_join_element_wise(
            "C", pa.array(generator.integers(0, distinct, BLOCK)).cast("string"), ""
        )
    columns["weekend"] = pa.array(generator.random(BLOCK) < 2 / 7)
    columns["late"] = pa.array(generator.random(BLOCK) < 0.2)
    return pa.table(columns)


if __name__ == "__main__":
    main()
