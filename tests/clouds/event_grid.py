"""A stand-in for Azure Event Grid, of which no emulator can be installed: it looks into the containers and delivers.

The handshake, the schema, and what is retried are as documented:
https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

from core.ports import ObjectStore

LOOK = 0.3
NEVER_AGAIN = {400, 413}
"""What Event Grid does not retry, but keeps as a dead letter."""


class EventGrid:
    """Tells `url` of every blob in `stores`, by container."""

    def __init__(self, url: str, stores: Mapping[str, ObjectStore]) -> None:
        self.dead: list[str] = []
        self._url = url
        self._stores = stores
        self._seen: set[tuple[str, str, str]] = set()
        self._stopping = threading.Event()
        self._senders = ThreadPoolExecutor(8)

    def validate(self) -> None:
        """Ask for permission first: nothing is delivered without."""
        question = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
        request = urllib.request.Request(self._url, headers=question, method="OPTIONS")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
            assert answer.headers["WebHook-Allowed-Origin"] in {"eventgrid.azure.net", "*"}

    def look(self) -> None:
        while not self._stopping.wait(LOOK):
            for container, store in self._stores.items():
                for info in store.list(""):
                    blob = (container, info.key, info.version)
                    if blob not in self._seen:
                        self._seen.add(blob)
                        self._senders.submit(self._deliver, *blob)

    def stop(self) -> None:
        self._stopping.set()
        self._senders.shutdown(cancel_futures=True)

    def _deliver(self, container: str, name: str, etag: str) -> None:
        body = json.dumps(_created(container, name, etag)).encode()
        headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
        while not self._stopping.is_set():
            status, said = _post(urllib.request.Request(self._url, body, headers))
            if status == HTTPStatus.OK:
                return
            if status in NEVER_AGAIN:
                self.dead.append(f"{container}/{name}: {said}")
                return
            self._stopping.wait(0.5)


def _post(request: urllib.request.Request) -> tuple[int, str]:
    """The status, 0 if nobody answered, and what was said."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def _created(container: str, name: str, etag: str) -> dict[str, object]:
    account = "/subscriptions/0/resourceGroups/acme/providers/Microsoft.Storage/storageAccounts/acme"
    return {
        "specversion": "1.0",
        "id": f"{container}/{name}/{etag}",
        "source": account,
        "type": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "time": "2026-05-01T12:00:00.0000000Z",
        "data": {"api": "PutBlob", "eTag": etag.strip('"'), "blobType": "BlockBlob", "contentLength": 1},
    }


@contextmanager
def event_grid(url: str, stores: Mapping[str, ObjectStore]) -> Iterator[EventGrid]:
    grid = EventGrid(url, stores)
    grid.validate()
    looking = threading.Thread(target=grid.look)
    looking.start()
    try:
        yield grid
    finally:
        grid.stop()
        looking.join()
