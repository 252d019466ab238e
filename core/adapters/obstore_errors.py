"""What obstore's errors mean here: each is brought to an HTTP status, and one table says what that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from ..errors import (
    AlreadyExists,
    BadInput,
    NotFound,
    Permanent,
    TidemillError,
    Transient,
    Unsupported,
    VersionMismatch,
)

_STATUSES: Mapping[type[Exception], HTTPStatus] = {
    FileNotFoundError: HTTPStatus.NOT_FOUND,
    AlreadyExistsError: HTTPStatus.CONFLICT,
    PreconditionError: HTTPStatus.PRECONDITION_FAILED,
    PermissionDeniedError: HTTPStatus.FORBIDDEN,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    InvalidPathError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotSupportedError: HTTPStatus.NOT_IMPLEMENTED,
}

_BUSY = (Transient, "the store did not answer as it should just now")
_BUCKET = (Permanent, "the bucket does not exist: create it, or mend the store's URL")
_CREDENTIALS = (Transient, "no credentials were found: set the cloud's own variables or profile, or attach a role")

TABLE: Mapping[int, tuple[type[TidemillError], str]] = {
    HTTPStatus.MOVED_PERMANENTLY: (Permanent, "the bucket is in another region: set AWS_REGION to it"),
    HTTPStatus.UNAUTHORIZED: (Permanent, "the credentials are not valid: renew them"),
    HTTPStatus.FORBIDDEN: (
        Permanent,
        "access is denied: grant this identity the reading, listing and writing of objects there",
    ),
    HTTPStatus.NOT_FOUND: (NotFound, "the object is not there"),
    HTTPStatus.CONFLICT: (AlreadyExists, "the object is there already"),
    HTTPStatus.PRECONDITION_FAILED: (VersionMismatch, "the object is not that version any more"),
    HTTPStatus.REQUEST_TIMEOUT: _BUSY,
    HTTPStatus.TOO_MANY_REQUESTS: (Transient, "the store asks for fewer requests"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        BadInput,
        "there is an object whose key has an empty, '.' or '..' part: rename or delete it",
    ),
    HTTPStatus.NOT_IMPLEMENTED: (Unsupported, "the store cannot do that"),
}

_CODES: Mapping[str, tuple[type[TidemillError], str]] = {
    "NoSuchBucket": _BUCKET,
    "ContainerNotFound": _BUCKET,
    # Amazon S3 answers so while another conditional write of the same key is under way; nothing is decided yet.
    "ConditionalRequestConflict": (Transient, "another write of the object was under way"),
}


@contextmanager
def translated(url: str, key: str, *, conditional: bool = False) -> Iterator[None]:
    """Raise what obstore raises as Tidemill's own errors; `conditional` says that this is a compare-and-swap."""
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        status, code = _status(error), _code(error)
        kind, sentence = _CODES.get(code) or _meaning(error, status)
        if conditional and kind is AlreadyExists:
            kind, sentence = _CODES["ConditionalRequestConflict"]
        told = " ".join(str(part) for part in (status, code) if part)
        raise kind(f"{url}, key {key!r}: {sentence} ({told or _first_line(error)}).") from error


def _meaning(error: Exception, status: int | None) -> tuple[type[TidemillError], str]:
    message = str(error)
    if re.search(r"/latest/(api/token|meta-data)|/metadata/identity|security-credentials", message):
        return _CREDENTIALS
    if status is None:
        return _BUSY if "HTTP error" in message else (Permanent, "the store refused")
    if status == HTTPStatus.NOT_FOUND and not isinstance(error, FileNotFoundError | PreconditionError):
        return _BUCKET  # as a listing tells it
    known = TABLE.get(status)
    return known or (_BUSY if status >= HTTPStatus.INTERNAL_SERVER_ERROR else (Permanent, "the store refused"))


def _status(error: Exception) -> int | None:
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return status.value
    if "Received redirect without LOCATION" in str(error):
        return HTTPStatus.MOVED_PERMANENTLY.value
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else None


def _code(error: Exception) -> str:
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return found[1] if found else ""


def _first_line(error: Exception) -> str:
    """Without the query of any URL, where a signature may be."""
    return re.sub(r"\?\S*", "", str(error).partition("\n")[0])
