"""One call of a vendor's REST API with the standard library alone, its failures as ours."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Literal

from ..errors import Permanent, TidemillError, Transient

TIMEOUT = 30.0
PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked. `purpose` begins the sentence of a failure, such as "job train cannot be started"."""

    purpose: str
    vendor: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


def ask(call: Call, trust: ssl.SSLContext | None = None, done: int | None = None) -> bytes:
    """The answer's body, nothing if its status is `done`, which says that it is done already.

    Raises Transient if nobody answers or another time may help, else Permanent.
    """
    request = urllib.request.Request(call.url, call.body, dict(call.headers), method=call.method)  # noqa: S310 - of an API that settings name
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=trust) as answer:  # noqa: S310
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        with error:
            if error.code == done:
                return b""
            said = error.read(300).decode("utf-8", "replace")
        raise _kind(error.code)(f"{call.purpose}: {call.vendor} said {error.code} {said!r}.") from error
    except (OSError, HTTPException) as error:
        raise Transient(f"{call.purpose}: {error}") from error


def _kind(status: int) -> type[TidemillError]:
    return Transient if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING else Permanent
