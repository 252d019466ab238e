"""A model in process: rows in, answers out, with the release, the telemetry and the swaps of the device around it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import finalize

from core.errors import TidemillError, Transient
from core.inference.http import Request, request_id

from ..agent.boot import settle
from ..agent.clock import SystemClock
from ..agent.config import Device
from .serving import Serving

if TYPE_CHECKING:
    from ..agent.trial import TrialWatch

TICK = 1.0
"""Seconds between two looks at the device's state."""
_NO_REQUEST = Request("", "")

log = logging.getLogger(__name__)


class Model:
    """Answers as the device's endpoint does. Safe to share between threads; use it in a `with` block, or close it."""

    def __init__(self, serving: Serving, keeper: Keeper) -> None:
        self._serving = serving
        self._keeper = keeper
        self._ticked = time.monotonic()
        self._end = finalize(self, keeper.end)

    @classmethod
    def open(cls, root: str | Path) -> Self:
        """The model of the device in folder `root`.

        Raises NotFound or BadInput if there is no device, Transient if it has no release that answers.
        """
        folder = Path(root)
        device = Device.read(folder)
        settle(folder, device, SystemClock())
        serving = Serving(folder, device)
        serving.start()
        if serving.release is None:
            serving.close()
            raise Transient(" ".join(["no release answers on this device.", *serving.failed.values()]))
        return cls(serving, Keeper(serving, folder, device))

    @property
    def release(self) -> str | None:
        """The release that answers."""
        return self._serving.release

    def predict(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer n rows, each `{field: value}`.

        `{"label", "probabilities": {class: p}}` a row for classifiers, `{"prediction"}` for regression. Raises BadInput
        for a row that the model cannot take, and names the field. Once a second this looks at the device's state first:
        that call may have to load a new release.
        """
        if time.monotonic() - self._ticked >= TICK:
            self._ticked = time.monotonic()
            self._serving.tick()
            self._keeper.look()
        with self._serving.using() as current:
            if current is None:
                raise Transient("the model is closed.")
            return current.predict(rows, request_id(_NO_REQUEST))

    def close(self) -> None:
        """Write what was answered and is not written yet. It happens at the end of the process if not before."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Keeper:
    """Looks after a release that is on trial while it answers in this process. Safe to share between threads."""

    def __init__(self, serving: Serving, root: Path, device: Device) -> None:
        self._serving = serving
        self._place = root, device, SystemClock()
        self._watch: TrialWatch | None = None
        self._guard = threading.Lock()

    def look(self) -> None:
        """Judge by what is known now."""
        self._safely(lambda watch: watch.look(self._serving.health(), self._serving.failed))

    def end(self) -> None:
        """A process that comes to an orderly end is not held against the release; one that dies is."""
        self._safely(lambda watch: watch.close(self._serving.health()))
        self._serving.close()

    def _safely(self, step: Callable[[TrialWatch], None]) -> None:
        """What answers goes on, whatever cannot be written down."""
        from ..agent.trial import TrialWatch  # noqa: PLC0415 - the first answer waits for what is above

        with self._guard:
            self._watch = self._watch or TrialWatch(*self._place)
            try:
                step(self._watch)
            except (TidemillError, OSError) as error:
                log.warning("the release cannot be looked after: %s", error)
