"""One way to be asked: its path, what answers it, and what the OpenAPI document says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec

from .call import Call
from .http import Response
from .trials import VERSION_NAME

READING = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""How reading a body may fail."""
SERVING = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
"""How finding a model may fail."""
ANSWERED_TO_EVERYBODY = frozenset({"Live", "Ready"})
"""Answers that are no secret, whoever asks."""

Handler: TypeAlias = Callable[[Call], dict[str, Any] | Response]
Parameters: TypeAlias = Mapping[str, str]


class Operation(msgspec.Struct, frozen=True):
    """What the document says of one endpoint.

    `answer` names a schema of the document, `request` the kind of body; `also` is a media type that both may have
    beside JSON. `status` is that of success. `told` has the parameters, the body and the responses of what asks no
    model, as OpenAPI has them, beside those that all have.
    """

    id: str
    summary: str
    answer: str
    request: str | None = None
    also: str | None = None
    failures: tuple[HTTPStatus, ...] = ()
    status: HTTPStatus = HTTPStatus.OK
    told: Mapping[str, Any] | None = None


class Endpoint(msgspec.Struct, frozen=True):
    """One way to be asked. `template` is the path, with names in braces for what stands there.

    `waits` says that every answer has to wait for a store.
    """

    method: str
    template: str
    handler: Handler
    operation: Operation
    waits: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is answered to everybody."""
        return self.operation.answer in ANSWERED_TO_EVERYBODY

    def parameters(self, path: str) -> Parameters | None:
        """What stands at the names of the template; None for a path that does not fit.

        No parameter holds a slash, nor is it a version that could climb out of its folder.
        """
        wanted, given = _parts(self.template), _parts(path)
        if len(wanted) != len(given) or not all(map(_fits, wanted, given)):
            return None
        return {part[1:-1]: text for part, text in zip(wanted, given, strict=True) if part[:1] == "{"}


class Endpoints(list[Endpoint]):
    """The endpoints of one protocol."""

    def enter(
        self,
        method: str,
        *templates: str,
        answer: str,
        request: str | None = None,
        also: str | None = None,
        failures: tuple[HTTPStatus, ...] = (),
        status: HTTPStatus = HTTPStatus.OK,
        told: Mapping[str, Any] | None = None,
        waits: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Enter a handler; its name and docstring tell the document what it does."""

        def entered(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").partition("\n")[0]
            for template in templates:
                name = handler.__name__ + ("_version" if "{version}" in template else "")
                operation = Operation(name, summary, answer, request, also, failures, status, told)
                self.append(Endpoint(method, template, handler, operation, waits))
            return handler

        return entered


def _parts(path: str) -> list[str]:
    return path.replace(":", "/:").split("/")


def _fits(wanted: str, given: str) -> bool:
    if wanted == "{version}":
        return VERSION_NAME.fullmatch(given) is not None
    return wanted == given or (wanted[:1] == "{" and given[:1] not in {"", ":"})
