"""Models in memory: the champion and the challenger of each route, swapped in whole, and versions asked for by number.

A request holds on to what it began with, so no answer mixes two versions. A version that cannot be loaded, or that
fails its golden rows, is not served: the one before goes on, and `refusals` tells of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from .. import layout
from ..domain.route import Route
from ..errors import Corrupt, NotFound, TidemillError, Transient
from ..ports import LoadPredictor, Reads
from ..usecases.load_model import load_version, prove, read_file
from .refusals import Refusal, Refusals, Unfit
from .rows import RowReader
from .served import Served, Trial, check_inputs

RETRY_AFTER = 30.0
"""Seconds until a version that could not be served is tried again."""
MEMORY = 256 * 1024 * 1024
"""Bytes that models may take unless told otherwise: half of what the function is given."""

log = logging.getLogger(__name__)


class _Slot(msgspec.Struct):
    """What is known of one model: its route as last read, who answers, and when it was last asked."""

    route: Route
    route_version: str
    checked: float
    used: float
    served: Served

    @property
    def staffed(self) -> bool:
        """Whether those whom the route names are those who answer."""
        trial = self.served.trial
        challenger = None if trial is None else trial.challenger.version
        return (self.served.version, challenger) == (self.route.champion, self.route.challenger)


class ModelCache:
    """Loads versions on first need. Safe to share between threads: one loads, the others go on with what there is.

    A route is read again when it is older than `route_ttl` seconds. All that is loaded takes at most `memory` bytes, as
    far as can be told: the least recently used version that nobody is routed to leaves first, then the least recently
    used model; never the one that was just asked for. `now` is in seconds, monotonic.
    """

    def __init__(
        self,
        models: Reads,
        load: LoadPredictor,
        *,
        route_ttl: float = 5.0,
        memory: int = MEMORY,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models
        self._load_predictor = load
        self.route_ttl = route_ttl
        self._memory = memory
        self._now = now
        self._slots: dict[str, _Slot] = {}
        self._others: dict[tuple[str, str], Served] = {}
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}
        self.refusals = Refusals()
        self._loading = threading.RLock()
        self._guard = threading.Lock()

    def champion(self, model: str) -> Served:
        """Who answers for `model`: the champion, with the trial that the route has set up beside it.

        Raises NotFound if nothing serves it, Transient if what should cannot be loaded.
        """
        slot, now = self._slots.get(model), self._now()
        if slot is None:
            slot = self._first(model)
        elif now - slot.checked >= self.route_ttl:
            self._refresh(model)
            slot = self._slots.get(model) or self._first(model)
        slot.used = now
        return slot.served

    def at_hand(self, model: str) -> Served | None:
        """What `champion` gives, where that reads nothing from the store; else None."""
        slot, now = self._slots.get(model), self._now()
        if slot is None or now - slot.checked >= self.route_ttl:
            return None
        slot.used = now
        return slot.served

    def version(self, model: str, version: str) -> Served:
        """One version, whoever is champion; raises NotFound if there is none, Transient if it cannot be loaded."""
        served = self._held(model, version)
        if served is None:
            _check_name(model)
            with self._loading:
                served = self._held(model, version) or self._load(model, version)
                self._remember(served)
                self._make_room(model, version)
        return served

    def versions(self, model: str) -> tuple[str, ...]:
        """Versions that may be asked for: the champion first, then the challenger and the earlier champions."""
        self.champion(model)
        route = self._slots[model].route
        challenger = () if route.challenger is None else (route.challenger,)
        return tuple(dict.fromkeys((route.champion, *challenger, *route.earlier)))

    def read(self, served: Served, name: str) -> bytes:
        """A file of a version, from the store; raises Corrupt if it is not what its manifest says."""
        return read_file(self._models, served.loaded.manifest, name)

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are loaded."""
        return tuple(self._slots)

    @property
    def size(self) -> int:
        """Bytes that all that is loaded takes, as far as can be told."""
        slots = sum(slot.served.size for slot in list(self._slots.values()))
        return slots + sum(served.size for served in list(self._others.values()))

    def is_warm(self, model: str, version: str | None = None) -> bool:
        """Whether asking for it now reads nothing from the store."""
        slot = self._slots.get(model)
        if version is None:
            return slot is not None and self._now() - slot.checked < self.route_ttl
        return (slot is not None and slot.served.serves(version)) or (model, version) in self._others

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
                self._make_room(model)
            return slot

    def _open(self, model: str) -> _Slot:
        _check_name(model)
        try:
            blob = self._models.get(layout.route(model))
        except NotFound as error:
            raise NotFound(f"there is no model {model!r} that serves: train it, or promote a version.") from error
        try:
            route = Route.decode(blob.data)
        except Corrupt as error:
            raise Transient(f"model {model} is not ready: {error}") from error
        return _Slot(route, blob.info.version, self._now(), self._now(), self._best(route))

    def _best(self, route: Route) -> Served:
        """The champion or, where it cannot be served, the one before: as a process that ran all along would."""
        try:
            return self._with_trial(route, self._routed(route, route.champion, serving=next(iter(route.earlier), None)))
        except Transient as error:
            if not route.earlier:
                raise
            log.warning("version %s is not served: %s", route.champion, error, extra=_facts(route))
            return self._routed(route, route.earlier[0])

    def _with_trial(self, route: Route, champion: Served) -> Served:
        """The champion beside its challenger; alone while there is none that can take part."""
        if route.challenger is None:
            return champion
        try:
            challenger = self._routed(route, route.challenger, serving=champion.version, beside=champion)
        except TidemillError as error:
            log.warning("version %s challenges nobody: %s", route.challenger, error, extra=_facts(route))
            return champion
        return replace(champion, trial=Trial(route, challenger))

    def _follow(self, slot: _Slot) -> None:
        slot.checked = self._now()
        model = slot.route.model
        try:
            blob = self._models.get_if_changed(layout.route(model), slot.route_version)
            if blob is not None:
                slot.route, slot.route_version = Route.decode(blob.data), blob.info.version
            if blob is not None or not slot.staffed:
                self._swap(slot)
        except NotFound:
            log.warning("model %s is served no more: its route is gone", model)
            del self._slots[model]
        except TidemillError as error:
            log.warning("version %s goes on: %s", slot.served.version, error, extra=_facts(slot.route))

    def _swap(self, slot: _Slot) -> None:
        """Let those answer whom the route names; the trial before ends, whoever can be loaded."""
        before, route = slot.served, slot.route
        slot.served = replace(before, trial=None)
        self._remember(*before.alone())
        try:
            champion = self._routed(route, route.champion, serving=before.version)
            slot.served = self._with_trial(route, champion)
        finally:
            with self._guard:
                for served in slot.served.alone():
                    self._others.pop((route.model, served.version), None)
            self._make_room(route.model)
        if slot.served.version != before.version:
            log.info("version %s serves", slot.served.version, extra=_facts(route))

    def _routed(
        self, route: Route, version: str, *, serving: str | None = None, beside: Served | None = None
    ) -> Served:
        """A version that the route names; raises Transient if it cannot be served, `serving` being who goes on.

        One `beside` another must be able to answer what that one is asked.
        """
        try:
            served = self._held(route.model, version) or self._load(route.model, version)
            if beside is not None:
                self._check_inputs(served, beside)
        except (Unfit, NotFound) as error:
            self.refusals.note(Refusal(route.model, version, serving, route.revision, str(error)))
            sentence = str(error) if isinstance(error, Unfit) else f"model {route.model} is not ready: {error}"
            raise Transient(sentence) from error
        return served

    def _check_inputs(self, challenger: Served, champion: Served) -> None:
        """Raises Unfit if it cannot take part; it is kept then, not to be loaded again at each look."""
        try:
            check_inputs(challenger, champion)
        except Unfit:
            self._remember(challenger)
            raise

    def _load(self, model: str, version: str) -> Served:
        """Load and prove; raises NotFound if there is no such version, Unfit if it is not to be served.

        Failures are remembered for a while.
        """
        until, failure = self._failed.get((model, version), (0.0, ""))
        if failure and self._now() < until:
            raise Unfit(failure)
        try:
            loaded = load_version(self._models, model, version, self._load_predictor)
            prove(self._models, loaded)
        except Corrupt as error:
            failure = f"version {version} of model {model} is not ready: {error}"
            self._failed[model, version] = self._now() + RETRY_AFTER, failure
            raise Unfit(failure) from error
        return Served(loaded, RowReader(loaded.manifest.schema))

    def _held(self, model: str, version: str) -> Served | None:
        """A version that is in memory, without any trial."""
        slot = self._slots.get(model)
        for served in () if slot is None else slot.served.alone():
            if served.version == version:
                return served
        with self._guard:
            other = self._others.pop((model, version), None)
            if other is not None:
                self._others[model, version] = other
        return other

    def _remember(self, *versions: Served) -> None:
        with self._guard:
            for served in versions:
                self._others[served.loaded.manifest.model, served.version] = served

    def _make_room(self, model: str, version: str | None = None) -> None:
        """Let go of what was used least, but of neither the model nor the version that was just asked for."""
        with self._guard:
            others = [each for each in self._others if each != (model, version)]
            idle = sorted((slot.used, name) for name, slot in self._slots.items() if name != model)
            for other in others:
                if self.size <= self._memory:
                    return
                del self._others[other]
            for _used, name in idle:
                if self.size <= self._memory:
                    return
                del self._slots[name]


def _facts(route: Route) -> dict[str, dict[str, object]]:
    return {"facts": {"model": route.model, "champion": route.champion, "revision": route.revision}}


def _check_name(model: str) -> None:
    if not layout.MODEL_NAME.fullmatch(model):
        raise NotFound(f"there is no model {model[:80]!r}.")
