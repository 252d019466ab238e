"""Who may ask for what: API keys, JSON Web Tokens, or nobody is asked because the host has done so already.

A key comes as `Authorization: Bearer <key>` or as `x-api-key: <key>`, a token as `Authorization: Bearer <token>`
(RFC 6750). Health checks are answered to everybody.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

import msgspec

from ..errors import Refused
from .http import Request

if TYPE_CHECKING:
    from ..settings import AccessSettings

Scheme: TypeAlias = Literal["key", "token"]
"""How a caller says who asks."""

API_KEY = "x-api-key"
MOST_BUCKETS = 10_000
"""Callers that are remembered at once, before those who have not asked for a while are forgotten."""


class Denied(Refused):
    """The request is not answered; `headers` go with the refusal."""

    headers: Mapping[str, str] = {}


class Unauthorized(Denied):
    """Nobody knows who asks. RFC 6750 section 3 has the header."""

    status: ClassVar[HTTPStatus] = HTTPStatus.UNAUTHORIZED
    headers: Mapping[str, str] = {"www-authenticate": 'Bearer realm="tidemill"'}


class Forbidden(Denied):
    """Whoever asks may not ask for this model."""

    status: ClassVar[HTTPStatus] = HTTPStatus.FORBIDDEN


class TooManyRequests(Denied):
    """Asked more often than allowed; RFC 9110 section 10.2.3 has the header."""

    status: ClassVar[HTTPStatus] = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, caller: str, wait: float) -> None:
        """`wait` is in seconds until the next request is answered."""
        seconds = max(1, math.ceil(wait))
        super().__init__(f"{caller} asks more often than it may: try again in {seconds} s.")
        self.headers = {"retry-after": str(seconds)}


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a name for the log, and the models that it may ask for; None is every model."""

    name: str
    models: frozenset[str] | None = None

    def check(self, model: str) -> None:
        """Raises Forbidden unless the caller may ask for `model`."""
        if self.models is not None and model not in self.models:
            raise Forbidden(f"{self.name} may not ask for model {model[:80]!r}.")


EVERYONE = Caller("everyone")


class Authority(Protocol):
    """One way to tell who asks."""

    scheme: ClassVar[Scheme]

    def recognise(self, credential: str) -> Caller | None:
        """Whose credential this is; None if it is not of this authority's making. Raises Unauthorized if it is bad."""
        ...


class Access:
    """Tells who asks by the authorities given, and how often each may. `rate` is in requests a second and process."""

    def __init__(self, authorities: tuple[Authority, ...] = (), limits: Limits | None = None) -> None:
        self._authorities = authorities
        self._limits = limits

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """How callers may say who they are; none where nobody is asked."""
        return tuple(authority.scheme for authority in self._authorities)

    @property
    def is_closed(self) -> bool:
        """Whether anybody may be refused."""
        return bool(self._authorities) or self._limits is not None

    def admit(self, request: Request) -> Caller:
        """Who asks; raises Unauthorized or TooManyRequests."""
        caller = self._caller(request) if self._authorities else EVERYONE
        if self._limits is not None:
            self._limits.spend(caller.name)
        return caller

    def _caller(self, request: Request) -> Caller:
        credential = credential_of(request)
        if not credential:
            raise Unauthorized(f"this needs a key or a token: send it as `Authorization: Bearer …` or `{API_KEY}: …`.")
        for authority in self._authorities:
            caller = authority.recognise(credential)
            if caller is not None:
                return caller
        raise Unauthorized("the key is unknown, revoked or expired: ask for a new one.")


def access_of(settings: AccessSettings) -> Access:
    """What the settings say of access; where nobody is asked here, nothing is imported to ask with."""
    if not settings.rate and not {"keys", "jwt"} & set(settings.modes):
        return Access()
    from .authorities import make_access  # noqa: PLC0415 - see above

    return make_access(settings)


def credential_of(request: Request) -> str:
    """The key or token of a request; empty if it has none."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else request.headers.get(API_KEY, "")


class Limits:
    """A token bucket a caller: `rate` requests a second on average, `burst` at once. `now` is in seconds, monotonic.

    The buckets of this process alone: n processes let n times as much through.
    """

    def __init__(self, rate: float, burst: int, now: Callable[[], float]) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._buckets: dict[str, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def spend(self, caller: str) -> None:
        """Take a token from the caller's bucket; raises TooManyRequests if there is none."""
        now = self._now()
        with self._guard:
            tokens, filled = self._buckets.get(caller, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - filled) * self._rate)
            if tokens < 1:
                raise TooManyRequests(caller, (1 - tokens) / self._rate)
            self._buckets[caller] = tokens - 1, now
            if len(self._buckets) > MOST_BUCKETS:
                self._forget(now)

    def _forget(self, now: float) -> None:
        """Let go of the buckets that are full again: they are as good as new."""
        spent = {caller: each for caller, each in self._buckets.items() if (now - each[1]) * self._rate < self._burst}
        self._buckets = spent
