"""A landing zone, and what becomes of the files that are dropped there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.dataset import DatasetManifest
from core.domain.receipt import Receipt
from core.domain.validation import ValidationReport
from core.ports import ObjectStore
from core.spec import ModelSpec
from core.tables.datasets import read_dataset
from core.usecases.ingest import ingest
from core.usecases.validate import validate
from core.usercode import user_function

MODEL = "churn"
CODE = "0.1.0+test"
ZONES = ("landing", "datasets", "quarantine", "models", "reports")

SPEC: dict[str, Any] = {
    "model": MODEL,
    "task": "binary",
    "target": "left",
    "id": "customer",
    "time": "since",
    "features": [
        {"name": "age", "type": "integer", "min": 0, "max": 130},
        {"name": "income", "type": "number", "nullable": True},
        {"name": "plan", "type": "category", "values": ["free", "paid"]},
        {"name": "city", "type": "category", "nullable": True},
        {"name": "mobile", "type": "boolean", "nullable": True},
    ],
    "sensitive": ["sex"],
    "drop": ["email"],
}
GOOD: dict[str, Any] = {
    "customer": "c-1",
    "since": "2026-01-02T03:04:05Z",
    "age": "31",
    "income": "1200.5",
    "plan": "free",
    "city": "Bath",
    "mobile": "true",
    "sex": "f",
    "email": "anne@example.org",
    "left": "no",
}


def spec(**changes: Any) -> ModelSpec:
    return ModelSpec.model_validate({**SPEC, **changes})


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row that is fit for the spec; of two in a row one left."""
    return {**GOOD, "customer": f"c-{number}", "left": ("no", "yes")[number % 2], **changes}


def rows(count: int) -> list[dict[str, Any]]:
    return [row(number) for number in range(1, count + 1)]


def csv(records: Sequence[Mapping[str, Any]], separator: str = ",", end: str = "\n") -> bytes:
    """Every cell is quoted; None is left empty."""
    lines = [list(records[0]), *([one.get(name) for name in records[0]] for one in records)]
    return "".join(separator.join(map(_cell, line)) + end for line in lines).encode()


def _cell(value: Any) -> str:
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'


def jsonl(records: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


@dataclass
class Site:
    """The zones of one store. `wrap` comes between a use case and a zone."""

    stores: dict[str, ObjectStore] = field(default_factory=lambda: {zone: MemoryStore() for zone in ZONES})
    spec: ModelSpec = field(default_factory=spec)
    wrap: Callable[[str, ObjectStore], ObjectStore] = lambda _, store: store
    functions: Path = Path()

    def find(self, name: str) -> Any:
        return user_function(name, self.functions)

    def zone(self, name: str) -> ObjectStore:
        return self.wrap(name, self.stores[name])

    def drop(self, data: bytes, name: str = "may.csv", drop: layout.Drop = "rows") -> str:
        """Put a file into the landing zone; returns its key."""
        return self.stores["landing"].put(layout.landing(self.spec.model, drop, name), data).key

    def ingest(self, key: str, code: str = CODE) -> Receipt:
        zones = (self.zone(name) for name in ("landing", "datasets", "quarantine", "reports"))
        return ingest(*zones, key=key, spec=self.spec, code=code)

    def validate(self, dataset: str) -> ValidationReport | None:
        zones = (self.zone(name) for name in ("datasets", "models", "reports"))
        key = layout.dataset_manifest(self.spec.model, dataset)
        return validate(*zones, key=key, spec=self.spec, find=self.find, code=CODE)

    def took(self, data: bytes, name: str = "may.csv", drop: layout.Drop = "rows") -> Receipt:
        """Drop and ingest."""
        return self.ingest(self.drop(data, name, drop))

    def manifest(self, receipt: Receipt) -> DatasetManifest:
        assert receipt.dataset is not None
        key = layout.dataset_manifest(self.spec.model, receipt.dataset)
        return DatasetManifest.decode(self.stores["datasets"].get(key).data)

    def table(self, receipt: Receipt) -> pa.Table:
        return read_dataset(self.stores["datasets"], self.manifest(receipt))

    def rejected(self, receipt: Receipt) -> list[dict[str, Any]]:
        """The rows in quarantine, in order."""
        prefix = f"{self.spec.model}/{receipt.source}/rows-"
        store = self.stores["quarantine"]
        return [json.loads(line) for info in store.list(prefix) for line in store.get(info.key).data.splitlines()]

    def reasons(self, receipt: Receipt) -> dict[int, set[tuple[str | None, str]]]:
        """Row -> (column, problem) of each of its reasons."""
        found = self.rejected(receipt)
        return {one["row"]: {(why["column"], why["problem"]) for why in one["reasons"]} for one in found}

    def report(self, source: str) -> dict[str, Any]:
        """The quarantine's report."""
        return json.loads(self.stores["quarantine"].get(layout.quarantine_report(self.spec.model, source)).data)

    def receipt(self, key: str) -> Receipt:
        """The stored receipt of the file at `key`."""
        store = self.stores["reports"]
        stored = [Receipt.decode(store.get(info.key).data) for info in store.list(f"{self.spec.model}/ingest/")]
        (found,) = [one for one in stored if one.key == key]
        return found

    def state(self) -> dict[tuple[str, str], bytes]:
        """Everything that is stored."""
        return {
            (zone, info.key): store.get(info.key).data for zone, store in self.stores.items() for info in store.list("")
        }
