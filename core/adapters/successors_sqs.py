"""Messages for the next call of a function, in its own queue of Amazon SQS."""

from __future__ import annotations

from ..errors import Transient
from .jobs_aws import client


class SqsSuccessors:
    """The queue at `url`. boto3 is imported with the first message: most calls finish what they began."""

    def __init__(self, url: str) -> None:
        self._url = url

    def hand_on(self, body: str) -> None:
        """Send the message as it came; raises Transient."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, see above

        try:
            client("sqs").send_message(QueueUrl=self._url, MessageBody=body)
        except (BotoCoreError, ClientError) as error:
            raise Transient(f"the rest of the work cannot be handed on to {self._url}: {error}") from error
