"""A stand-in for Azure Event Grid, of which no emulator can be installed: it looks into the containers and delivers.

The handshake, the schema, and what is retried are as documented:
https://learn.microsoft.com/azure/event-grid/delivery-and-retry,
https://learn.microsoft.com/azure/event-grid/handler-storage-queues
"""

from __future__ import annotations

import base64
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

from core.adapters.queue_azure import open_queue
from core.ports import ObjectStore

LOOK = 0.3
AGAIN = 0.5
NEVER_AGAIN = {400, 413}
"""What Event Grid does not retry, but keeps as a dead letter."""

Deliver = Callable[[str, bytes], object]
"""Takes a container, and the event of one of its blobs."""


class EventGrid:
    """Tells `deliver` of every blob in `stores`, by container."""

    def __init__(self, deliver: Deliver, stores: Mapping[str, ObjectStore]) -> None:
        self._deliver = deliver
        self._stores = stores
        self._seen: set[tuple[str, str, str]] = set()
        self._stopping = threading.Event()

    def look(self) -> None:
        with ThreadPoolExecutor(8) as senders:
            while not self._stopping.wait(LOOK):
                for container, store in self._stores.items():
                    for info in store.list(""):
                        blob = (container, info.key, info.version)
                        if blob not in self._seen:
                            self._seen.add(blob)
                            senders.submit(self._deliver, container, json.dumps(_created(*blob)).encode())

    def stop(self) -> None:
        self._stopping.set()


class Webhook:
    """A subscription that posts. `dead` are the events that were refused for good."""

    def __init__(self, url: str) -> None:
        self.dead: list[str] = []
        self.closed = False
        self._url = url

    def validate(self) -> None:
        """Ask for permission first: nothing is delivered without."""
        question = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
        request = urllib.request.Request(self._url, headers=question, method="OPTIONS")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
            assert answer.headers["WebHook-Allowed-Origin"] in {"eventgrid.azure.net", "*"}

    def deliver(self, container: str, event: bytes) -> None:
        headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
        while not self.closed:
            status, said = _post(urllib.request.Request(self._url, event, headers))
            if status == HTTPStatus.OK:
                return
            if status in NEVER_AGAIN:
                self.dead.append(f"{container}: {said}")
                return
            threading.Event().wait(AGAIN)


class Queues:
    """Subscriptions that put into queues: the URLs of those that want to know of a container."""

    def __init__(self, urls: Mapping[str, Sequence[str]]) -> None:
        self._urls = urls

    def deliver(self, container: str, event: bytes) -> None:
        for url in self._urls[container]:
            open_queue(url, {}, "the queue").put(base64.b64encode(event).decode())


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
def event_grid(deliver: Deliver, stores: Mapping[str, ObjectStore]) -> Iterator[None]:
    """It delivers inside of the `with`."""
    grid = EventGrid(deliver, stores)
    looking = threading.Thread(target=grid.look)
    looking.start()
    try:
        yield
    finally:
        grid.stop()
        looking.join()


@contextmanager
def webhook(url: str, stores: Mapping[str, ObjectStore]) -> Iterator[Webhook]:
    """A subscription that posts every event to `url`."""
    hook = Webhook(url)
    hook.validate()
    with event_grid(hook.deliver, stores):
        try:
            yield hook
        finally:
            hook.closed = True
