"""Models in memory: the champion of each route, swapped in whole, and a few versions that were asked for by number.

A request holds on to the model it began with, so no answer mixes two versions. A version that cannot be loaded, or that
fails its golden rows, is not served: the one before goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .. import layout
from ..domain.route import Route
from ..errors import Corrupt, NotFound, TidemillError, Transient
from ..ports import LoadPredictor, Reads
from ..usecases.load_model import LoadedModel, load_version, prove
from .rows import RowReader

RETRY_AFTER = 30.0
"""Seconds until a version that could not be served is tried again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """A version that proved itself, with the reader of its rows."""

    loaded: LoadedModel
    reader: RowReader

    @property
    def version(self) -> str:
        """Which version this is."""
        return self.loaded.version


@dataclass(slots=True)
class _Slot:
    """What is known of one model: its route as last read, and the version that answers."""

    route: Route
    route_version: str
    checked: float
    served: Served


class ModelCache:
    """Loads versions on first need. Safe to share between threads: one loads, the others go on with what there is.

    A route is read again when it is older than `route_ttl` seconds. `versions` bounds how many versions beside the
    champions are kept; the least recently used leaves. `now` is in seconds, monotonic.
    """

    def __init__(
        self,
        models: Reads,
        load: LoadPredictor,
        *,
        route_ttl: float = 5.0,
        versions: int = 4,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models
        self._load_predictor = load
        self.route_ttl = route_ttl
        self._capacity = versions
        self._now = now
        self._slots: dict[str, _Slot] = {}
        self._others: dict[tuple[str, str], Served] = {}
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}
        self._loading = threading.RLock()
        self._guard = threading.Lock()

    def champion(self, model: str) -> Served:
        """The version that answers for `model`.

        Raises NotFound if nothing serves it, Transient if what should cannot be loaded.
        """
        slot = self._slots.get(model)
        if slot is None:
            slot = self._first(model)
        elif self._now() - slot.checked >= self.route_ttl:
            self._refresh(model)
            slot = self._slots.get(model) or self._first(model)
        return slot.served

    def version(self, model: str, version: str) -> Served:
        """One version, whoever is champion; raises NotFound if there is none, Transient if it cannot be loaded."""
        slot = self._slots.get(model)
        if slot is not None and slot.served.version == version:
            return slot.served
        served = self._recall(model, version)
        if served is None:
            with self._loading:
                served = self._recall(model, version) or self._load(model, version)
                self._remember(served)
        return served

    def versions(self, model: str) -> tuple[str, ...]:
        """Versions that may be asked for: the champion first, then the challenger and the earlier champions."""
        self.champion(model)
        route = self._slots[model].route
        challenger = () if route.challenger is None else (route.challenger,)
        return tuple(dict.fromkeys((route.champion, *challenger, *route.earlier)))

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are loaded."""
        return tuple(self._slots)

    def is_warm(self, model: str, version: str | None = None) -> bool:
        """Whether asking for it now reads nothing from the store."""
        slot = self._slots.get(model)
        if version is None:
            return slot is not None and self._now() - slot.checked < self.route_ttl
        return (slot is not None and slot.served.version == version) or (model, version) in self._others

    def refresh_all(self) -> None:
        """Read the routes again that are about to be too old, so that no request has to."""
        for model, slot in list(self._slots.items()):
            if self._now() - slot.checked >= self.route_ttl / 2:
                self._refresh(model)

    def _refresh(self, model: str) -> None:
        """Nothing happens while another thread loads: that one may take long, and what is served is good."""
        if not self._loading.acquire(blocking=False):
            return
        try:
            if model in self._slots:
                self._follow(self._slots[model])
        finally:
            self._loading.release()

    def _first(self, model: str) -> _Slot:
        with self._loading:
            slot = self._slots.get(model)
            if slot is None:
                slot = self._slots[model] = self._open(model)
            return slot

    def _open(self, model: str) -> _Slot:
        if not layout.MODEL_NAME.fullmatch(model):
            raise NotFound(f"there is no model {model[:80]!r}.")
        try:
            blob = self._models.get(layout.route(model))
        except NotFound as error:
            raise NotFound(f"there is no model {model!r} that serves: train it, or promote a version.") from error
        try:
            route = Route.decode(blob.data)
        except Corrupt as error:
            raise Transient(f"model {model} is not ready: {error}") from error
        return _Slot(route, blob.info.version, self._now(), self._best(route))

    def _best(self, route: Route) -> Served:
        """The champion or, where it cannot be served, the one before: as a process that ran all along would."""
        try:
            return self._routed(route.model, route.champion)
        except Transient as error:
            if not route.earlier:
                raise
            log.warning("version %s is not served: %s", route.champion, error, extra=_facts(route))
            return self._routed(route.model, route.earlier[0])

    def _follow(self, slot: _Slot) -> None:
        slot.checked = self._now()
        model = slot.route.model
        try:
            blob = self._models.get_if_changed(layout.route(model), slot.route_version)
            if blob is not None:
                slot.route, slot.route_version = Route.decode(blob.data), blob.info.version
            if slot.route.champion != slot.served.version:
                self._swap(slot)
        except NotFound:
            log.warning("model %s is served no more: its route is gone", model)
            del self._slots[model]
        except TidemillError as error:
            log.warning("version %s goes on: %s", slot.served.version, error, extra=_facts(slot.route))

    def _swap(self, slot: _Slot) -> None:
        before, slot.served = slot.served, self._routed(slot.route.model, slot.route.champion)
        self._remember(before)
        log.info("version %s serves", slot.served.version, extra=_facts(slot.route))

    def _routed(self, model: str, version: str) -> Served:
        """A version that the route names; raises Transient if it cannot be served."""
        try:
            return self._recall(model, version) or self._load(model, version)
        except NotFound as error:
            raise Transient(f"model {model} is not ready: {error}") from error

    def _load(self, model: str, version: str) -> Served:
        """Load and prove; raises NotFound if there is no such version, else Transient. Failures are remembered."""
        until, failure = self._failed.get((model, version), (0.0, ""))
        if failure and self._now() < until:
            raise Transient(failure)
        try:
            loaded = load_version(self._models, model, version, self._load_predictor)
            prove(self._models, loaded)
        except Corrupt as error:
            failure = f"version {version} of model {model} is not ready: {error}"
            self._failed[model, version] = self._now() + RETRY_AFTER, failure
            raise Transient(failure) from error
        return Served(loaded, RowReader(loaded.manifest.schema))

    def _recall(self, model: str, version: str) -> Served | None:
        with self._guard:
            served = self._others.pop((model, version), None)
            if served is not None:
                self._others[model, version] = served
        return served

    def _remember(self, served: Served) -> None:
        with self._guard:
            self._others[served.loaded.manifest.model, served.version] = served
            while len(self._others) > self._capacity:
                del self._others[next(iter(self._others))]


def _facts(route: Route) -> dict[str, dict[str, object]]:
    return {"facts": {"model": route.model, "champion": route.champion, "revision": route.revision}}
