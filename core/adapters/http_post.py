"""POST over HTTP, tried again where that can help, with the standard library alone.

Redirects are not followed: what is sent is meant for the address that was named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import NoReturn
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..errors import Permanent, Transient

ATTEMPTS = 3
TIMEOUT = 10.0
"""Seconds that a connection, or a silence on it, may take."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0
"""Seconds between two attempts: doubled each time, or as the answer says; who asks for longer is left to the host."""

PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})

Headers = Callable[[], Mapping[str, str]]
"""Made anew for each attempt: a signature is of its time."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_opener = build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: Headers, what: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Send `body`; `what` names the receiver in sentences, without what is secret of its address.

    Raises Permanent if it is refused, Transient if no attempt got through.
    """
    wait = FIRST_WAIT
    for attempt in range(ATTEMPTS):
        failure, asked = _attempt(url, body, headers(), what)
        if failure is None:
            return
        pause = wait if asked is None else asked
        if attempt == ATTEMPTS - 1 or pause > LONGEST_WAIT:
            raise failure
        sleep(pause)
        wait *= 2


def _attempt(url: str, body: bytes, headers: Mapping[str, str], what: str) -> tuple[Transient | None, float | None]:
    """What went wrong for now, and after how many seconds the answer asks to try again."""
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 - the scheme was checked when it was opened
    try:
        with _opener.open(request, timeout=TIMEOUT):
            return None, None
    except HTTPError as error:
        error.close()
        if error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in PASSING:
            _refused(what, error.code)
        return Transient(f"{what} answered {error.code}."), _retry_after(error.headers.get("Retry-After"))
    except (OSError, HTTPException) as error:
        return Transient(f"{what} cannot be reached: {getattr(error, 'reason', error)}."), None


def _refused(what: str, code: int) -> NoReturn:
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        raise Permanent(f"{what} answered {code}, which leads elsewhere: name that address itself.")
    raise Permanent(f"{what} answered {code}: see whether the address and the secret are right.")


def _retry_after(text: str | None) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, 10.2.3); None if there is no such thing."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
