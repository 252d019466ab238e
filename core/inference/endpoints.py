"""Every way to be asked: the paths of each protocol, what answers them, and what the OpenAPI document says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from ..code import __version__
from ..errors import NotFound, TidemillError, Transient
from ..usecases.log_predictions import PredictionLog
from ..usecases.score_one import Answer, score
from . import http, openapi, sagemaker, tfserving, v2
from .cache import ModelCache, Served
from .http import Request
from .openapi import READING, SERVING, Operation
from .rows import Rows


@dataclass(frozen=True, slots=True)
class Backend:
    """What answers requests. `max_body` is in bytes, unzipped."""

    cache: ModelCache
    log: PredictionLog
    default_models: tuple[str, ...]
    max_body: int

    def load_defaults(self) -> Iterator[tuple[str, TidemillError]]:
        """Load the default models; yields those that cannot be served now, and why."""
        for model in self.default_models:
            try:
                self.cache.champion(model)
            except TidemillError as error:
                yield model, error


@dataclass(slots=True)
class Call:
    """One request on its way: `path` are the parameters in its path, `served` the version that answers it."""

    backend: Backend
    request: Request
    id: str
    path: Mapping[str, str | None]
    served: Served | None = None

    def find(self) -> Served:
        """The version that the path names: the champion, unless a version is named too."""
        model, version, cache = self.path["model"] or "", self.path.get("version"), self.backend.cache
        self.served = cache.champion(model) if version is None else cache.version(model, version)
        return self.served

    def find_default(self) -> Served:
        """The version for a request that names no model."""
        models = self.backend.default_models
        if len(models) != 1:
            models = self.backend.cache.models
        if len(models) != 1:
            raise NotFound(f"{len(models)} models are loaded here: name one, as in /v1/models/MODEL:predict.")
        self.served = self.backend.cache.champion(models[0])
        return self.served

    def body(self, *, csv: bool = False) -> bytes:
        """The body, which must be JSON unless it is known to be CSV."""
        if not csv:
            http.expect_json(self.request)
        return http.body_of(self.request, self.backend.max_body)

    def score(self, served: Served, rows: Rows) -> Answer:
        """Answer the rows, and record that."""
        return score(served.loaded, rows, self.backend.log, request_id=self.id)


Handler: TypeAlias = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to be asked. `template` is the path, with `{model}` and `{version}` in it."""

    method: str
    template: str
    handler: Handler
    operation: Operation

    def pattern(self) -> re.Pattern[str]:
        """What paths fit. No parameter holds a slash, nor is it a version that could climb out of its folder."""
        parts = {"{model}": r"(?P<model>[^/:]+)", "{version}": r"(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{0,127})"}
        split = re.split(r"(\{\w+\})", self.template)
        return re.compile("".join(parts.get(part) or re.escape(part) for part in split))


ENDPOINTS: list[Endpoint] = []


def _endpoint(
    method: str,
    *templates: str,
    answer: str,
    request: str | None = None,
    csv: bool = False,
    failures: tuple[HTTPStatus, ...] = (),
) -> Callable[[Handler], Handler]:
    """Enter a handler into the table; its name and docstring tell the document what it does."""

    def enter(handler: Handler) -> Handler:
        summary = (handler.__doc__ or "").partition("\n")[0]
        for template in templates:
            name = handler.__name__ + ("_version" if "{version}" in template else "")
            operation = Operation(name, summary, answer, request, csv, failures)
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
    failures=(*READING, *SERVING),
)
def infer(call: Call) -> dict[str, Any]:
    """Answer tensors, one a feature."""
    body = call.body()
    served = call.find()
    request = v2.decode(body)
    return v2.encode(call.score(served, v2.rows_of(request, served.reader)), request)


@_endpoint("GET", "/v2", answer="Server")
def server(_call: Call) -> dict[str, Any]:
    """What this server is."""
    return {"name": "tidemill", "version": __version__, "extensions": []}


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


# TensorFlow Serving and Vertex AI ---------------------------------------------------------------------------

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
    request = tfserving.decode(body)
    return tfserving.encode(call.score(served, tfserving.rows_of(request, served.reader)), request)


@_endpoint("GET", _V1, _V1_VERSION, answer="ModelStatus", failures=SERVING)
def model_status(call: Call) -> dict[str, Any]:
    """Which version answers."""
    return tfserving.status(call.find().version)


# SageMaker --------------------------------------------------------------------------------------------------


@_endpoint("GET", "/ping", answer="Ready", failures=(HTTPStatus.SERVICE_UNAVAILABLE,))
def ping(call: Call) -> dict[str, Any]:
    """Whether a model is loaded, as SageMaker asks."""
    return ready(call)


@_endpoint(
    "POST", "/invocations", answer="PredictAnswer", request="Invocation", csv=True, failures=(*READING, *SERVING)
)
def invoke(call: Call) -> dict[str, Any]:
    """Answer rows, JSON or CSV, with the one model that is served."""
    csv = http.media_type(call.request) == sagemaker.CSV
    body = call.body(csv=csv)
    served = call.find_default()
    if csv:
        rows = sagemaker.rows_of_csv(body, call.request.headers["content-type"], served.reader)
    else:
        rows = sagemaker.rows_of_json(body, served.reader)
    return tfserving.row_answer(call.score(served, rows))


# itself -----------------------------------------------------------------------------------------------------


@_endpoint("GET", "/openapi.json", answer="Document")
def document(_call: Call) -> dict[str, Any]:
    """What can be asked here, and how."""
    return openapi.document(((each.method, each.template, each.operation) for each in ENDPOINTS), __version__)
