"""Child processes: write so many answers and their labels into files, or compare them and tell what that took.

`python -m tests.unit.usecases.many_pairs write ROWS FOLDER`, then `… check FOLDER` prints pairs, peak MB and seconds.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core import layout
from core.adapters.store_local import LocalStore
from core.domain.batch import Input, Output, Success
from core.domain.canonical import sha256
from core.domain.dataset import DatasetManifest, Part, Source
from core.domain.prediction import batch_id
from core.layout import ZONES
from core.tables.arrow import TIME, dataset_schema
from core.usecases.check_performance import check_performance
from tests.memory import peak_mb
from tests.unit.usecases.site import CODE, NOON, SPEC, Site, truth
from tests.unit.usecases.site import rows as columns_of

STEP = 250_000


def write(count: int, folder: Path) -> None:
    """Answers and labels of them."""
    site = site_in(folder)
    site.publish("v1")
    write_answers(site, count)
    write_labels(site, count)


def check(folder: Path) -> None:
    """Compare them."""
    zones, started = site_in(folder).zones, time.perf_counter()
    stores = (zones["predictions"], zones["models"], zones["datasets"], zones["reports"])
    report = check_performance(*stores, spec=SPEC, code=CODE)
    found = sum(window.whole.labelled for window in report.windows)
    sys.stdout.write(f"{found} {peak_mb()} {time.perf_counter() - started:.1f}\n")


def site_in(folder: Path) -> Site:
    return Site(zones={zone: LocalStore(folder / zone) for zone in ZONES})


def write_answers(site: Site, count: int) -> None:
    """As a batch run writes them, a part of a day."""
    store, outputs = site.zones["predictions"], []
    for part, start in enumerate(range(0, count, STEP)):
        x = columns_of(STEP, part)["x"]
        score = 1 / (1 + np.exp(-np.nan_to_num(x)))
        table = {
            "prediction_id": pa.array([batch_id("m", "run", part, row) for row in range(start, start + STEP)]),
            "answered_at": pa.repeat(pa.scalar(NOON, TIME), STEP),
            "model_version": pa.repeat("v1", STEP),
            "id": ids(start),
            "at": pa.repeat(pa.scalar(NOON + timedelta(days=part), TIME), STEP),
            "x": pa.array(x.astype(float)),
            "c": pa.repeat("red", STEP),
            "b": pa.repeat(pa.scalar(value=True), STEP),
            "label": pa.array(np.where(score > 0.5, "yes", "no")),
            "probability_no": pa.array((1 - score).astype(np.float32)),
            "probability_yes": pa.array(score.astype(np.float32)),
        }
        data = parquet(pa.table(table))
        key = layout.batch_part("m", "run", part)
        store.put(key, data)
        outputs.append(Output(key.removeprefix(layout.batch("m", "run")), STEP, sha256(data)))
    made = Success("m", "v1", "run", NOON.isoformat(), Input("k", "1"), count, 0, tuple(outputs), CODE)
    store.put(layout.batch_success("m", "run"), made.encode())


def write_labels(site: Site, count: int) -> None:
    """As ingest writes them: the last rows' labels come first."""
    parts = []
    for number, start in enumerate(reversed(range(0, count, STEP))):
        targets = truth(columns_of(STEP, start // STEP)["x"], SPEC)
        table = {"id": ids(start), "prediction_id": pa.nulls(STEP, pa.string()), "y": pa.array(targets)}
        data = parquet(pa.table(table, schema=dataset_schema(SPEC.columns, "labels")))
        site.zones["datasets"].put(layout.dataset_part("m", "labels", number), data)
        parts.append(Part(STEP, sha256(data)))
    source = Source("m/labels/a.parquet", "1", "")
    manifest = DatasetManifest("m", "labels", "labels", source, SPEC.columns, count, 0, tuple(parts), CODE)
    site.zones["datasets"].put(layout.dataset_manifest("m", "labels"), manifest.encode())


def ids(start: int) -> pa.Array:
    return pc.binary_join_element_wise("row-", pa.array(np.arange(start, start + STEP)).cast(pa.string()), "")


def parquet(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    return bytes(buffer.getvalue())


if __name__ == "__main__":
    if sys.argv[1:] == ["check", sys.argv[-1]]:
        check(Path(sys.argv[-1]))
    else:
        write(int(sys.argv[2]), Path(sys.argv[3]))
