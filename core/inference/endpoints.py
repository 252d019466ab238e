"""Every way to be asked: the paths of each protocol, what answers them, and what the OpenAPI document says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from ..code import __version__
from ..domain.schema import Schema
from ..domain.traffic import Role
from ..errors import BadInput, NotFound, TidemillError, Transient
from ..usecases.log_predictions import PredictionLog
from ..usecases.score_one import Answer, score
from . import http, openapi, sagemaker, tensors, tfserving, v2, vertex
from .access import EVERYONE, Caller
from .cache import ModelCache
from .explaining import Explained, Explainer, attach, budget_of
from .http import Request, Response
from .openapi import READING, SERVING, Operation
from .rows import Rows
from .served import Served
from .trials import Trials, key_of, named_version


@dataclass(frozen=True, slots=True)
class Backend:
    """What answers requests. `max_body` is in bytes, unzipped."""

    cache: ModelCache
    log: PredictionLog
    trials: Trials
    explainer: Explainer
    default_models: tuple[str, ...]
    max_body: int

    def load_defaults(self) -> Iterator[tuple[str, TidemillError]]:
        """Load the default models; yields those that cannot be served now, and why."""
        for model in self.default_models:
            try:
                self.cache.champion(model)
            except TidemillError as error:
                yield model, error

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


@dataclass(slots=True)
class Call:
    """One request on its way: `path` are the parameters in its path, `served` the version that answers it.

    `named` tells that the request asked for that very version, `explained` why the rows were answered so.
    """

    backend: Backend
    request: Request
    id: str
    path: Mapping[str, str | None]
    caller: Caller = EVERYONE
    served: Served | None = None
    named: bool = False
    explained: Sequence[Explained] = ()

    def find(self) -> Served:
        """The version that the path or the header names: the champion, unless a version is named."""
        return self._find(self.path["model"] or "", self.path.get("version"))

    def _find(self, model: str, version: str | None) -> Served:
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
        if http.media_type(self.request) != beside:
            http.expect_json(self.request)
        return http.body_of(self.request, self.backend.max_body)

    def score(self, served: Served, rows: Rows) -> Answer:
        """Answer the rows, and record that; while a challenger is on trial, it may be the one that answers."""
        budget = budget_of(self.request, rows) if self.request.query else None
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

    def finished(self, body: dict[str, Any] | Response) -> Response:
        """The answer of a handler as a response, with the explanations that were asked for."""
        if isinstance(body, Response):
            if self.explained:
                raise BadInput("explanations are told in JSON alone: ask for no binary outputs and for no CSV.")
            return body
        return http.json_response(attach(body, self.explained) if self.explained else body)


Handler: TypeAlias = Callable[[Call], dict[str, Any] | Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to be asked. `template` is the path, with names in braces for what stands there."""

    method: str
    template: str
    handler: Handler
    operation: Operation

    def pattern(self) -> re.Pattern[str]:
        """What paths fit. No parameter holds a slash, nor is it a version that could climb out of its folder."""
        parts = re.split(r"(\{\w+\})", self.template)
        return re.compile("".join(_parameter(part[1:-1]) if part[:1] == "{" else re.escape(part) for part in parts))


def _parameter(name: str) -> str:
    return rf"(?P<{name}>{'[A-Za-z0-9][A-Za-z0-9._-]{0,127}' if name == 'version' else '[^/:]+'})"


ENDPOINTS: list[Endpoint] = []


def _endpoint(
    method: str,
    *templates: str,
    answer: str,
    request: str | None = None,
    also: str | None = None,
    failures: tuple[HTTPStatus, ...] = (),
) -> Callable[[Handler], Handler]:
    """Enter a handler into the table; its name and docstring tell the document what it does."""

    def enter(handler: Handler) -> Handler:
        summary = (handler.__doc__ or "").partition("\n")[0]
        for template in templates:
            name = handler.__name__ + ("_version" if "{version}" in template else "")
            operation = Operation(name, summary, answer, request, also, failures)
            ENDPOINTS.append(Endpoint(method, template, handler, operation))
        return handler

    return enter


# Open Inference Protocol ------------------------------------------------------------------------------------

_V2, _V2_VERSION = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"


@_endpoint(
    "POST",
    f"{_V2}/infer",
    f"{_V2_VERSION}/infer",
    answer="InferAnswer",
    request="InferRequest",
    also=tensors.MEDIA_TYPE,
    failures=(*READING, *SERVING),
)
def infer(call: Call) -> dict[str, Any] | Response:
    """Answer tensors, one a feature."""
    body = call.body(tensors.MEDIA_TYPE)
    served = call.find()
    request, behind = v2.decode(body, call.request.headers.get(tensors.HEADER))
    return v2.encode(call.score(served, v2.rows_of(request, served.reader, behind)), request)


@_endpoint("GET", "/v2", answer="Server")
def server(_call: Call) -> dict[str, Any]:
    """What this server is."""
    return {"name": "tidemill", "version": __version__, "extensions": list(v2.EXTENSIONS)}


@_endpoint("GET", "/v2/health/live", answer="Live")
def live(_call: Call) -> dict[str, Any]:
    """Whether the server runs."""
    return {"live": True}


@_endpoint("GET", "/v2/health/ready", answer="Ready", failures=(HTTPStatus.SERVICE_UNAVAILABLE,))
def ready(call: Call) -> dict[str, Any]:
    """Whether a model is loaded."""
    if not call.backend.cache.models:
        failures = [f"{model}: {error}" for model, error in call.backend.load_defaults()]
        if not call.backend.cache.models:
            raise Transient("no model is loaded yet. " + " ".join(failures))
    return {"ready": True}


@_endpoint("GET", _V2, _V2_VERSION, answer="Model", failures=SERVING)
def model_metadata(call: Call) -> dict[str, Any]:
    """What a model takes and gives."""
    served = call.find()
    manifest = served.loaded.manifest
    asked = call.path.get("version")
    return v2.metadata(manifest, [asked] if asked else call.backend.cache.versions(manifest.model))


@_endpoint("GET", f"{_V2}/ready", f"{_V2_VERSION}/ready", answer="ModelReady", failures=SERVING)
def model_ready(call: Call) -> dict[str, Any]:
    """Whether a model answers."""
    return {"name": call.find().loaded.manifest.model, "ready": True}


# TensorFlow Serving -----------------------------------------------------------------------------------------

_V1, _V1_VERSION = "/v1/models/{model}", "/v1/models/{model}/versions/{version}"


@_endpoint(
    "POST",
    f"{_V1}:predict",
    f"{_V1_VERSION}:predict",
    answer="PredictAnswer",
    request="PredictRequest",
    failures=(*READING, *SERVING),
)
def predict(call: Call) -> dict[str, Any]:
    """Answer rows or columns."""
    body = call.body()
    served = call.find()
    rows = served.reader.instances(body)
    if rows is not None:
        return tfserving.row_answer(call.score(served, rows))
    request = tfserving.decode(body)
    return tfserving.encode(call.score(served, tfserving.rows_of(request, served.reader)), request)


@_endpoint("GET", _V1, _V1_VERSION, answer="ModelStatus", failures=SERVING)
def model_status(call: Call) -> dict[str, Any]:
    """Which versions answer."""
    manifest, cache, asked = call.find().loaded.manifest, call.backend.cache, call.path.get("version")
    others = () if asked else cache.versions(manifest.model)
    loaded = [version for version in others if cache.is_warm(manifest.model, version)]
    return tfserving.status(manifest.model, loaded or [manifest.version])


@_endpoint("GET", f"{_V1}/metadata", f"{_V1_VERSION}/metadata", answer="ModelSignature", failures=SERVING)
def model_signature(call: Call) -> dict[str, Any]:
    """What a model takes and gives, as TensorFlow Serving tells it."""
    return tfserving.metadata(call.find().loaded.manifest)


# Vertex AI --------------------------------------------------------------------------------------------------


@_endpoint("POST", vertex.PREDICT, answer="VertexAnswer", request="VertexRequest", failures=(*READING, *SERVING))
def vertex_predict(call: Call) -> dict[str, Any]:
    """Answer rows with the one model that is served, on the route that Vertex AI asks by default."""
    body = call.body()
    served = call.find_default()
    request = tfserving.decode(body)
    return vertex.encode(call.score(served, tfserving.rows_of(request, served.reader)))


@_endpoint("GET", vertex.HEALTH, answer="Ready", failures=SERVING)
def vertex_health(call: Call) -> dict[str, Any] | Response:
    """Whether a model is loaded, as Vertex AI asks."""
    return ready(call)


# SageMaker --------------------------------------------------------------------------------------------------


@_endpoint("GET", "/ping", answer="Ready", failures=(HTTPStatus.SERVICE_UNAVAILABLE,))
def ping(call: Call) -> dict[str, Any] | Response:
    """Whether a model is loaded, as SageMaker asks."""
    return ready(call)


@_endpoint(
    "POST",
    "/invocations",
    answer="PredictAnswer",
    request="Invocation",
    also=sagemaker.CSV,
    failures=(*READING, *SERVING),
)
def invoke(call: Call) -> dict[str, Any] | Response:
    """Answer rows, JSON or CSV, with the one model that is served."""
    body = call.body(sagemaker.CSV)
    served = call.find_default()
    if http.media_type(call.request) == sagemaker.CSV:
        rows = sagemaker.rows_of_csv(body, call.request.headers["content-type"], served.reader)
    else:
        rows = sagemaker.rows_of_json(body, served.reader)
    return sagemaker.encode(call.score(served, rows), call.request.headers.get("accept", ""))


# itself -----------------------------------------------------------------------------------------------------


@_endpoint("GET", "/openapi.json", answer="Document")
def document(call: Call) -> dict[str, Any]:
    """What can be asked here, and how."""
    operations = ((each.method, each.template, each.operation) for each in ENDPOINTS)
    return openapi.document(operations, __version__, call.backend.served_schemas(), call.backend.default_model())
