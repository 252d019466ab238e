"""What is in the store and what the clock says, as work for the functions that declare an interest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from ...declaration import Declaration, declarations
from ...errors import BadSpec
from ...events.messages import Event, ObjectCreated, ScheduleFired, TrainingClaimed
from ...layout import ZONES, Zone
from ...ports import ObjectInfo
from ...runtime import Runtime
from ...specfile import spec_files
from .queue import Queue, Work

SHORTEST_SCHEDULE = timedelta(minutes=1)


class Scanner:
    """Finds objects that are new to the queue.

    A landing file that changed less than `settle` ago may still be being copied: it waits, and `waiting` says so.
    """

    def __init__(self, runtime: Runtime, queue: Queue, settle: timedelta) -> None:
        self._runtime = runtime
        self._queue = queue
        self._settle = settle
        self._known: set[str] = set()
        self.waiting = False

    def scan(self) -> int:
        """Queue what is new; how much that was."""
        self.waiting = False
        fresh = {work.id: work for zone in self._zones() for work in self._work(zone) if work.id not in self._known}
        count = self._queue.add(fresh.values())
        self._known.update(fresh)
        return count

    def _zones(self) -> list[Zone]:
        wanted = {trigger.zone for declared in declarations().values() for trigger in declared.triggers}
        return [zone for zone in ZONES if zone in wanted]

    def _work(self, zone: Zone) -> Iterator[Work]:
        now = self._runtime.clock.now()
        for info in self._runtime.store(zone).list(""):
            interested = [declared for declared in declarations().values() if _wants(declared, zone, info.key)]
            if interested and zone == "landing" and timedelta() <= now - info.modified < self._settle:
                self.waiting = True
                continue
            for declared in interested:
                yield object_work(declared, zone, info)


def _wants(declared: Declaration, zone: Zone, key: str) -> bool:
    return any(trigger.fits(zone, key) for trigger in declared.triggers)


def object_work(declared: Declaration, zone: Zone, info: ObjectInfo) -> Work:
    """The call of one function for one version of one object."""
    subject = f"{zone}/{info.key}"
    arguments = {"zone": zone, "key": info.key, "version": info.version}
    return Work(f"{declared.name} {subject} {info.version}", declared.name, subject, arguments, declared.order)


def event_of(work: Work) -> Event:
    """The event that the work is about."""
    match work.arguments:
        case {"zone": zone, "key": key, "version": version}:
            return ObjectCreated(zone, key, version)  # type: ignore[arg-type]  # written by object_work alone
        case {"schedule": schedule, "model": model, "at": at}:
            return ScheduleFired(schedule, model, datetime.fromisoformat(at))
        case arguments:
            return TrainingClaimed(arguments["model"], arguments["training"])


def fire_schedules(runtime: Runtime, queue: Queue, specs: Path) -> None:
    """Queue every schedule that has become due. One that is met for the first time starts to count now.

    A machine that slept through several turns catches up with one. A spec with mistakes has no schedules.
    """
    for path in spec_files(specs):
        for declared in declarations().values():
            every = _interval(runtime, path.stem, declared)
            if every is not None:
                _fire_if_due(runtime, queue, path.stem, declared, every)


def _interval(runtime: Runtime, model: str, declared: Declaration) -> timedelta | None:
    if declared.schedule is None:
        return None
    section, field = declared.schedule.split(".")
    try:
        every: timedelta | None = getattr(getattr(runtime.spec(model), section), field)
    except BadSpec:
        return None
    return None if every is None else max(every, SHORTEST_SCHEDULE)


def _fire_if_due(runtime: Runtime, queue: Queue, model: str, declared: Declaration, every: timedelta) -> None:
    now = runtime.clock.now()
    schedule = f"{declared.name} {model}"
    last = queue.last_fired(schedule)
    if last is None:
        queue.fire(schedule, now.timestamp(), ())
    elif now.timestamp() >= last + every.total_seconds():
        arguments: Mapping[str, str] = {"schedule": declared.name, "model": model, "at": now.isoformat()}
        work = Work(f"{schedule} {now.isoformat()}", declared.name, f"schedule of {model}", arguments, declared.order)
        queue.fire(schedule, now.timestamp(), [work])
