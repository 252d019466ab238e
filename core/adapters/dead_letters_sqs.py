"""Dead letters in a queue of Amazon SQS, each with its reason beside it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..errors import Transient

LONGEST_REASON = 1000
"""In characters; attributes and body together have one limit."""


class SqsDeadLetters:
    """The queue at `url`. boto3 is imported with the first letter: most processes never have one."""

    def __init__(self, url: str) -> None:
        self._url = url

    def keep(self, body: str, reason: str, function: str) -> None:
        """Send the message as it came, with `reason` and `function` as attributes; raises Transient."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, see above

        told = {"reason": reason[:LONGEST_REASON] or "unknown", "function": function}
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body or "{}", MessageAttributes=attributes)
        except (BotoCoreError, ClientError) as error:
            raise Transient(f"dead letters cannot be sent to {self._url}: {error}") from error

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes as it runs
        import boto3  # noqa: PLC0415 - slow, see above

        return boto3.client("sqs")
