"""Which endpoints are at a path. A protocol's module is imported when one of its paths is first asked for."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from .endpoint import Endpoint, Parameters

LONGEST_PATH = 300
"""Characters; there is nothing at a longer path."""

_PROTOCOLS = (
    ("/v1/models/", "v1_endpoints"),
    ("/v2", "v2_endpoints"),
    ("/v1/endpoints/", "vertex_endpoints"),
    ("/ping", "sagemaker_endpoints"),
    ("/invocations", "sagemaker_endpoints"),
    ("/openapi.json", "endpoints"),
)
"""How the paths of a protocol begin, and the module of its endpoints."""


class Found(NamedTuple):
    """An endpoint, and what stands at the names of its template."""

    endpoint: Endpoint
    parameters: Parameters


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


def _endpoints(path: str) -> list[Endpoint]:
    for start, module in _PROTOCOLS:
        if path.startswith(start):
            endpoints: list[Endpoint] = import_module(f".{module}", __package__).ENDPOINTS
            return endpoints
    return []
