"""Alerts to a topic of Azure Event Grid: eventgrid://NAME.REGION-1.eventgrid.azure.net/api/events.

https://learn.microsoft.com/azure/event-grid/post-to-custom-topic. The topic takes CloudEvents; who publishes is the
container's managed identity: https://learn.microsoft.com/azure/event-grid/authenticate-with-microsoft-entra-id
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..domain.notice import CONTENT_TYPE, Notice
from ..errors import BadInput
from .azure_identity import Identity, identity_of
from .http_post import post
from .publish import Given

SCHEME = "eventgrid://"
RESOURCE = "https://eventgrid.azure.net"
VERSION = "2018-01-01"


@dataclass(frozen=True, slots=True)
class EventGridTopic:
    """Publishes CloudEvents in structured mode to the topic whose endpoint is `url`."""

    url: str
    identity: Identity

    def publish(self, notice: Notice) -> None:
        """Publish it; raises Permanent or Transient."""
        post(f"{self.url}?api-version={VERSION}", notice.encode(), self._headers, self._named())

    def _headers(self) -> Mapping[str, str]:
        token = self.identity.token(RESOURCE, f"{self._named()} cannot be told of an alert")
        return {"content-type": CONTENT_TYPE, "authorization": f"Bearer {token}"}

    def _named(self) -> str:
        return f"the topic at {urlsplit(self.url).hostname}"


def open_event_grid(given: Given) -> EventGridTopic:
    """The topic of eventgrid://HOST/api/events, which is its endpoint; raises BadInput."""
    parts = urlsplit(given.url)
    if not parts.hostname or parts.path != "/api/events" or parts.query:
        raise BadInput(
            f"TIDEMILL_ALERTS has {given.url!r}; it must be {SCHEME}TOPIC.REGION-1.eventgrid.azure.net/api/events."
        )
    identity = identity_of(given.environ, f"TIDEMILL_ALERTS has {given.url!r}")
    return EventGridTopic(given.url.replace(SCHEME, "https://", 1), identity)
