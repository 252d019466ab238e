"""Alerts by Amazon's services: sns://TOPIC_ARN to a topic, ses://FROM?to=ONE,OTHER by mail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..domain.notice import CONTENT_TYPE, Notice
from ..errors import BadInput, Permanent, Transient
from .jobs_aws import client
from .publish import Given

THROTTLED = frozenset({"Throttled", "Throttling", "ThrottlingException", "TooManyRequestsException"})
LONGEST_SUBJECT = 100
"""Characters of a subject: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """Publishes to a topic: a text to subscribers by mail or phone, the CloudEvent to all others."""

    arn: str
    clients: Any = field(default=partial(client, "sns"), repr=False)

    def publish(self, notice: Notice) -> None:
        """Publish it; raises Permanent or Transient."""
        event = notice.encode().decode()
        told = {"default": event, "email": notice.text, "sms": notice.title}
        about = {"content-type": CONTENT_TYPE, **{name: notice.data[name] for name in ("model", "kind", "severity")}}
        with _translated(f"the topic {self.arn}"):
            self.clients().publish(
                TopicArn=self.arn,
                Subject=subject(notice),
                Message=json.dumps(told),
                MessageStructure="json",
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in about.items()},
            )


@dataclass(frozen=True, slots=True)
class SesMail:
    """Sends mails: a text, from an address that the account has verified."""

    sender: str
    receivers: Sequence[str]
    clients: Any = field(default=partial(client, "sesv2"), repr=False)

    def publish(self, notice: Notice) -> None:
        """Send it; raises Permanent or Transient."""
        content = {"Subject": {"Data": notice.title}, "Body": {"Text": {"Data": notice.text}}}
        with _translated(", ".join(self.receivers)):
            self.clients().send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": list(self.receivers)},
                Content={"Simple": content},
            )


def open_sns(given: Given) -> SnsTopic:
    """The topic of sns://ARN; raises BadInput."""
    arn = given.url.removeprefix("sns://")
    if not arn.startswith("arn:"):
        raise BadInput(f"TIDEMILL_ALERTS has {given.url!r}; it must be sns:// and the ARN of a topic.")
    return SnsTopic(arn)


def open_ses(given: Given) -> SesMail:
    """The mails of ses://FROM?to=ONE,OTHER; raises BadInput."""
    parts = urlsplit(given.url)
    receivers = [each for text in parse_qs(parts.query).get("to", ()) for each in text.split(",") if each]
    if "@" not in parts.netloc or not receivers:
        raise BadInput(f"TIDEMILL_ALERTS has {given.url!r}; it must be ses://FROM@DOMAIN?to=ONE@DOMAIN,OTHER@DOMAIN.")
    return SesMail(parts.netloc, receivers)


def subject(notice: Notice) -> str:
    """The title as a topic takes it: printable ASCII, not too long."""
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in notice.title)
    return plain[:LONGEST_SUBJECT]


@contextmanager
def _translated(whom: str) -> Iterator[None]:
    """Vendor errors inside of the `with` become ours: what AWS says of the request itself stays as it is."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - comes with boto3

    try:
        yield
    except BotoCoreError as error:
        raise Transient(f"{whom} cannot be told of an alert: {error}") from error
    except ClientError as error:
        told = error.response
        status = told.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.INTERNAL_SERVER_ERROR)
        passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or told.get("Error", {}).get("Code") in THROTTLED
        raise (Transient if passing else Permanent)(f"{whom} cannot be told of an alert: {error}") from error
