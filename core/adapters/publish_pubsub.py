"""Alerts to Google Cloud Pub/Sub by its REST API: pubsub://projects/P/topics/T.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish. The client library would bring gRPC,
60 MB of it, for one call.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..domain.notice import CONTENT_TYPE, Notice
from ..errors import BadInput, Permanent, Transient
from .http_post import post
from .publish import Given

API = "https://pubsub.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/pubsub"
TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")


@dataclass(frozen=True, slots=True)
class PubsubTopic:
    """Publishes CloudEvents in structured mode; `authorize` gives the headers that say who asks."""

    topic: str
    authorize: Callable[[], Mapping[str, str]] = field(repr=False)
    api: str = API

    def publish(self, notice: Notice) -> None:
        """Publish it; raises Permanent or Transient."""
        about = {"content-type": CONTENT_TYPE, **{name: notice.data[name] for name in ("model", "kind", "severity")}}
        message = {"data": base64.b64encode(notice.encode()).decode(), "attributes": about}
        body = json.dumps({"messages": [message]}).encode()
        post(f"{self.api}/v1/{self.topic}:publish", body, self._headers, f"the topic {self.topic}")

    def _headers(self) -> Mapping[str, str]:
        return {"content-type": "application/json", **self.authorize()}


def open_pubsub(given: Given) -> PubsubTopic:
    """The topic of pubsub://projects/P/topics/T; raises BadInput. PUBSUB_EMULATOR_HOST leads to an emulator."""
    topic = given.url.removeprefix("pubsub://")
    if not TOPIC.fullmatch(topic):
        raise BadInput(f"TIDEMILL_ALERTS has {given.url!r}; it must be pubsub://projects/PROJECT/topics/TOPIC.")
    emulator = given.environ.get("PUBSUB_EMULATOR_HOST")
    if emulator:
        return PubsubTopic(topic, dict, f"http://{emulator}")
    return PubsubTopic(topic, _google())


def _google() -> Callable[[], Mapping[str, str]]:
    """Headers by Google's default credentials, renewed when they run out."""
    import google.auth  # noqa: PLC0415 - slow, and only for this scheme
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.auth.transport.requests import Request  # noqa: PLC0415

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except GoogleAuthError as error:
        raise Permanent(f"TIDEMILL_ALERTS has pubsub://, which needs Google's credentials: {error}") from error

    def headers() -> Mapping[str, str]:
        try:
            if not credentials.valid:
                credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise Transient(f"Google gives no token to publish with: {error}") from error
        return {"authorization": f"Bearer {credentials.token}"}

    return headers
