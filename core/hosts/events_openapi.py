"""`GET /events/openapi.json`: what the host of events takes. A request that fits the document is acted upon.

CloudEvents, schedules and trainings are told exactly. What vendors send in forms of their own is told in words: it is
theirs to document, and JSON Schema cannot say what is in base64 or URL-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ..code import __version__
from ..events import azure, google
from ..events.cloudevents import BATCH, MOST_EVENTS, STRUCTURED
from ..events.places import LONGEST_KEY, zone_places
from ..inference.access import Scheme
from ..inference.http import JSON
from ..inference.openapi import VERSION
from ..inference.openapi_headers import security_schemes
from ..inference.openapi_schemas import list_of, object_of, ref
from ..layout import MODEL_NAME

Json = dict[str, Any]

_TEXT: Json = {"type": "string", "minLength": 1}
_MAYBE: Json = {"type": ["string", "null"]}
_NUMBER: Json = {"type": ["string", "integer", "null"]}
_TIME: Json = {"type": "string", "format": "date-time"}
_MODEL: Json = {"type": "string", "pattern": f"^{MODEL_NAME.pattern}$"}
_PART = r"([^/.\u0000][^/\u0000]*|\.[^/.\u0000][^/\u0000]*|\.\.[^/\u0000]+)"
"""Of a key: not empty, and leading nowhere else."""
_NAME = f"{_PART}(/{_PART})*/?"
_KEY: Json = {**_TEXT, "maxLength": LONGEST_KEY, "pattern": f"^{_NAME}$"}
_VENDORS = rf"^({google.STORAGE}|{azure.STORAGE})".replace(".", r"\.")
_ABOUT = """Functions are called by events that are posted here: to `/events` for every one that is served, to
`/events/FUNCTION` for one alone. A CloudEvent 1.0 may be structured, in a batch, or binary: then its attributes are
headers (`ce-specversion`, `ce-id`, `ce-source`, `ce-type`, …), and the body is its data.

Taken besides, as JSON, each as its vendor documents it: bucket notifications of MinIO and Ceph (`Records`), what the
filer of SeaweedFS posts, and push subscriptions of Google Cloud Pub/Sub, of Cloud Storage's notifications or of one of
the messages that are told here.

200: everything is done. 503 and 500: it has to come again. 400: sending it again cannot help."""

_ANSWERS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "It cannot be read, tells of what is not ours, or a function refuses it for good.",
    HTTPStatus.UNAUTHORIZED: "Nobody knows who posts.",
    HTTPStatus.FORBIDDEN: "Whoever posts may not ask for every model.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "It is longer than a megabyte.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "It is zipped in a way that is not known.",
    HTTPStatus.TOO_MANY_REQUESTS: "Whoever posts does so more often than allowed.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A function failed in a way that nobody foresaw.",
    HTTPStatus.SERVICE_UNAVAILABLE: "It may succeed later.",
}


def document(store: str, functions: Iterable[str], schemes: Sequence[Scheme] = ()) -> Json:
    """The document of a host that serves `functions`, of the store at a URL with `{zone}` in it.

    `schemes` are the ways to say who posts, none where nobody has to.
    """
    one = {"name": "function", "in": "path", "required": True, "schema": {"enum": list(functions)}}
    told: Json = {
        "openapi": VERSION,
        "info": {"title": "Tidemill events", "version": __version__, "description": _ABOUT},
        "paths": {
            "/events": _place("every_function"),
            "/events/{function}": {"parameters": [one], **_place("one_function")},
            "/events/openapi.json": {"get": _itself()},
        },
        "components": {"schemas": _schemas(store)},
    }
    if schemes:
        told["components"]["securitySchemes"] = security_schemes(schemes)
        told["security"] = [{name: []} for name in told["components"]["securitySchemes"]]
    return told


def _place(name: str) -> Json:
    bodies = {STRUCTURED: "CloudEvent", BATCH: "Batch", JSON: "Message"}
    body = {"required": True, "content": {kind: {"schema": ref(each)} for kind, each in bodies.items()}}
    done = {"description": "Everything is done.", "content": {JSON: {"schema": ref("Done")}}}
    posted = {"operationId": name, "summary": "Tell of what happened.", "requestBody": body}
    return {
        "post": {**posted, "responses": {"200": done, **_failures(*_ANSWERS)}},
        "options": {
            "operationId": f"{name}_asks",
            "summary": "A sender asks whether it may post, as the abuse protection of CloudEvents' webhooks wants it.",
            "parameters": [{"name": azure.ORIGIN, "in": "header", "schema": {"type": "string"}}],
            "responses": {"200": {"description": "It may."}, **_failures(HTTPStatus.BAD_REQUEST)},
            "security": [],
        },
    }


def _itself() -> Json:
    told = {"description": "This.", "content": {JSON: {"schema": {"type": "object"}}}}
    denied = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
    return {"operationId": "document", "summary": "This document.", "responses": {"200": told, **_failures(*denied)}}


def _failures(*statuses: HTTPStatus) -> Json:
    content = {JSON: {"schema": ref("Error")}}
    return {str(int(status)): {"description": _ANSWERS[status], "content": content} for status in statuses}


def _schemas(store: str) -> Json:
    own = [
        object_of({"schedule": _TEXT}, {"model": _MODEL, "at": _TIME}),
        object_of({"training": _TEXT, "model": _MODEL}),
    ]
    return {
        "Done": object_of({"done": {"const": True}}),
        "Error": object_of({"error": {"type": "string", "description": "One sentence."}}),
        "Message": {"anyOf": own, "description": "The turn of a schedule, of a model or of all; a training to do."},
        "CloudEvent": {"anyOf": [*_written(store), *_ignored(), _any()]},
        "Batch": list_of(ref("CloudEvent"), maxItems=MOST_EVENTS),
    }


def _event(required: Mapping[str, Json], optional: Mapping[str, Json]) -> Json:
    attributes = {"specversion": {"const": "1.0"}, "id": _TEXT, "source": _TEXT, **required}
    others = {"subject": _MAYBE, "time": _MAYBE, **optional}
    return object_of(attributes, {name: each for name, each in others.items() if name not in attributes})


def _written(store: str) -> list[Json]:
    """Objects of the store's zones, as Google Cloud and Azure tell of them."""
    places = zone_places(store)
    if not all(places):  # of a store without buckets nobody tells so
        return []
    data = object_of({"bucket": {"enum": places}, "name": _KEY}, {"generation": _NUMBER})
    containers = "|".join(map(_literally, places))
    place = f"^/blobServices/default/containers/({containers})/blobs/{_NAME}$"
    subject = {"type": "string", "pattern": place, "maxLength": LONGEST_KEY}
    tagged = {"data": {"type": ["object", "null"], "properties": {"eTag": _MAYBE}}}
    return [
        _event({"type": {"const": google.FINALIZED}, "data": data}, {}),
        _event({"type": {"const": azure.CREATED}, "subject": subject}, tagged),
    ]


def _ignored() -> list[Json]:
    """What else can happen to objects: deleting them, for one."""
    kinds = {google.STORAGE: google.FINALIZED, azure.STORAGE: azure.CREATED}
    data = {"data": {"type": ["object", "null"]}}
    return [
        _event({"type": {"type": "string", "pattern": f"^{_literally(each)}", "not": {"const": wanted}}}, data)
        for each, wanted in kinds.items()
    ]


def _any() -> Json:
    """Whoever else sends one: its data is a message."""
    type_ = {**_TEXT, "not": {"pattern": _VENDORS}}
    return _event({"type": type_, "data": ref("Message")}, {"time": {"anyOf": [_TIME, {"enum": [None, ""]}]}})


def _literally(text: str) -> str:
    """As a pattern of ECMA 262, which lets nothing be escaped that means nothing."""
    return text.replace(".", r"\.")
