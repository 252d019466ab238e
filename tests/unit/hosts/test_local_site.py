"""The report site beside the endpoint: what is read, and what is not."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from core.adapters.store_local import LocalStore
from core.adapters.store_memory import MemoryStore
from core.hosts.asgi import Server
from core.hosts.local.site import WithSite, respond
from core.hosts.local.up import has_site
from core.runtime import Runtime
from core.settings import Settings

PAGE = b"<!DOCTYPE html><title>m</title>"


@pytest.fixture
def reports():
    store = MemoryStore()
    store.create("m/site/index.html", PAGE)
    store.create("m/drift/v-w.json", b"{}")
    store.create("m/site/odd", b"x")
    return store


async def inner(scope, receive, send):
    """What is behind the site: lives, and answers 200 to all."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inner"})


def test_pages_are_served_beside_the_endpoint_over_http(reports):
    with Server(WithSite(inner, reports)) as server, httpx.Client(base_url=server.url) as client:
        first = client.get("/")
        assert (first.status_code, first.headers["location"]) == (307, "/reports/index.html")
        page = client.get("/reports/m/site/", follow_redirects=True)
        assert (page.content, page.headers["content-type"]) == (PAGE, "text/html; charset=utf-8")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert client.get(page.url, headers={"if-none-match": page.headers["etag"]}).status_code == 304
        head = client.head("/reports/m/site/index.html")
        assert (head.status_code, head.content) == (200, b"")
        assert client.get("/reports/m/drift/v-w.json").headers["content-type"] == "application/json"
        assert client.get("/v2").text == "inner"
        assert client.get("/ping").text == "inner"


def test_what_is_no_page_is_not_found(reports):
    for path in ("/reports/m/site/none.html", "/reports/m/site/odd", "/reports.html", "/reportsm/site/index.html"):
        assert respond(reports, "GET", path).status == 404, path


@pytest.mark.parametrize("path", ["/reports/../models/m/route.json", "/reports//etc/a.json", "/reports/m/../../x.json"])
def test_a_path_never_leaves_the_zone(tmp_path, path):
    (tmp_path / "models" / "m").mkdir(parents=True)
    (tmp_path / "models" / "m" / "route.json").write_text("secret")
    (tmp_path / "x.json").write_text("secret")
    answer = respond(LocalStore(tmp_path / "reports"), "GET", path)
    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.mark.parametrize("path", ["//evil.example/", "/reports//evil.example/", "/reports/a\r\nx: y/"])
def test_a_redirect_stays_on_this_host_and_in_one_header(reports, path):
    place = respond(reports, "GET", path).headers["location"]
    assert place.startswith("/")
    assert not place.startswith("//")
    assert not {"\r", "\n"} & set(place)


def test_the_site_is_read_only(reports):
    for method in ("POST", "PUT", "DELETE"):
        answer = respond(reports, method, "/reports/m/site/index.html")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(("access", "shown"), [("", True), ("none", True), ("keys", False), ("iam", False)])
def test_where_callers_have_to_say_who_they_are_there_is_no_site(tmp_path, access, shown):
    environ = {"TIDEMILL_ACCESS": access, "TIDEMILL_KEYS": "{}"}
    runtime = Runtime(Settings.from_env(environ, store=f"{tmp_path}/{{zone}}"))
    assert has_site(runtime) is shown


def test_an_empty_store_tells_how_to_begin():
    answer = respond(MemoryStore(), "GET", "/reports/index.html")
    assert answer.status == 200
    assert b"tidemill demo" in answer.body


def test_what_is_not_http_is_passed_on(reports):
    passed = []

    async def listening(scope, receive, send):
        passed.append(scope["type"])

    asyncio.run(WithSite(listening, reports)({"type": "websocket", "path": "/"}, None, None))
    assert passed == ["websocket"]
