"""The whole loop in one process: real functions on stores in memory, with a clock that stands still.

Everything that is written depends on what was dropped alone, so two runs can be compared byte by byte.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from palmerpenguins import load_penguins

from core.adapters.store_memory import MemoryStore
from core.errors import Permanent
from core.events.messages import ScheduleFired, TrainingClaimed
from core.hosts.local.host import LocalHost, call
from core.hosts.local.jobs import QueuedJobs
from core.hosts.local.queue import Queue
from core.layout import ZONES, Zone
from core.ports import ObjectStore
from core.runtime import Runtime
from core.settings import Settings
from functions.drift_check.handler import handle as check_drift
from functions.train.handler import handle as train

MODEL = "penguins"
SPEC = """
model: penguins
task: multiclass
target: species
id: bird
features:
  - {name: island, type: category}
  - {name: bill_length_mm, type: number, nullable: true, min: 0}
  - {name: flipper_length_mm, type: number, nullable: true}
  - {name: sex, type: category, nullable: true}
sensitive: [ringed]
drop: [observer]
estimator: logistic-regression
seed: 1
gates: {metric: accuracy, min: 0.5}
train_when: {rows: 100, cooldown: 0s}
drift: {min_rows: 50}
"""
FEATURES = ("island", "bill_length_mm", "flipper_length_mm", "sex")

Stores = dict[Zone, ObjectStore]
State = dict[str, bytes]


class StandingClock:
    """It is always noon."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 12, tzinfo=UTC)


@cache
def birds() -> list[dict[str, str]]:
    """The Palmer penguins as text, with an id and an observer who must not be kept."""
    found = load_penguins().sample(frac=1, random_state=3).astype(object)
    rows = found.where(found.notna(), "").to_dict("records")
    return [
        {"bird": f"b{number}", "observer": "K. Gorman", **{name: str(row[name]) for name in (*FEATURES, "species")}}
        for number, row in enumerate(rows)
    ]


def csv_of(rows: list[dict[str, str]], names: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


class Loop:
    """One store, and everything that happens to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stores: Stores = {zone: MemoryStore() for zone in ZONES}
        specs = folder / "models"
        specs.mkdir(parents=True, exist_ok=True)
        (specs / f"{MODEL}.yaml").write_text(SPEC)

    def drop(self) -> None:
        """Two files of rows, one of them with two rows that cannot be used; a file to score, and the truth later."""
        landing, columns = self.stores["landing"], ("bird", *FEATURES, "species", "observer")
        bad = [{**birds()[0], "bird": "x1", "bill_length_mm": "-5"}, {**birds()[0], "bird": "x2", "species": ""}]
        landing.put(f"{MODEL}/rows/first.csv", csv_of(birds()[:140] + bad, columns))
        landing.put(f"{MODEL}/rows/second.csv", csv_of(birds()[140:240], columns))
        landing.put(f"{MODEL}/score/later.csv", csv_of(birds()[240:], ("bird", *FEATURES)))
        landing.put(f"{MODEL}/labels/truth.csv", csv_of(birds()[240:], ("bird", "species")))

    def runtime(self, wrap: Callable[[ObjectStore], ObjectStore], queue: Queue) -> Runtime:
        settings = Settings.from_env({}, store=f"{self.folder}/{{zone}}", specs=self.folder / "models")
        stores = {zone: wrap(store) for zone, store in self.stores.items()}
        return Runtime(settings, stores=stores, jobs=QueuedJobs(queue), clock=StandingClock())

    def run(self, wrap: Callable[[ObjectStore], ObjectStore] = lambda store: store, *, queue: str = "queue") -> None:
        """Let events happen until nothing is left, check for drift, and let that happen too."""
        work = Queue(self.folder / queue)
        try:
            runtime = self.runtime(wrap, work)
            host = LocalHost(runtime, work, call=_call_here)
            drain(host)
            check_drift(ScheduleFired("drift_check", MODEL, runtime.clock.now()), runtime)
            drain(host)
        finally:
            work.close()

    def state(self) -> State:
        """Every object of every zone."""
        return {
            f"{zone}/{info.key}": store.get(info.key).data
            for zone, store in self.stores.items()
            for info in store.list("")
        }


def drain(host: LocalHost) -> None:
    failed = host.drain().failed
    assert not failed, failed


def _call_here(work, runtime, stopping):
    """As the host does, but jobs run in this process, on these stores."""
    if work.function != "train":
        return call(work, runtime, stopping)
    try:
        return train(TrainingClaimed(**work.arguments), runtime)
    except Permanent as error:
        raise AssertionError(error) from error
