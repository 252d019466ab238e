"""One request on its way through the endpoint, and what answers requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from ..domain.schema import Schema
from ..domain.traffic import Role
from ..errors import BadInput, NotFound, TidemillError, Transient
from ..ports import ReadsCreates
from ..usecases.log_predictions import PredictionLog
from ..usecases.score_one import Answer, score
from . import http
from .access import EVERYONE, Caller, Scheme
from .cache import ModelCache
from .http import Request, Response
from .rows import Rows
from .served import Served
from .trials import Trials, key_of, named_version

if TYPE_CHECKING:
    from ..usecases.devices import Devices
    from .explaining import Explained, Explainer


class Backend:
    """What answers requests. `max_body` is in bytes, unzipped; `schemes` are the ways to say who asks.

    `open_edge` opens the zone of devices, when one asks for the first time; None where none are answered.
    """

    def __init__(
        self,
        cache: ModelCache,
        log: PredictionLog,
        trials: Trials,
        default_models: tuple[str, ...],
        max_body: int,
        schemes: tuple[Scheme, ...] = (),
        open_edge: Callable[[], ReadsCreates] | None = None,
    ) -> None:
        self.cache, self.log, self.trials = cache, log, trials
        self.default_models, self.max_body, self.schemes = default_models, max_body, schemes
        self._open_edge = open_edge

    @cached_property
    def explainer(self) -> Explainer:
        """Explains answers."""
        from .explaining import Explainer  # noqa: PLC0415 - few ask for that

        return Explainer(self.cache)

    @cached_property
    def devices(self) -> Devices:
        """Answers devices; raises NotFound where none are answered."""
        from ..usecases.devices import Devices  # noqa: PLC0415 - most processes answer no device

        if self._open_edge is None:
            raise NotFound("devices are not answered here.")
        return Devices(self._open_edge())

    def default_model(self) -> str | None:
        """The model that answers a request that names none: the one that is set, or else the one that is loaded."""
        for models in (self.default_models, self.cache.models):
            if len(models) == 1:
                return models[0]
        return None

    def served_schemas(self) -> list[Schema]:
        """What the rows of each loaded model are."""
        schemas = []
        for model in self.cache.models:
            with suppress(TidemillError):  # a model that is gone since is not told of
                schemas.append(self.cache.champion(model).loaded.manifest.schema)
        return schemas

    def check_ready(self) -> None:
        """Raises Transient if no model is loaded and none can be."""
        if not self.cache.models:
            failures = [f"{model}: {error}" for model, error in self._load_defaults()]
            if not self.cache.models:
                raise Transient("no model is loaded yet. " + " ".join(failures))

    def _load_defaults(self) -> Iterator[tuple[str, TidemillError]]:
        """Load the default models; yields those that cannot be served now, and why."""
        for model in self.default_models:
            try:
                self.cache.champion(model)
            except TidemillError as error:
                yield model, error


class Call(msgspec.Struct):
    """One request on its way: `path` are the parameters in its path, `served` the version that answers it.

    `named` tells that the request asked for that very version, `explained` why the rows were answered so.
    """

    backend: Backend
    request: Request
    id: str
    path: Mapping[str, str] = {}
    caller: Caller = EVERYONE
    served: Served | None = None
    named: bool = False
    explained: Sequence[Explained] = ()

    def find(self) -> Served:
        """The version that the path or the header names: the champion, unless a version is named."""
        return self._find(self.path["model"], self.path.get("version"))

    def _find(self, model: str, version: str | None) -> Served:
        if self.caller is not EVERYONE:
            self.caller.check(model)
        version = version or named_version(self.request)
        cache = self.backend.cache
        self.served = cache.champion(model) if version is None else cache.version(model, version)
        self.named = version is not None
        return self.served

    def find_default(self) -> Served:
        """The version for a request that names no model."""
        model = self.backend.default_model()
        if model is None:
            count = len(self.backend.cache.models)
            raise NotFound(f"{count} models are loaded here: name one, as in /v1/models/MODEL:predict.")
        return self._find(model, None)

    def body(self, beside: str = http.JSON) -> bytes:
        """The body, which must be JSON or of the type `beside`."""
        request = self.request
        if "content-type" in request.headers and http.media_type(request) not in {http.JSON, beside}:
            http.expect_json(request)
        return http.body_of(request, self.backend.max_body)

    def score(self, served: Served, rows: Rows) -> Answer:
        """Answer the rows, and record that; while a challenger is on trial, it may be the one that answers."""
        return self._explain(served, rows) if "explain" in self.request.query else self._answer(served, rows)

    def _explain(self, served: Served, rows: Rows) -> Answer:
        from .explaining import budget_of  # noqa: PLC0415 - few ask for that

        budget = budget_of(self.request)
        answer = self._answer(served, rows)
        if budget is not None:
            assert self.served is not None
            self.explained = self.backend.explainer.explain(self.served, rows, answer, budget)
        return answer

    def _answer(self, served: Served, rows: Rows) -> Answer:
        if served.trial is None:
            role: Role = "named" if self.named else "champion"
            return score(served.loaded, rows, self.backend.log, request_id=self.id, role=role)
        key = key_of(self.request, rows, self.id)
        trials = self.backend.trials
        self.served, answer = trials.answer(served, served.trial, rows, request_id=self.id, key=key)
        return answer

    def explanation_tensors(self) -> list[dict[str, Any]]:
        """The explanations that were asked for, as outputs of the Open Inference Protocol: told thereby."""
        if not self.explained:
            return []
        from .explaining import as_tensors  # noqa: PLC0415 - few ask for that

        told, self.explained = as_tensors(self.explained), ()
        return told

    def finished(self, body: dict[str, Any] | Response) -> Response:
        """The answer of a handler as a response, with the explanations that were asked for."""
        if self.explained:
            return self._with_explanations(body)
        return body if isinstance(body, Response) else http.json_response(body)

    def _with_explanations(self, body: dict[str, Any] | Response) -> Response:
        from .explaining import attach  # noqa: PLC0415 - few ask for that

        if isinstance(body, Response):
            raise BadInput("explanations are told in JSON alone: ask for no CSV.")
        return http.json_response(attach(body, self.explained))
