"""Queues of Azure Storage by their REST API: https://ACCOUNT.queue.core.windows.net/QUEUE.

https://learn.microsoft.com/rest/api/storageservices/queue-service-rest-api. A message that is taken stays in its queue,
hidden, until it is finished: who dies with it in hand loses nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from ..errors import BadInput
from .azure_identity import Identity, identity_of
from .rest import Call, ask

RESOURCE = "https://storage.azure.com/"
VERSION = "2021-12-02"
FOREVER = -1
"""A message stays until it is finished; else it would be gone after a week."""


@dataclass(frozen=True, slots=True)
class Message:
    """One that was taken. `receipt` is of this taking alone; `attempt` counts from 1; `body` is as it was sent."""

    id: str
    receipt: str
    attempt: int
    body: str

    @property
    def text(self) -> str:
        """What it says: Event Grid, as many others, sends base64, in which no JSON object begins."""
        if self.body.lstrip().startswith("{"):
            return self.body
        try:
            return base64.b64decode(self.body, validate=True).decode("utf-8")
        except ValueError:
            return self.body


@dataclass(frozen=True, slots=True)
class StorageQueue:
    """The queue at `url`, asked by an `identity`, or by the `signature` of a shared access signature."""

    url: str
    identity: Identity | None = None
    signature: str = field(default="", repr=False)

    def take(self, hidden: int) -> Message | None:
        """A message, which nobody else is given for `hidden` seconds; None if there is none to be seen."""
        found = ET.fromstring(self._ask("GET", "/messages", {"visibilitytimeout": str(hidden)}))  # noqa: S314 - Azure's
        message = found.find("QueueMessage")
        if message is None:
            return None
        attempt = int(message.findtext("DequeueCount", "1"))
        names = ("MessageId", "PopReceipt", "MessageText")
        id_, receipt, text = (message.findtext(name, "") for name in names)
        return Message(id_, receipt, attempt, text)

    def send(self, document: Mapping[str, str]) -> None:
        """Send a JSON object as others do, in base64: a message is XML, which has not every character."""
        self.put(base64.b64encode(json.dumps(document, ensure_ascii=False).encode()).decode())

    def put(self, body: str) -> None:
        """Send a message as it came, or as it shall come."""
        document = f"<QueueMessage><MessageText>{escape(body)}</MessageText></QueueMessage>"
        self._ask("POST", "/messages", {"messagettl": str(FOREVER)}, document.encode())

    def finish(self, message: Message) -> None:
        """Remove a message that was taken; it may be gone already."""
        self._ask("DELETE", _path(message), {"popreceipt": message.receipt}, done=HTTPStatus.NOT_FOUND)

    def retry(self, message: Message, seconds: int) -> None:
        """Let a message that was taken be seen again after `seconds`."""
        self._ask("PUT", _path(message), {"popreceipt": message.receipt, "visibilitytimeout": str(seconds)})

    def _ask(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        options: Mapping[str, str],
        body: bytes | None = None,
        done: int | None = None,
    ) -> bytes:
        """The answer's body, nothing if its status is `done`; raises Permanent or Transient."""
        purpose = f"the queue {self.url} cannot be asked"
        query = "&".join(filter(None, [urlencode(options), self.signature]))
        return ask(Call(purpose, "Azure", method, f"{self.url}{path}?{query}", self._headers(purpose), body), done=done)

    def _headers(self, purpose: str) -> dict[str, str]:
        headers = {"x-ms-version": VERSION, "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True)}
        if self.identity is not None:
            headers["authorization"] = f"Bearer {self.identity.token(RESOURCE, purpose)}"
        return headers


def _path(message: Message) -> str:
    return f"/messages/{quote(message.id, safe='')}"


def open_queue(url: str, environ: Mapping[str, str], setting: str) -> StorageQueue:
    """The queue at a URL, by the container's identity unless the URL is signed; raises BadInput.

    `setting` is the name of the variable that says so.
    """
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    if parts.scheme not in {"https", "http"} or not parts.netloc or not parts.path.strip("/"):
        raise BadInput(f"{setting} is {place!r}; it must be https://ACCOUNT.queue.core.windows.net/QUEUE.")
    if parts.query:
        return StorageQueue(place, None, parts.query)
    return StorageQueue(place, identity_of(environ, f"{setting} is {place!r}"))
