"""A store with a model that the whole loop learned, copied for each test, and releases that are made of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.adapters.store_memory import MemoryStore
from core.inference.predictor import load_predictor
from core.layout import ZONES, Zone
from core.ports import ObjectStore
from edge.export.export import Exporter
from edge.export.keys import KeyFolder
from edge.export.quality import Budget
from edge.trust import Trust
from tests.functions.loop import MODEL, Loop, StandingClock

BUDGET = Budget()
__all__ = ["BUDGET", "MODEL", "Made", "exporter", "made", "stores"]


@cache
def _learned() -> dict[Zone, dict[str, bytes]]:
    with TemporaryDirectory() as folder:
        loop = Loop(Path(folder))
        loop.drop()
        loop.run()
        return {zone: {i.key: store.get(i.key).data for i in store.list("")} for zone, store in loop.stores.items()}


def stores() -> dict[Zone, ObjectStore]:
    """Stores of one's own, with everything that the loop wrote."""
    found: dict[Zone, ObjectStore] = {zone: MemoryStore() for zone in ZONES}
    for zone, objects in _learned().items():
        for key, data in objects.items():
            found[zone].put(key, data)
    return found


def exporter(zones: dict[Zone, ObjectStore], keys: KeyFolder, code: str = "test") -> Exporter:
    return Exporter(
        zones["models"],
        zones["datasets"],
        zones["edge"],
        keys=keys,
        load=load_predictor,
        clock=StandingClock(),
        code=code,
    )


class Made:
    """A release of the penguins' model, whom to trust, and the same with other bytes in every part."""

    def __init__(self, files: dict[str, bytes], trust: Trust, pem: bytes) -> None:
        self.files, self.trust, self.pem = files, trust, pem

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return folder


@cache
def made() -> Made:
    """One release, made once a process."""
    with TemporaryDirectory() as folder:
        keys = KeyFolder(Path(folder))
        keys.init()
        exported = exporter(stores(), keys).export(MODEL, None, "full", BUDGET)
        return Made(dict(exported.release.files), keys.trust(), keys.signer().to_pem())
