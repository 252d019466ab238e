"""Amazon S3 (and what speaks its protocol) and Azure Blob Storage, through obstore (https://developmentseed.org/obstore).

A version is the ETag without its quotes, as the clouds' events write it. Credentials, region and endpoint come from the
vendors' own environment variables, which obstore reads itself (`obstore.store.S3Config`, `AzureConfig`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import GenericError, NotModifiedError, PreconditionError
from obstore.store import AzureStore, S3Store

from ..errors import BadInput, NotFound, Unsupported, VersionMismatch
from ..ports import Blob, ObjectInfo
from .keys import check_key, split_bucket
from .obstore_credentials import azure_config, boto3_credentials
from .obstore_errors import translated

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, RetryConfig

CHUNK = 1 << 20
PART = 8 << 20
"""Bytes a part of an upload; S3 takes 10,000 parts, so 80 GB an object."""
PARTS_IN_FLIGHT = 4

_CLIENT: ClientConfig = {
    "allow_http": True,  # only ever used for an endpoint that the operator wrote with http://
    "connect_timeout": "3s",
    "read_timeout": "30s",
    "timeout": "1h",  # of a whole request, so of the longest upload or stream
}
_RETRY: RetryConfig = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}


def open_s3(url: str, environ: Mapping[str, str]) -> ObstoreStore:
    """The store of an `s3://bucket[/prefix]` URL."""
    bucket, prefix = split_bucket(url)
    provider = boto3_credentials(environ)
    store = S3Store(bucket, prefix=prefix, client_options=_CLIENT, retry_config=_RETRY, credential_provider=provider)
    return ObstoreStore(store, url)


def open_azure(url: str, environ: Mapping[str, str]) -> ObstoreStore:
    """The store of an `az://container[/prefix]` URL; raises BadInput if the environment names no account."""
    container, prefix = split_bucket(url)
    config = azure_config(environ)
    try:
        store = AzureStore(container, prefix=prefix, config=config, client_options=_CLIENT, retry_config=_RETRY)
    except GenericError as error:
        raise BadInput(f"store {url!r} needs AZURE_STORAGE_ACCOUNT_NAME in the environment.") from error
    return ObstoreStore(store, url)


class ObstoreStore:
    """One zone: a bucket or container, or a prefix of one. Safe to share between threads."""

    def __init__(self, store: S3Store | AzureStore, url: str) -> None:
        self._store = store
        self._url = url

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object; raises NotFound."""
        with translated(self._url, key):
            return _info(obstore.head(self._store, check_key(key)))

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound."""
        with translated(self._url, key):
            result = obstore.get(self._store, check_key(key))
            return Blob(bytes(result.bytes()), _info(result.meta))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`, or as many of them as there are; raises NotFound."""
        if length == 0:
            return self._nothing(key)
        with translated(self._url, key):
            try:
                return bytes(obstore.get_range(self._store, check_key(key), start=start, length=length))
            except GenericError:  # as 416 is told, among others
                if start < self.head(key).size:
                    raise
                return b""

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version`; raises NotFound. One request."""
        with translated(self._url, key):
            try:
                result = obstore.get(self._store, check_key(key), options={"if_none_match": _etag(version)})
            except NotModifiedError:
                return None
            return Blob(bytes(result.bytes()), _info(result.meta))

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in chunks of about 1 MiB; raises NotFound, and VersionMismatch before the first chunk."""
        with translated(self._url, key):
            for chunk in self._open(key, version).stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Objects under `prefix` behind `after`, in order, a thousand a request.

        obstore matches whole path segments, and an emulator may ignore the offset: so both are checked here too.
        """
        folder = prefix.rpartition("/")[0]
        with translated(self._url, prefix):
            for page in obstore.list(self._store, folder, offset=after or None, chunk_size=1000):
                for meta in page:
                    key = meta["path"]
                    if key.startswith(prefix) and key > after and not self._is_folder(meta):
                        yield _info(meta)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write a new object in one request; raises AlreadyExists."""
        with translated(self._url, key):
            result = obstore.put(self._store, check_key(key), data, mode="create", use_multipart=False)
            return _written(key, len(data), result["e_tag"])

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:
        """Overwrite the object in one request if it is still `version`; raises VersionMismatch.

        When an answer is lost on the way the request is repeated, and then finds the version that it wrote itself: so
        a caller that meets VersionMismatch reads again before it concludes that someone else was faster.
        """
        try:
            with translated(self._url, key, conditional=True):
                mode: obstore.UpdateVersion = {"e_tag": _etag(version)}
                result = obstore.put(self._store, check_key(key), data, mode=mode, use_multipart=False)
                return _written(key, len(data), result["e_tag"])
        except NotFound as error:
            raise VersionMismatch(f"object {key!r} in {self._url} is gone.") from error

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object in one request, whatever was there."""
        with translated(self._url, key):
            result = obstore.put(self._store, check_key(key), data, use_multipart=False)
            return _written(key, len(data), result["e_tag"])

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        """Write the object in parts, of which few are in memory. If `chunks` fails, the parts are removed again."""
        rest = iter(chunks)
        start = _first(rest, PART)
        if len(start) < PART:
            return self.put(key, start)
        counted = _Counted(chain([start], rest))
        with translated(self._url, key):
            result = obstore.put(
                self._store,
                check_key(key),
                counted,
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=PARTS_IN_FLIGHT,
            )
        return _written(key, counted.size, result["e_tag"])

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is not there."""
        with suppress(NotFound), translated(self._url, key):
            obstore.delete(self._store, check_key(key))

    def _open(self, key: str, version: str | None) -> obstore.GetResult:
        if version is None:
            return obstore.get(self._store, check_key(key))
        try:
            return obstore.get(self._store, check_key(key), options={"if_match": _etag(version)})
        except PreconditionError:
            self.head(key)  # Azure answers so for what is not there, too
            raise

    def _nothing(self, key: str) -> bytes:
        self.head(key)
        return b""

    def _is_folder(self, meta: ObjectMeta) -> bool:
        """Consoles make a folder as an empty object whose key ends in '/', which obstore lists without its '/'."""
        if meta["size"]:
            return False
        try:
            self.head(meta["path"])
        except NotFound:
            return True
        return False


class _Counted:
    """Chunks, and their total size once they are through."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk


def _first(chunks: Iterator[bytes], size: int) -> bytes:
    """The first `size` bytes or a little more; less only if there are no more."""
    start = bytearray()
    while len(start) < size and (chunk := next(chunks, None)) is not None:
        start += chunk
    return bytes(start)


def _etag(version: str) -> str:
    return version if version.startswith("W/") else f'"{version}"'


def _info(meta: ObjectMeta) -> ObjectInfo:
    return ObjectInfo(meta["path"], meta["size"], _version(meta["e_tag"]), meta["last_modified"])


def _written(key: str, size: int, etag: str | None) -> ObjectInfo:
    """The answer to a write has no time: this machine's clock stands for the store's."""
    return ObjectInfo(key, size, _version(etag), datetime.now(UTC))


def _version(etag: str | None) -> str:
    if not etag:
        raise Unsupported("the store tells no ETags, so it cannot hold a zone; use one that does.")
    return etag if etag.startswith("W/") else etag.strip('"')
