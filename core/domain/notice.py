"""What people and other systems are told of an alert: a CloudEvent, and a text.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .alert import Alert
from .canonical import canonical_json

TYPE = "tidemill.alert.{change}.v1"
CONTENT_TYPE = "application/cloudevents+json"

SAID = {"raised": "", "escalated": "Worse: ", "repeated": "Still: ", "resolved": "Resolved: "}


@dataclass(frozen=True, slots=True)
class Notice:
    """One transition of an alert as it is told. `id` is the same however often it is sent.

    `title` is one line, `text` the whole for people, `data` the whole for programs.
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    title: str
    text: str
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The CloudEvent in structured mode."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "data": dict(self.data),
        }

    def encode(self) -> bytes:
        """The CloudEvent as JSON."""
        return canonical_json(self.to_json())


def notice_of(alert: Alert) -> Notice:
    """How the alert's transition is told."""
    title = f"[{alert.level}] {alert.model}: {SAID.get(alert.change, '')}{alert.kind} ({alert.subject})"
    data = {
        "model": alert.model,
        "kind": alert.kind,
        "subject": alert.subject,
        "state": alert.state,
        "change": alert.change,
        "severity": alert.level,
        "summary": alert.summary,
        "evidence": alert.evidence,
        "fingerprint": alert.fingerprint,
        "raised": alert.raised,
    }
    return Notice(
        id=f"{alert.fingerprint}-{alert.number}",
        source=f"/tidemill/models/{alert.model}",
        type=TYPE.format(change=alert.change),
        subject=f"{alert.kind}/{alert.subject}",
        time=alert.at,
        title=title,
        text=f"{title}\n{alert.summary}\nSince {alert.raised}. Evidence: {alert.evidence}.",
        data=data,
    )
