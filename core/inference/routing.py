"""Which endpoints are at a path. A protocol's module is imported when one of its paths is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from .endpoint import Endpoint, Parameters

if TYPE_CHECKING:
    from .answers import Answers

LONGEST_PATH = 300
"""Characters; there is nothing at a longer path."""

_PROTOCOLS = (
    ("/v1/models/", "v1_endpoints"),
    ("/v2", "v2_endpoints"),
    ("/v1/endpoints/", "vertex_endpoints"),
    ("/ping", "sagemaker_endpoints"),
    ("/invocations", "sagemaker_endpoints"),
    ("/openapi.json", "endpoints"),
    ("/edge/", "edge_endpoints"),
)
"""How the paths of a protocol begin, and the module of its endpoints."""


class Found(NamedTuple):
    """An endpoint, and what stands at the names of its template."""

    endpoint: Endpoint
    parameters: Parameters


class RowsAt(NamedTuple):
    """A model, and how its answers to rows and their prediction ids are told."""

    model: str
    told: Callable[[Answers, list[str]], dict[str, Any]]


def modules_of_endpoints() -> tuple[str, ...]:
    """The modules that are imported when a path of theirs is first asked for."""
    return tuple(dict.fromkeys(f"{__package__}.{module}" for _, module in _PROTOCOLS))


def find(path: str) -> dict[str, Found]:
    """What is at a path: method -> endpoint. What answers GET answers HEAD."""
    return _find(path) if len(path) <= LONGEST_PATH else {}


@lru_cache(maxsize=1024)
def _find(path: str) -> dict[str, Found]:
    """Remembered, since most requests have the same few."""
    found = {}
    for endpoint in _endpoints(path):
        parameters = endpoint.parameters(path.rstrip("/"))
        if parameters is not None:
            found[endpoint.method] = Found(endpoint, parameters)
    return found | {"HEAD": found["GET"]} if "GET" in found else found


def rows_at(path: str) -> RowsAt | None:
    """Who answers rows that are posted to this path, where it names a model and no version; None at any other."""
    return _rows_at(path) if len(path) <= LONGEST_PATH else None


@lru_cache(maxsize=1024)
def _rows_at(path: str) -> RowsAt | None:
    found = find(path).get("POST")
    if found is None or not found.endpoint.template.endswith("/{model}:predict"):
        return None
    from .tfserving import row_answer  # noqa: PLC0415 - `find` has imported it, as this is one of its paths

    return RowsAt(found.parameters["model"], row_answer)


def _endpoints(path: str) -> list[Endpoint]:
    for start, module in _PROTOCOLS:
        if path.startswith(start):
            endpoints: list[Endpoint] = import_module(f".{module}", __package__).ENDPOINTS
            return endpoints
    return []
