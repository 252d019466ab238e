"""Functions behind HTTP: any sender of CloudEvents or bucket notifications calls them, and retries what fails.

`POST /events` is for every function that is served here, `POST /events/FUNCTION` for one of them. 200 says that all is
done. 503 and 500 ask for the event again. 400 says that trying again cannot help: senders keep it as a dead letter.
`GET /events/openapi.json` tells what is taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from ..errors import BadInput, Permanent, TidemillError
from ..events.azure import permission
from ..events.deliveries import Decoder
from ..events.messages import Event
from ..inference.access import Access, Denied, Forbidden
from ..inference.http import Request, Response, body_of, json_response, problem
from ..specfile import spec_files
from .worker import Worker

EVENTS = "/events"
DOCUMENT = f"{EVENTS}/openapi.json"
ALLOWED = {"allow": "POST, OPTIONS"}
LARGEST = 1 << 20
"""Bytes of a body: senders stop at 512 KB (Eventarc) to 1 MB (Event Grid, Pub/Sub's for push is 10 MB of base64)."""

PATIENCE = 570.0
"""Seconds that senders wait for an answer: Pub/Sub and Knative ten minutes, and a moment for the way."""

log = logging.getLogger("tidemill")


class Deliveries:
    """Answers requests that carry events. `workers` are the functions served here, by name; `access` who may post."""

    def __init__(self, workers: Mapping[str, Worker], access: Access | None = None) -> None:
        self._workers = workers
        self._access = access or Access()

    def handle(self, request: Request) -> Response:
        """Do what the request tells of; the answer says whether it has to come again."""
        try:
            if request.path == DOCUMENT:
                return self._document(request)
            called = self._called(request.path)
            if request.method == "OPTIONS":
                return Response(HTTPStatus.OK, permission(request.headers) or ALLOWED, b"")
            if request.method != "POST":
                return problem(HTTPStatus.METHOD_NOT_ALLOWED, "events are posted here.", ALLOWED)
            self._admit(request)
            messages = self._messages(called, request)
        except Denied as error:
            return problem(error.status, str(error), error.headers)
        except BadInput as error:
            log.error("events: %s", error)  # noqa: TRY400 - a sentence, no traceback
            return problem(error.status, str(error))
        return _answer([error for worker in called for error in worker.errors(messages, _time_for(worker))])

    def _document(self, request: Request) -> Response:
        if request.method != "GET":
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, "this is only to be read.", {"allow": "GET"})
        self._admit(request)
        from .events_openapi import document  # noqa: PLC0415 - asked for by people, and not by events

        store = next(iter(self._workers.values())).runtime.settings.store
        return json_response(document(store, self._workers, self._access.schemes))

    def _admit(self, request: Request) -> None:
        caller = self._access.admit(request)
        if caller.models is not None:
            raise Forbidden(f"{caller.name} may ask for some models only: events need a key for all.")

    def _called(self, path: str) -> list[Worker]:
        name = path.removeprefix(EVENTS).strip("/")
        if not name:
            return list(self._workers.values())
        if name not in self._workers:
            raise BadInput(f"function {name[:80]!r} is not served here; {', '.join(self._workers)} are.")
        return [self._workers[name]]

    def _messages(self, called: list[Worker], request: Request) -> list[Event]:
        settings = called[0].runtime.settings
        models = [path.stem for path in spec_files(settings.specs)]
        body = body_of(request, LARGEST)
        return Decoder(settings.store, models).messages(request.headers, body, datetime.now(UTC))


def _time_for(worker: Worker) -> Callable[[], float]:
    """Seconds until the sender would send the event again, beside the work that is still done."""
    end = time.monotonic() + min(worker.declared.timeout, PATIENCE)
    return lambda: end - time.monotonic()


def _answer(errors: list[Exception]) -> Response:
    """One answer for all: what may succeed later comes before what cannot."""
    if not errors:
        return json_response({"done": True})
    unforeseen = [error for error in errors if not isinstance(error, TidemillError)]
    if unforeseen:
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"the function failed: {type(unforeseen[0]).__name__}.")
    for error in errors:
        if not isinstance(error, Permanent):
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return problem(HTTPStatus.BAD_REQUEST, str(errors[0]))
