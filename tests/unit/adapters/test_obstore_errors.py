from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from core.adapters import store_obstore
from core.adapters.registry import open_url
from core.errors import AlreadyExists, NotFound, Permanent, Transient, VersionMismatch
from core.ports import ObjectStore

from .stub import Answer, stub

VERBS: dict[str, Callable[[ObjectStore], object]] = {
    "head": lambda store: store.head("m/k"),
    "get": lambda store: store.get("m/k"),
    "get_range": lambda store: store.get_range("m/k", 0, 1),
    "get_if_changed": lambda store: store.get_if_changed("m/k", "v"),
    "stream": lambda store: list(store.stream("m/k", "v")),
    "list": lambda store: list(store.list("m/")),
    "create": lambda store: store.create("m/k", b"x"),
    "replace": lambda store: store.replace("m/k", b"x", "v"),
    "put": lambda store: store.put("m/k", b"x"),
    "put_stream": lambda store: store.put_stream("m/k", [b"x" * (9 << 20)]),
    "delete": lambda store: store.delete("m/k"),
}


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture(params=["s3", "az"])
def store(request: pytest.FixtureRequest, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    backoff = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2)}
    monkeypatch.setattr(store_obstore, "_RETRY", {"max_retries": 1, "backoff": backoff})
    monkeypatch.setattr(store_obstore, "_CLIENT", {**store_obstore._CLIENT, "timeout": "5s"})
    with stub(answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acme")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"{url}/acme")
        yield open_url(f"{request.param}://acme-models", {"AWS_ACCESS_KEY_ID": "x"})


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_what_may_go_well_later(store: ObjectStore, answer: Answer, verb: str, status: int) -> None:
    answer.status = status
    with pytest.raises(Transient, match="acme-models"):
        VERBS[verb](store)
    assert answer.requests >= 2


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "delete"])
@pytest.mark.parametrize(("status", "mend"), [(401, "renew"), (403, "grant"), (301, "AWS_REGION")])
def test_what_someone_has_to_mend(store: ObjectStore, answer: Answer, verb: str, status: int, mend: str) -> None:
    answer.status = status
    with pytest.raises(Permanent, match=f"acme-models.*{mend}") as caught:
        VERBS[verb](store)
    assert caught.type is Permanent


@pytest.mark.parametrize(
    ("verb", "status", "kind"),
    [
        ("create", 409, AlreadyExists),
        ("create", 412, AlreadyExists),
        ("replace", 412, VersionMismatch),
        ("replace", 404, VersionMismatch),
        ("replace", 409, Transient),
        ("get", 404, NotFound),
        ("head", 404, NotFound),
        ("get_range", 404, NotFound),
        ("get_if_changed", 404, NotFound),
        ("stream", 404, NotFound),
    ],
)
def test_conflicts_are_one_whoever_tells_them(
    store: ObjectStore, answer: Answer, verb: str, status: int, kind: type[Exception]
) -> None:
    answer.status = status
    with pytest.raises(kind) as caught:
        VERBS[verb](store)
    assert caught.type is kind


def test_a_create_beside_another_conditional_write_is_not_decided(store: ObjectStore, answer: Answer) -> None:
    answer.status, answer.body = 409, b"<Error><Code>ConditionalRequestConflict</Code></Error>"
    with pytest.raises(Transient, match="another write"):
        VERBS["create"](store)


def test_no_signature_is_told(store: ObjectStore, answer: Answer) -> None:
    answer.status = 400
    with pytest.raises(Permanent) as caught:
        VERBS["list"](store)
    assert "?" not in str(caught.value)


def test_a_store_without_etags_is_of_no_use(store: ObjectStore, answer: Answer) -> None:
    answer.status = 201
    with pytest.raises(Permanent, match="ETag"):
        store.create("k", b"x")
