"""Devices in simulated time: the agent's own loop, update, trial and files; clock, network and models are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Corrupt, TidemillError, Transient
from edge.agent.boot import settle
from edge.agent.config import Device
from edge.agent.loop import Done, Loop
from edge.agent.state import State
from edge.agent.transport import Source
from edge.agent.trial import TrialWatch
from edge.agent.update import Updater
from edge.telemetry.health import Health

from .releases import FakeClock


@dataclass
class Behaviour:
    """How a release does in the field: the share of requests that it fails, and its 95th percentile."""

    errors: float = 0.0
    p95_ms: float = 1.0
    proves: bool = True
    output_drift: float = 0.0


@dataclass
class SimulatedDevice:
    """One device. `behaviours` says how a release does here; `asks` how many requests come in a second."""

    root: Path
    device: Device
    clock: FakeClock
    source: Source
    random: Callable[[], float]
    behaviours: dict[str, Behaviour]
    asks: float = 1.0
    failed: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    _since: float = 0.0
    _release: str | None = None
    _done: Done | None = None

    def switch_on(self) -> None:
        """Begin."""
        settle(self.root, self.device, self.clock)
        watch = TrialWatch(self.root, self.device, self.clock)
        self.loop = Loop(self.device, watch, self, self, self.clock, self.random)
        self._release = None

    def health(self) -> Health | None:
        """What the server of this device would say."""
        release = State.read(self.root).release
        if release != self._release:
            self._release, self._since = release, self.clock.monotonic()
        if release is None:
            return None
        does = self.behaviours.get(release, Behaviour())
        seconds = self.clock.monotonic() - self._since
        requests = int(seconds * self.asks)
        drift = {"prediction": does.output_drift}
        drifted = ("prediction",) if does.output_drift else ()
        errors = int(requests * does.errors)
        return Health(release, requests, errors, 1.0, does.p95_ms, 60.0, seconds, 0, {}, drift, drifted)

    def start(self) -> None:
        """The update, which is a child process on a device."""
        try:
            outcome = Updater(self.root, self.device, self.clock, self._prove).update(self.source)
            self.told.append(f"{outcome.did}: {outcome.reason}")
            self._done = Done(ok=True)
        except TidemillError as error:
            self.told.append(str(error))
            self._done = Done(ok=False, retry_after=getattr(error, "retry_after", 0.0))

    def poll(self) -> Done | None:
        """How the update ended."""
        done, self._done = self._done, None
        return done

    def stop(self) -> None:
        """Nothing goes on in simulated time."""

    def _prove(self, folder: Path) -> None:
        for release, does in self.behaviours.items():
            if folder.name == release and not does.proves:
                raise Corrupt("the model answers its golden rows otherwise")

    @property
    def release(self) -> str | None:
        """What it runs."""
        return State.read(self.root).release


@dataclass
class Away:
    """A source that is not always there."""

    source: Source
    there: bool = True
    asked: list[float] = field(default_factory=list)
    clock: FakeClock | None = None

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """As the source, or Transient."""
        if self.clock is not None:
            self.asked.append(self.clock.monotonic())
        if not self.there:
            raise Transient("the server does not answer.")
        yield from self.source.stream(key, start, length)


def passes(devices: list[SimulatedDevice], clock: FakeClock, seconds: float, tick: float = 60.0) -> None:
    """Let time pass for all of them, in steps of `tick` seconds."""
    ends = clock.now + seconds
    while clock.now < ends:
        clock.sleep(tick)
        for device in devices:
            device.loop.step()
