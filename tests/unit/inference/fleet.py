"""A desk that answers devices, with one release of the penguins."""

from __future__ import annotations

from typing import Any

from core import layout
from core.adapters.store_memory import MemoryStore
from core.inference.http import Response
from tests.penguins import MODEL, Desk
from tests.telemetry import HEALTH, name_of, record, release, segment

VERSION = "0000000000000001"
LOGGED = ("island", "bill_length")
FEATURES = {"island": "Dream", "bill_length": 39.5}
BIG = bytes(range(256)) * 20 * 1024
"""5 MiB."""


class Fleet(Desk):
    """Answers devices; its name there is as in the path."""

    def __init__(self, **options: Any) -> None:
        self.edge = MemoryStore()
        self.release = release(self.edge, MODEL, VERSION, LOGGED)
        self.edge.put(layout.edge_file(MODEL, self.release, "big"), BIG)
        self.edge.put(layout.edge_rollout(MODEL, 1), b'{"a":1}')
        super().__init__(edge=lambda: self.edge, **options)

    def get(self, name: str, method: str = "GET", **headers: str) -> Response:
        return self.ask(method, f"/edge/{MODEL}/{self.release}/{name}", **headers)

    def records(self, count: int = 3, **more: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        return [record(MODEL, VERSION, row, FEATURES, label="Adelie", **more) for row in range(count)]

    def segment(self, records: Any = None, **heading: Any) -> bytes:
        given = {"release": self.release, "version": VERSION, "health": HEALTH, **heading}
        return segment(self.records() if records is None else records, **given)

    def put(self, data: bytes, place: str = "north/pi-1", name: str | None = None, **headers: str) -> Response:
        name = name or self.name()
        return self.ask("PUT", f"/edge/telemetry/{MODEL}/{place}/{name}", data, **headers)

    def name(self, sequence: int = 1) -> str:
        return f"{name_of(sequence, self.release)}.jsonl.gz"

    def kept(self) -> list[str]:
        return [info.key for info in self.edge.list("telemetry/")]
