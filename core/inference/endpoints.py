"""Every way to be asked, of all protocols, and the document that tells of them."""

from __future__ import annotations

from typing import Any

from ..code import __version__
from . import edge_endpoints, openapi, sagemaker_endpoints, v1_endpoints, v2_endpoints, vertex_endpoints
from .call import Call
from .endpoint import Endpoints

_ITSELF = Endpoints()


@_ITSELF.enter("GET", "/openapi.json", answer="Document")
def document(call: Call) -> dict[str, Any]:
    """What can be asked here, and how."""
    operations = ((each.method, each.template, each.operation) for each in ENDPOINTS)
    backend = call.backend
    models, default = backend.served_schemas(), backend.default_model()
    return openapi.document(operations, __version__, models, default, backend.schemes)


ENDPOINTS = Endpoints(
    [
        *v2_endpoints.ENDPOINTS,
        *v1_endpoints.ENDPOINTS,
        *vertex_endpoints.ENDPOINTS,
        *sagemaker_endpoints.ENDPOINTS,
        *edge_endpoints.ENDPOINTS,
        *_ITSELF,
    ]
)
