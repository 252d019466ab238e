"""What answers on a device: the release that its state names, swapped in whole while it serves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from core.errors import TidemillError, Transient
from core.inference import http
from core.inference.http import Request, Response

from ..agent import slots
from ..agent.config import Device
from ..agent.state import STATE, State
from .installed import Installed

if TYPE_CHECKING:
    from core.ports import LoadPredictor

    from ..telemetry.health import Health
    from ..telemetry.ring import Ring
    from .answering import Answering

REPORTED_EACH = 3600.0
"""Seconds between two segments that tell of health, whether anything was asked or not."""
SMALL = 64 * 1024
"""Bytes that are read of a request while there is nothing that could answer it."""
LIVE = "/v2/health/live"
RELEASE = "x-tidemill-edge-release"

log = logging.getLogger(__name__)


def _no_facts() -> dict[str, Any]:
    return {}


class Serving:
    """Answers with the release in the active slot of the device in `root`. Safe to share between threads.

    What it needs to answer is imported when there is a release, and what it needs to record when there is a record.
    A release that cannot be loaded is told of in `failed`, and the one before goes on. `facts` are told beside health.
    """

    def __init__(
        self,
        root: Path,
        device: Device,
        *,
        facts: Callable[[], Mapping[str, Any]] = _no_facts,
        load: LoadPredictor | None = None,
    ) -> None:
        self.failed: dict[str, str] = {}
        self._root, self._device, self._facts, self._load = root, device, facts, load
        self._made: Ring | None = None
        self._guard = threading.Lock()
        self._ticking = threading.Lock()
        self._current: Answering | None = None
        self._retired: list[Answering] = []
        self._seen: tuple[int, int] | None = None
        self._reported = time.monotonic()

    @classmethod
    def open(cls, root: Path, *, facts: Callable[[], Mapping[str, Any]] = _no_facts) -> Self:
        """The device in `root`, with its release loaded if it has one; raises NotFound or BadInput for no device."""
        serving = cls(root, Device.read(root), facts=facts)
        serving.start()
        return serving

    @property
    def release(self) -> str | None:
        """The release that answers."""
        current = self._current
        return None if current is None else current.release

    @property
    def max_body(self) -> int:
        """Bytes of a request's body, unzipped."""
        current = self._current
        return SMALL if current is None else current.max_body

    def start(self) -> None:
        """Load what the state names, if that was not done yet."""
        with self._ticking:
            self._follow()

    def tick(self) -> None:
        """Follow the state, write what is due, tell of health. To be called once a second, off a request's path."""
        with self._ticking:
            self._follow()
            self._retire()
            self._take_over()
            if self._current is not None:
                self._current.tick()
                self._report(self._current)

    def close(self) -> None:
        """Write what is not written yet."""
        with self._ticking:
            current, self._current = self._current, None
            for answering in (*self._retired, *([] if current is None else [current])):
                answering.close()
            self._retired.clear()
            if current is not None:
                self._seal(current)

    def may_wait(self, request: Request) -> bool:  # noqa: ARG002 - the shape that hosts want
        """Whether answering may take long; each connection has a thread of its own here."""
        return False

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        with self.using() as current:
            if current is None:
                return _nothing_installed(request)
            return current.handle(request)

    def health(self) -> Health | None:
        """How well the release that answers does; None while none does."""
        current = self._current
        return None if current is None else current.health(self._dropped())

    @contextmanager
    def using(self) -> Iterator[Answering | None]:
        """What answers now; it is kept whole until the block ends, whatever comes after it."""
        with self._guard:
            current = self._current
            if current is not None:
                current.users += 1
        try:
            yield current
        finally:
            if current is not None:
                with self._guard:
                    current.users -= 1

    def _ring(self) -> Ring:
        """What is recorded goes there; raises Transient if it cannot be written."""
        from ..telemetry.ring import FOLDER, Ring  # noqa: PLC0415 - see above

        with self._guard:
            if self._made is None:
                self._made = Ring(self._root / FOLDER, self._device.telemetry_bytes)
            return self._made

    def _take_over(self) -> None:
        """Seal what a process that was killed left in the ring."""
        try:
            self._ring()
        except TidemillError as error:
            log.warning("nothing can be recorded: %s", error)

    def _dropped(self) -> int:
        made = self._made
        return 0 if made is None else made.dropped

    def _follow(self) -> None:
        seen = _stamp(self._root / STATE)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._swap(State.read(self._root))
        except TidemillError as error:
            log.warning("the release that answers goes on: %s", error)

    def _swap(self, state: State) -> None:
        """Let the release answer that the state names, once it is loaded."""
        release = state.release
        if release is None or state.active is None or release == self.release:
            return
        from .answering import Answering  # noqa: PLC0415 - see above

        try:
            installed = Installed.read(slots.folder(self._root, state.active), release)
            answering = Answering(installed, self._device, self._ring, self._load)
        except TidemillError as error:
            self.failed[release] = str(error)
            log.warning("release %s does not answer: %s", release, error)
            return
        self.failed.pop(release, None)
        with self._guard:
            before, self._current = self._current, answering
        if before is not None:
            self._retired.append(before)
        log.info("release %s answers", release)

    def _retire(self) -> None:
        """Let go of releases that nobody uses any more."""
        with self._guard:
            idle = [each for each in self._retired if not each.users]
            self._retired = [each for each in self._retired if each.users]
        for answering in idle:
            answering.close()
            self._seal(answering)

    def _report(self, answering: Answering) -> None:
        if time.monotonic() - self._reported >= REPORTED_EACH:
            self._seal(answering)

    def _seal(self, answering: Answering) -> None:
        """End the segment with what is known of the release."""
        self._reported = time.monotonic()
        health = {**self._facts(), **answering.health(self._dropped()).to_json(answering.shown)}
        try:
            self._ring().seal(answering.origin, health)
        except Transient as error:
            log.warning("health is told another time: %s", error)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes with each replacement of a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _nothing_installed(request: Request) -> Response:
    if request.path == LIVE and request.method in {"GET", "HEAD"}:
        answer = http.json_response({"live": True})
    else:
        answer = http.problem(HTTPStatus.SERVICE_UNAVAILABLE, "no release is installed on this device yet.")
    headers = {**answer.headers, http.REQUEST_ID: http.request_id(request), "content-length": str(len(answer.body))}
    return Response(answer.status, headers, b"" if request.method == "HEAD" else answer.body)
