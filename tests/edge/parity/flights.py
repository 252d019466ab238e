"""The model of the flights, what the cloud answers to its holdout, and the release of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import layout
from core.hosts.local.host import LocalHost
from core.hosts.local.jobs import QueuedJobs
from core.hosts.local.queue import Queue
from core.inference.http import Request
from core.runtime import Runtime
from core.settings import Settings
from core.usecases.load_model import read_manifest
from core.usecases.promote import current_route
from edge.export.export import Exporter
from edge.export.folder import write_folder
from edge.export.holdout import read_holdout
from edge.export.keys import KeyFolder
from edge.export.quality import Budget
from functions.realtime_inference.handler import handle

from .runtimes import Answer, Row

ROOT = Path(__file__).parents[3]
MODEL = "flights-delay"
MONTHS = ("01", "02", "03")
UNSEEN = ("ZZ", "nan", "None", " ü€😀", 'say "hi", twice')
BATCH = 500


@dataclass(frozen=True)
class Flights:
    """A release in a folder, whom to trust, rows, and what the cloud's endpoint answers to them."""

    release: Path
    trust: Path
    rows: Sequence[Row]
    answers: Sequence[Answer]


def learn(folder: Path) -> Flights:
    """Learn from three months, export what serves, and ask the cloud's endpoint for the rows of the holdout."""
    runtime = _trained(folder)
    keys = KeyFolder(folder / "keys")
    keys.init()
    zones = [runtime.store(zone) for zone in ("models", "datasets", "edge")]
    exporter = Exporter(*zones, keys=keys, load=runtime.load, clock=runtime.clock, code=runtime.code)
    exported = exporter.export(MODEL, None, "full", Budget())
    write_folder(folder / "release", exported.release.files)
    (folder / "trust.json").write_bytes(keys.trust().data)
    rows = _rows(runtime)
    return Flights(folder / "release", folder / "trust.json", rows, _asked(runtime, rows))


def _trained(folder: Path) -> Runtime:
    queue = Queue(folder / "host")
    settings = Settings.from_env({}, store=f"{folder}/{{zone}}", specs=ROOT / "models")
    runtime = Runtime(settings, jobs=QueuedJobs(queue))
    for month in MONTHS:
        name = f"2013-{month}.csv.gz"
        data = (ROOT / "examples" / "flights" / name).read_bytes()
        runtime.store("landing").put(layout.landing(MODEL, "rows", name), data)
    failed = LocalHost(runtime, queue).drain().failed
    queue.close()
    if failed:
        raise AssertionError(f"an event failed: {failed}")
    return runtime


def _rows(runtime: Runtime) -> list[Row]:
    """The holdout as it is, and again with a fifth of all values null or never seen, where the schema lets them be."""
    route = current_route(runtime.store("models"), MODEL)
    assert route is not None
    manifest = read_manifest(runtime.store("models"), MODEL, route.champion)
    holdout = read_holdout(runtime.store("datasets"), manifest)
    columns = {feature.name: _values(holdout.columns[feature.name]) for feature in manifest.schema.features}
    plain = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return plain + [_disturbed(manifest.schema.features, row, seed) for seed, row in enumerate(plain)]


def _values(column: Any) -> list[Any]:
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN alone is not itself


def _disturbed(features: Any, row: Row, seed: int) -> Row:
    random = np.random.default_rng(seed)
    changed = dict(row)
    for feature in features:
        if random.random() > 0.2:
            continue
        if feature.nullable:
            changed[feature.name] = None
        elif feature.type == "category" and feature.values is None:
            changed[feature.name] = UNSEEN[random.integers(len(UNSEEN))]
    return changed


def _asked(runtime: Runtime, rows: Sequence[Row]) -> list[Answer]:
    answers: list[Answer] = []
    for first in range(0, len(rows), BATCH):
        body = json.dumps({"instances": rows[first : first + BATCH]}).encode()
        answer = handle(Request("POST", f"/v1/models/{MODEL}:predict", body=body), runtime)
        assert answer.status == 200, answer.body
        answers += json.loads(answer.body)["predictions"]
    return answers
