"""Alerts to a webhook: https://… as a CloudEvent, slack+https://… as Slack's incoming webhooks want it.

CloudEvents are signed as Standard Webhooks are, where there is a secret:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..domain.notice import CONTENT_TYPE, Notice
from ..errors import BadInput
from .http_post import post
from .publish import Given

SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets begin, none itself
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SHORTEST = 24
"""Bytes that a secret must have at least, by the standard."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts CloudEvents in structured mode. `keys` sign each of them: several while a secret is being changed."""

    url: str
    keys: Sequence[bytes]

    def publish(self, notice: Notice) -> None:
        """Post it; raises Permanent or Transient."""
        body = notice.encode()
        post(self.url, body, lambda: self._headers(notice.id, body), _named(self.url))

    def _headers(self, identifier: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": CONTENT_TYPE, "webhook-id": identifier}
        if self.keys:
            moment = str(int(time.time()))
            signatures = " ".join(signature(key, identifier, moment, body) for key in self.keys)
            headers |= {"webhook-timestamp": moment, "webhook-signature": signatures}
        return headers


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts texts to an incoming webhook of Slack, whose address is its secret.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """

    url: str

    def publish(self, notice: Notice) -> None:
        """Post it; raises Permanent or Transient."""
        body = json.dumps({"text": escaped(notice.text)}).encode()
        post(self.url, body, lambda: {"content-type": "application/json"}, _named(self.url))


def open_webhook(given: Given) -> Webhook:
    """The webhook at a URL; raises BadInput for one without TLS beyond this machine, or for a secret that is none."""
    _check(given.url)
    return Webhook(given.url, [_key(secret) for secret in given.secrets])


def open_slack(given: Given) -> Slack:
    """The webhook of Slack at slack+https://…."""
    url = given.url.removeprefix("slack+")
    _check(url)
    return Slack(url)


def signature(key: bytes, identifier: str, moment: str, body: bytes) -> str:
    """The symmetric signature of version 1: HMAC-SHA256 over id, time and body."""
    signed = b".".join((identifier.encode(), moment.encode(), body))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def escaped(text: str) -> str:
    """A text of which Slack takes nothing for a link or a mention.

    >>> escaped("<!here> a & b")
    '&lt;!here&gt; a &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _check(url: str) -> None:
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in LOOPBACK):
        raise BadInput(f"TIDEMILL_ALERTS has {_named(url)}; a webhook needs https:// and a host.")


def _named(url: str) -> str:
    """An address without its path, which may be its secret."""
    parts = urlsplit(url)
    return f"the webhook at {parts.scheme}://{parts.hostname}"


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < SHORTEST:
        raise BadInput(f"TIDEMILL_ALERTS_SECRET must be {SECRET_PREFIX} and at least {SHORTEST} bytes in base64.")
    return key
