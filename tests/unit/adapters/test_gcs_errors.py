from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
from google.auth import exceptions as auth

from core.adapters import store_gcs
from core.adapters.registry import open_url
from core.errors import AlreadyExists, NotFound, Permanent, Transient, VersionMismatch
from core.ports import ObjectStore

from .stub import Answer, stub

# Google's client leaves the answers that it retries unread, so their sockets are closed by the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

VERBS: dict[str, Callable[[ObjectStore], object]] = {
    "head": lambda store: store.head("m/k"),
    "get": lambda store: store.get("m/k"),
    "get_range": lambda store: store.get_range("m/k", 0, 1),
    "get_if_changed": lambda store: store.get_if_changed("m/k", "7"),
    "stream": lambda store: list(store.stream("m/k", "7")),
    "list": lambda store: list(store.list("m/")),
    "create": lambda store: store.create("m/k", b"x"),
    "create large": lambda store: store.create("m/k", b"x" * (9 << 20)),
    "replace": lambda store: store.replace("m/k", b"x", "7"),
    "put": lambda store: store.put("m/k", b"x"),
    "put_stream": lambda store: store.put_stream("m/k", [b"x"]),
    "delete": lambda store: store.delete("m/k"),
}


@pytest.fixture(scope="module", autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()  # here, where its warnings are expected


@pytest.fixture
def answer() -> Answer:
    return Answer(body=b"{}", headers={"content-type": "application/json"})


@pytest.fixture
def store(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    quick = store_gcs.RETRY.with_delay(initial=0.01, maximum=0.01).with_timeout(0.15)
    monkeypatch.setattr(store_gcs, "RETRY", quick)
    with stub(answer) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        yield open_url("gs://acme-models", {})


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_what_may_go_well_later(store: ObjectStore, answer: Answer, verb: str, status: int) -> None:
    answer.status = status
    with pytest.raises(Transient, match="acme-models"):
        VERBS[verb](store)
    assert answer.requests >= 2


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("status", "mend"), [(401, "login"), (403, "grant"), (400, "refused")])
def test_what_someone_has_to_mend(store: ObjectStore, answer: Answer, verb: str, status: int, mend: str) -> None:
    answer.status = status
    with pytest.raises(Permanent, match=f"acme-models.*{mend}") as caught:
        VERBS[verb](store)
    assert caught.type is Permanent


@pytest.mark.parametrize(
    ("verb", "status", "kind"),
    [
        ("create", 412, AlreadyExists),
        ("replace", 412, VersionMismatch),
        ("replace", 409, Transient),
        ("get", 404, NotFound),
        ("get_range", 404, NotFound),
        ("stream", 404, NotFound),
    ],
)
def test_conflicts(store: ObjectStore, answer: Answer, verb: str, status: int, kind: type[Exception]) -> None:
    answer.status = status
    with pytest.raises(kind) as caught:
        VERBS[verb](store)
    assert caught.type is kind


@pytest.mark.parametrize(
    ("error", "kind"), [(auth.DefaultCredentialsError("none"), Permanent), (auth.TransportError("no"), Transient)]
)
def test_credentials(monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("core.adapters.store_gcs.storage.Client", fail)
    with pytest.raises(kind, match="gs://acme"):
        open_url("gs://acme", {})
