"""The composition root: settings in, everything that a function needs out. Tests override any part with a fake.

What is slow to import is imported when it is first asked for, so that each function pays for its own needs only.
"""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .adapters.registry import open_store, open_url
from .code import code_version
from .errors import Unsupported
from .layout import Zone
from .ports import Clock, JobRunner, LoadPredictor, ObjectStore, Publishes
from .settings import Settings

if TYPE_CHECKING:
    from .ports import Learner
    from .spec import ModelSpec


def _unlimited() -> float:
    """Seconds until the host ends a call, where it does not."""
    return math.inf


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)


class NoJobs:
    """For hosts that were given no way to start jobs."""

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's shape
        """Raises Unsupported."""
        raise Unsupported(f"job {job} ({name}) cannot be started: this host has no job runner.")


class Runtime:
    """One process's wiring."""

    def __init__(
        self,
        settings: Settings,
        *,
        stores: Mapping[Zone, ObjectStore] | None = None,
        jobs: JobRunner | None = None,
        clock: Clock | None = None,
        specs: Callable[[str], ModelSpec] | None = None,
        publishers: Mapping[str, Publishes] | None = None,
    ) -> None:
        self.settings = settings
        self.jobs: JobRunner = jobs or NoJobs()
        self.clock: Clock = clock or SystemClock()
        self.seconds_left: Callable[[], float] = _unlimited
        self._stores: dict[Zone, ObjectStore] = dict(stores or {})
        self._specs = specs
        self._publishers = publishers
        self._lock = threading.Lock()

    def ending(self, seconds_left: Callable[[], float]) -> Runtime:
        """The same wiring, for a call that the host ends when no `seconds_left` are left."""
        runtime = copy.copy(self)
        runtime.seconds_left = seconds_left
        return runtime

    def store(self, zone: Zone) -> ObjectStore:
        """The objects of one zone."""
        with self._lock:
            if zone not in self._stores:
                self._stores[zone] = self._open(zone)
            return self._stores[zone]

    @contextmanager
    def reading_ahead(self, models: Iterable[str]) -> Iterator[None]:
        """While this is open, what serving these models asks for is fetched beside whatever else is done."""
        from .adapters.store_ahead import ReadAhead  # noqa: PLC0415 - for a cold start alone

        plain = self.store("models")
        self._stores["models"] = ahead = ReadAhead(plain, models)
        try:
            yield
        finally:
            self._stores["models"] = plain
            ahead.forget()

    def _open(self, zone: Zone) -> ObjectStore:
        settings = self.settings
        if zone == "models" and settings.models_url is not None:
            return open_url(settings.models_url, settings.environ)
        return open_store(settings.store, zone, settings.environ)

    def spec(self, model: str) -> ModelSpec:
        """What is declared of a model; raises NotFound or BadSpec."""
        if self._specs is None:
            from .specfile import specs_in  # noqa: PLC0415 - pydantic and YAML stay off the realtime path

            self._specs = specs_in(self.settings.specs)
        return self._specs(model)

    @property
    def publishers(self) -> Mapping[str, Publishes]:
        """Those who are told of alerts, by an id each; raises BadInput or Unsupported."""
        if self._publishers is None:
            from .adapters.publish import open_publishers  # noqa: PLC0415 - one function tells anybody

            settings = self.settings
            self._publishers = open_publishers(settings.alerts, settings.alert_secrets, settings.environ)
        return self._publishers

    def user_function(self, name: str) -> Callable[..., Any]:
        """A function that a user wrote beside the specs; raises BadSpec if there is none of that name."""
        from .usercode import user_function  # noqa: PLC0415 - where specs name none, nothing is looked for

        return user_function(name, self.settings.specs)

    @property
    def load(self) -> LoadPredictor:
        """How a model is loaded."""
        from .inference.predictor import load_predictor  # noqa: PLC0415 - onnxruntime only where models are run

        return load_predictor

    @property
    def learner(self) -> Learner:
        """How a model is learned."""
        from .training.learner import SklearnLearner  # noqa: PLC0415 - scikit-learn only where models are trained

        engine = self.settings.engine
        if not engine:
            return SklearnLearner()
        from .adapters.engines import joblib_on  # noqa: PLC0415 - where there is an engine

        return SklearnLearner(lambda: joblib_on(engine))

    @property
    def code(self) -> str:
        """Which code this is."""
        return code_version()
