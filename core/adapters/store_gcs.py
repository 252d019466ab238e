"""Google Cloud Storage, through google-cloud-storage. A version is the object's generation.

Credentials come from Application Default Credentials; the client itself reads STORAGE_EMULATOR_HOST.
Reference: https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import RawIOBase

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from ..errors import AlreadyExists, NotFound, Permanent, TidemillError, Transient, VersionMismatch
from ..ports import Blob, ObjectInfo
from .keys import check_key, split_bucket

CHUNK = 8 << 20
"""Bytes a request, of a stream either way; a multiple of 256 KiB, as resumable uploads want."""

SINGLE_REQUEST = 8 << 20
"""Up to here the client uploads in one request."""

RETRY = DEFAULT_RETRY.with_timeout(60.0)
"""Connection errors, 408, 429 and 5xx, for a minute."""


def open_gcs(url: str, environ: Mapping[str, str]) -> GcsStore:  # noqa: ARG001 - every factory has one signature
    """The store of a `gs://bucket[/prefix]` URL; raises Permanent if there are no credentials."""
    bucket, prefix = split_bucket(url)
    with _translated(url, ""):
        return GcsStore(storage.Client().bucket(bucket), f"{prefix}/" if prefix else "", url)


class GcsStore:
    """One zone: a bucket, or the objects of one whose names start with `prefix`. Safe to share between threads."""

    def __init__(self, bucket: storage.Bucket, prefix: str, url: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._url = url

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object; raises NotFound."""
        with _translated(self._url, key):
            blob = self._blob(key)
            blob.reload(retry=RETRY)
            return self._info(blob)

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound. Two requests: what is downloaded does not say when it was written."""
        info = self.head(key)
        data, version = self._download(key)
        if version != info.version:  # overwritten between the two requests, so just now
            info = ObjectInfo(key, len(data), version, datetime.now(UTC))
        return Blob(data, info)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`, or as many of them as there are; raises NotFound."""
        if length == 0:
            self.head(key)
            return b""
        with _translated(self._url, key):
            try:
                data: bytes = self._blob(key).download_as_bytes(
                    start=start, end=start + length - 1, checksum=None, retry=RETRY
                )
            except api.RequestRangeNotSatisfiable:
                return b""
            return data

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version` (then in one request); raises NotFound."""
        return None if self.head(key).version == version else self.get(key)

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in chunks of at most 8 MiB; raises NotFound and VersionMismatch before the first chunk.

        Raises VersionMismatch between chunks if the object is overwritten meanwhile: chunks of two are never mixed.
        """
        info = self.head(key)
        if version not in {None, info.version}:
            raise self._mismatch(key, version)
        for start in range(0, info.size, CHUNK):
            yield self._chunk(key, info, start)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Objects under `prefix` behind `after`, in order, a thousand a request."""
        with _translated(self._url, prefix, keyless=True):
            for blob in self._bucket.client.list_blobs(
                self._bucket,
                prefix=self._prefix + prefix,
                start_offset=self._prefix + after,
                fields="items(name,size,generation,updated),nextPageToken",
                retry=RETRY,
            ):
                info = self._info(blob)
                if info.key != after:  # where listing starts, itself included
                    yield info

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write a new object; raises AlreadyExists.

        Above 8 MiB the client uploads in two requests. Google checks the condition on those too, the emulator does
        not: so it is first looked whether the object is there.
        """
        if len(data) > SINGLE_REQUEST and self._exists(key):
            raise AlreadyExists(f"{self._url}, key {key!r}: the object is there already.")
        try:
            return self._upload(key, data, if_generation_match=0)
        except VersionMismatch as error:
            raise AlreadyExists(f"{self._url}, key {key!r}: the object is there already.") from error

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:
        """Overwrite the object if it is still `version`; raises VersionMismatch.

        When an answer is lost on the way the request is repeated, and then finds the version that it wrote itself: so
        a caller that meets VersionMismatch reads again before it concludes that someone else was faster.
        """
        if not version.isdecimal() or version == "0":
            raise self._mismatch(key, version)
        return self._upload(key, data, if_generation_match=int(version))

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object, whatever was there."""
        return self._upload(key, data)

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        """Write the object in a resumable upload, which becomes visible with its last chunk or never."""
        with _translated(self._url, key, keyless=True):
            blob = self._blob(key, chunk_size=CHUNK)
            blob.upload_from_file(_Reader(chunks), retry=RETRY)
            return self._info(blob)

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is not there."""
        with suppress(NotFound), _translated(self._url, key):
            self._blob(key).delete(retry=RETRY)

    def _blob(self, key: str, chunk_size: int | None = None) -> storage.Blob:
        return self._bucket.blob(self._prefix + check_key(key), chunk_size=chunk_size)

    def _info(self, blob: storage.Blob) -> ObjectInfo:
        return ObjectInfo(blob.name.removeprefix(self._prefix), int(blob.size), str(blob.generation), blob.updated)

    def _exists(self, key: str) -> bool:
        with _translated(self._url, key):
            return bool(self._blob(key).exists(retry=RETRY))

    def _upload(self, key: str, data: bytes, **conditions: int) -> ObjectInfo:
        with _translated(self._url, key, keyless=True):
            blob = self._blob(key)
            blob.upload_from_string(data, retry=RETRY, **conditions)
            return self._info(blob)

    def _download(self, key: str) -> tuple[bytes, str]:
        with _translated(self._url, key):
            blob = self._blob(key)
            data: bytes = blob.download_as_bytes(retry=RETRY)
            return data, str(blob.generation)

    def _chunk(self, key: str, info: ObjectInfo, start: int) -> bytes:
        """Bytes of that version only. The emulator ignores the condition, so it is read which version came."""
        with _translated(self._url, key):
            blob = self._blob(key)
            data: bytes = blob.download_as_bytes(
                start=start,
                end=min(start + CHUNK, info.size) - 1,
                if_generation_match=int(info.version),
                retry=RETRY,
                checksum=None,  # Google tells the hashes of whole objects only
            )
        if str(blob.generation) != info.version:
            raise self._mismatch(key, info.version)
        return data

    def _mismatch(self, key: str, version: str | None) -> VersionMismatch:
        return VersionMismatch(f"{self._url}, key {key!r}: the object is not version {version!r} any more.")


class _Reader(RawIOBase):
    """Chunks as a file that is read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes unless there are no more: the client takes fewer for the end."""
        parts = bytearray()
        while (size < 0 or len(parts) < size) and self._fill():
            take = len(self._left) if size < 0 else size - len(parts)
            parts += self._left[:take]
            self._left = self._left[take:]
        self._position += len(parts)
        return bytes(parts)

    def _fill(self) -> bool:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._left = memoryview(chunk)
        return True


_GRANT = "access is denied: grant this identity roles/storage.objectUser on the bucket"
_LOGIN = "no valid Google credentials: run `gcloud auth application-default login`, or attach a service account"

TABLE: tuple[tuple[type[Exception], type[TidemillError], str], ...] = (
    (api.NotFound, NotFound, "the object (or its bucket) is not there"),
    (api.PreconditionFailed, VersionMismatch, "the object is not that version any more"),
    (api.Conflict, Transient, "another write was under way"),
    (api.Unauthorized, Permanent, _LOGIN),
    (api.Forbidden, Permanent, _GRANT),
    (api.TooManyRequests, Transient, "the store asks for fewer requests"),
    (api.ServerError, Transient, "the store did not answer as it should just now"),
    (api.RetryError, Transient, "the store did not answer in time"),
    (api.GoogleAPICallError, Permanent, "the store refused"),
    (auth.TransportError, Transient, "Google's sign-in did not answer"),
    (auth.GoogleAuthError, Permanent, _LOGIN),
    (DataCorruption, Transient, "the bytes were damaged on their way"),
    (requests.RequestException, Transient, "the store cannot be reached just now"),
    (ConnectionError, Transient, "the store cannot be reached just now"),
)
"""What the client's errors mean here; the first that fits."""


@contextmanager
def _translated(url: str, key: str, *, keyless: bool = False) -> Iterator[None]:
    """`keyless` says that no object has to be there: then what was not found is the bucket."""
    try:
        yield
    except tuple(row[0] for row in TABLE) as error:
        if keyless and isinstance(error, api.NotFound):
            raise Permanent(f"{url}: the bucket does not exist: create it, or mend the store's URL.") from error
        kind, sentence = next((kind, sentence) for vendor, kind, sentence in TABLE if isinstance(error, vendor))
        code = getattr(error, "code", None)
        raise kind(f"{url}, key {key!r}: {sentence} ({code or type(error).__name__}).") from error
