"""One release in memory: the cloud's own service over its slot, and what is counted and recorded of its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.domain.model import PROFILE
from core.inference.answers import plain
from core.inference.cache import ModelCache
from core.inference.http import Request, Response
from core.inference.predictor import load_predictor
from core.inference.service import Service
from core.ports import LoadPredictor
from core.usecases.score_one import score

from ..agent.config import Device
from ..telemetry.counts import Counts
from ..telemetry.origin import Origin
from ..telemetry.private_log import PrivateLog
from ..telemetry.watch import Watch
from .installed import Installed
from .slot_store import SlotStore

if TYPE_CHECKING:
    from core.domain.profile import Profile

    from ..telemetry.health import Health
    from ..telemetry.ring import Ring

CALLERS_MISTAKES = range(300, 500)
"""HTTP statuses of requests that the model was not asked for anything by."""


class Answering:
    """A release that was loaded and has answered its golden rows. Safe to share between threads."""

    def __init__(
        self, installed: Installed, device: Device, ring: Callable[[], Ring], load: LoadPredictor | None
    ) -> None:
        """Load it; raises Transient, NotFound or Corrupt if it cannot be, or answers otherwise than it should."""
        self.release = installed.release
        self.origin = Origin(device.device, device.group, device.ring, installed.release, installed.version)
        self._cache = ModelCache(SlotStore(installed), load or load_predictor)
        self._served = self._cache.champion(installed.model)
        schema = self._served.loaded.manifest.schema
        self._watch = Watch(self._profile)
        self._log = PrivateLog(
            ring,
            self.origin,
            schema,
            installed.logged,
            self._watch.see,
            mode=device.log_mode,
            share=device.log_share,
            max_age=device.log_max_age,
        )
        self.shown = self._log.shown
        self._service = Service(self._cache, self._log, (installed.model,))
        self._counts = Counts()
        self.users = 0

    @property
    def max_body(self) -> int:
        """Bytes of a request's body, unzipped."""
        return self._service.max_body

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        began = time.perf_counter()
        answer = self._service.handle(request)
        if request.method == "POST" and answer.status not in CALLERS_MISTAKES:
            self._counts.add(time.perf_counter() - began, failed=answer.status >= CALLERS_MISTAKES.stop)
        return answer

    def predict(self, rows: Sequence[Any], request_id: str) -> list[dict[str, Any]]:
        """Answer rows given as `{field: value}`; raises BadInput if they are not as the model wants them."""
        served = self._served
        read = served.reader.rows(rows)
        began, failed = time.perf_counter(), True
        try:
            answer = score(served.loaded, read, self._log, request_id=request_id)
            failed = False
        finally:
            self._counts.add(time.perf_counter() - began, failed=failed)
        return plain(answer.outputs, answer.manifest.classes)

    def tick(self) -> None:
        """Write what is due, and count what was seen."""
        self._service.tick()
        self._watch.update()

    def close(self) -> None:
        """Write what is not written yet."""
        self._service.close()
        self._watch.update()

    def health(self, dropped: int) -> Health:
        """How well it does, where the ring gave up `dropped` records."""
        from ..telemetry.health import Health, memory_mb  # noqa: PLC0415 - the first answer does not wait for it

        counts, figures = self._counts, self._watch.figures()
        return Health(
            release=self.release,
            requests=counts.requests,
            errors=counts.errors,
            p50_ms=counts.milliseconds(0.5),
            p95_ms=counts.milliseconds(0.95),
            memory_mb=memory_mb(),
            uptime_s=round(counts.uptime, 1),
            dropped=dropped,
            drift=figures.features,
            output_drift=figures.outputs,
            drifted=figures.drifted,
        )

    def _profile(self) -> Profile:
        from core.domain.profile import Profile  # noqa: PLC0415 - the first answer does not wait for it

        return Profile.decode(self._cache.read(self._served, PROFILE))
