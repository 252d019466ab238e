"""What the job runners of AWS have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qs

from ..errors import BadInput, Permanent, TidemillError, Transient

REFUSALS = frozenset(
    {
        "AccessDeniedException",
        "ClientException",
        "ClusterNotFoundException",
        "InvalidParameterException",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "ResourceNotFound",
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
def translated(job: str, started: str = "") -> Iterator[None]:
    """Vendor errors inside of the `with` become ours; `started` is the code of one that says it is started already."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - comes with boto3

    try:
        yield
    except BotoCoreError as error:
        raise Transient(f"job {job} cannot be started: {error}") from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code != started:
            raise _translation(code)(f"job {job} cannot be started: {error}") from error


def _translation(code: str) -> type[TidemillError]:
    return Permanent if code in REFUSALS else Transient


def token(name: str) -> str:
    """A name as the tokens of AWS's idempotent calls want it: 32 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def command(job: str, arguments: Mapping[str, str]) -> list[str]:
    """What a container whose entry point is `python` is told to run."""
    return ["-m", f"functions.{job}", *arguments.values()]


def options(url: SplitResult, form: str, *, path: bool, needed: Sequence[str] = ()) -> dict[str, str]:
    """What follows the `?`; raises BadInput, showing the `form`, if a part of the URL is missing."""
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    if not url.netloc or path != bool(url.path.strip("/")) or not set(needed) <= set(asked):
        raise BadInput(f"TIDEMILL_JOBS is {url.geturl()!r}; it must be {form}.")
    return asked
