"""The composition root: settings in, everything that a function needs out. Tests override any part with a fake.

What is slow to import is imported when it is first asked for, so that each function pays for its own needs only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .adapters.registry import open_store, open_url
from .code import code_version
from .errors import Unsupported
from .layout import Zone
from .ports import Clock, JobRunner, LoadPredictor, ObjectStore
from .settings import Settings

if TYPE_CHECKING:
    from .ports import Learner
    from .spec import ModelSpec


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
    ) -> None:
        self.settings = settings
        self.jobs: JobRunner = jobs or NoJobs()
        self.clock: Clock = clock or SystemClock()
        self._stores: dict[Zone, ObjectStore] = dict(stores or {})
        self._specs = specs
        self._lock = threading.Lock()

    def store(self, zone: Zone) -> ObjectStore:
        """The objects of one zone."""
        with self._lock:
            if zone not in self._stores:
                self._stores[zone] = self._open(zone)
            return self._stores[zone]

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
    def load(self) -> LoadPredictor:
        """How a model is loaded."""
        from .inference.predictor import load_predictor  # noqa: PLC0415 - onnxruntime only where models are run

        return load_predictor

    @property
    def learner(self) -> Learner:
        """How a model is learned."""
        from .training.learner import SklearnLearner  # noqa: PLC0415 - scikit-learn only where models are trained

        return SklearnLearner()

    @property
    def code(self) -> str:
        """Which code this is."""
        return code_version()
