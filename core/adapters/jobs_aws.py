"""What the job runners of AWS have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import Permanent, TidemillError, Transient

REFUSALS = frozenset(
    {
        "AccessDeniedException",
        "ClientException",
        "ClusterNotFoundException",
        "InvalidParameterException",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)
"""Codes of answers that stay the same until someone mends something; any other may change by itself."""


def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes as it runs
    """A client of one of AWS's services, by the environment's region and credentials."""
    import boto3  # noqa: PLC0415 - slow, and only where a job is started

    return boto3.client(service)


@contextmanager
def translated(job: str) -> Iterator[None]:
    """Vendor errors inside of the `with` become ours."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - comes with boto3

    try:
        yield
    except BotoCoreError as error:
        raise Transient(f"job {job} cannot be started: {error}") from error
    except ClientError as error:
        raise _translation(error.response.get("Error", {}).get("Code", ""))(
            f"job {job} cannot be started: {error}"
        ) from error


def _translation(code: str) -> type[TidemillError]:
    return Permanent if code in REFUSALS else Transient


def token(name: str) -> str:
    """A name as the tokens of AWS's idempotent calls want it: 32 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
