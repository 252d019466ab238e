"""What a key may look like: the rule that every store can keep."""

from __future__ import annotations

from ..errors import BadInput

MAX_KEY_BYTES = 1024
"""The shortest of the clouds' limits (Amazon S3, Google Cloud Storage and Azure Blob Storage alike), in UTF-8 bytes."""


def check_key(key: str) -> str:
    """Return `key`; raises BadInput if some store could not hold it, or would read it as another key."""
    problem = _problem(key)
    if problem:
        raise BadInput(f"object key {key[:200]!r} {problem}.")
    return key


def _problem(key: str) -> str | None:
    if not key:
        return "is empty; name the object"
    if any(part in {"", ".", ".."} for part in key.split("/")):
        return "must not start or end with '/' nor have empty, '.' or '..' parts"
    if any(ord(character) < 32 or character in "\x7f\\" for character in key):  # noqa: PLR2004
        return "must not have control characters or backslashes"
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not Unicode text; rename it to UTF-8"
    return f"must be at most {MAX_KEY_BYTES} bytes of UTF-8, not {size}" if size > MAX_KEY_BYTES else None


def split_bucket(url: str) -> tuple[str, str | None]:
    """(bucket, prefix or None) of `scheme://bucket[/prefix]`; raises BadInput if no bucket is named.

    >>> split_bucket("s3://acme-tidemill-models/team/a/")
    ('acme-tidemill-models', 'team/a')
    """
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if not bucket:
        raise BadInput(f"store {url!r} names no bucket; write it as scheme://bucket-{{zone}}.")
    return bucket, prefix.strip("/") or None
