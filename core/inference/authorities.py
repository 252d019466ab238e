"""API keys and JSON Web Tokens as authorities of `access`."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..domain.access import PREFIX, KeyRing
from ..errors import BadInput, TidemillError, Unsupported
from ..settings import AccessSettings
from .access import Access, Authority, Caller, Limits, Scheme, Unauthorized

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

REREAD = 5.0
"""Seconds until a changed file of keys is noticed."""
SCOPE = "tidemill:"
"""How the scopes of a token (RFC 8693, section 4.2) begin: `tidemill:<model>`, or `tidemill:*` for every model."""
LEEWAY = 30
"""Seconds that the clock of a token's issuer may be off."""

log = logging.getLogger(__name__)


def make_access(settings: AccessSettings, now: Callable[[], float] = time.monotonic) -> Access:
    """Access as it is set up. Raises BadInput if a file cannot be read, Unsupported if a library is missing."""
    authorities: list[Authority] = []
    if "keys" in settings.modes:
        authorities.append(ApiKeys(settings.keys, now))
    if "jwt" in settings.modes:
        authorities.append(Tokens(settings))
    limits = Limits(settings.rate, settings.burst, now) if settings.rate else None
    return Access(tuple(authorities), limits)


def read_text(source: str, variable: str) -> str:
    """A JSON text as it is, or the text of the file that is named; raises BadInput if there is none."""
    if source.lstrip().startswith("{"):
        return source
    try:
        return Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{variable} names {source[:200]!r}, which cannot be read: {error}.") from error


class ApiKeys:
    """The keys of a file, or of a JSON text; a changed file is read again after a few seconds."""

    scheme: ClassVar[Scheme] = "key"

    def __init__(self, source: str, now: Callable[[], float] = time.monotonic) -> None:
        """Raises BadInput or Corrupt if there are no keys to read."""
        self._source, self._now = source, now
        self._read_at, self._ring = now(), self._read()

    def recognise(self, credential: str) -> Caller | None:
        """Whose key this is, if it is one."""
        if not credential.startswith(PREFIX):
            return None
        if self._now() - self._read_at >= REREAD:
            self._reread()
        key = self._ring.find(credential, datetime.now(UTC))
        if key is None:
            return None
        return Caller(f"key {key.id} ({key.name})", None if key.models is None else frozenset(key.models))

    def _reread(self) -> None:
        """Keys that cannot be read just now are those that were read last: callers have done nothing wrong."""
        self._read_at = self._now()
        try:
            self._ring = self._read()
        except TidemillError as error:
            log.warning("the API keys stay as they were: %s", error)

    def _read(self) -> KeyRing:
        return KeyRing.decode(read_text(self._source, "TIDEMILL_KEYS"))


class Tokens:
    """Signed tokens (RFC 7519, RFC 9068 for the claims) of one issuer, for one audience, by asymmetric algorithms."""

    scheme: ClassVar[Scheme] = "token"

    def __init__(self, settings: AccessSettings) -> None:
        """Raises BadInput if the issuer's keys cannot be read, Unsupported without joserfc."""
        self._algorithms = settings.jwt_algorithms
        self._keys = _key_set(read_text(settings.jwt_keys, "TIDEMILL_JWT_KEYS"))
        self._claims = {
            "iss": {"essential": True, "value": settings.jwt_issuer},
            "aud": {"essential": True, "value": settings.jwt_audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }

    def recognise(self, credential: str) -> Caller | None:
        """Whose token this is, if it is one; raises Unauthorized for one that does not hold."""
        if credential.count(".") != 2:  # noqa: PLR2004 - header, claims and signature
            return None
        claims = self._verified(credential)
        scopes = str(claims.get("scope", "")).split()
        models = frozenset(scope.removeprefix(SCOPE) for scope in scopes if scope.startswith(SCOPE))
        return Caller(f"token of {str(claims['sub'])[:80]}", None if "*" in models else models)

    def _verified(self, credential: str) -> dict[str, Any]:
        from joserfc import jwt  # noqa: PLC0415 - 180 ms that only those pay who use tokens
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            token = jwt.decode(credential, self._keys, algorithms=list(self._algorithms))
            jwt.JWTClaimsRegistry(leeway=LEEWAY, **self._claims).validate(token.claims)  # type: ignore[arg-type]
        except (JoseError, ValueError) as error:
            raise Unauthorized(f"the token does not hold: {type(error).__name__}.") from error
        return dict(token.claims)


def _key_set(text: str) -> KeySet:
    try:
        from joserfc.jwk import KeySet  # noqa: PLC0415
    except ImportError as error:
        raise Unsupported("tokens need joserfc: add `pip install joserfc` to what this host installs.") from error
    try:
        return KeySet.import_key_set(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"TIDEMILL_JWT_KEYS is no JSON Web Key Set (RFC 7517): {error}.") from error
