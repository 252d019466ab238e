"""The host of events behind HTTP: who may post, what is called, and which answer makes a sender try again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
import jsonschema
import openapi_spec_validator
import pytest

from core.adapters.store_memory import MemoryStore
from core.declaration import declarations
from core.errors import BadInput, Transient
from core.events.messages import ScheduleFired
from core.hosts.asgi import App, Server
from core.hosts.cloudevents import Deliveries
from core.hosts.container import Hub
from core.hosts.worker import Worker, make_workers
from core.inference.access import Access, Caller, Scheme
from core.inference.http import Request, Response
from core.layout import ZONES
from core.runtime import Runtime
from core.settings import Settings
from tests.strangers import check_by_schemathesis

GOLDEN = Path(__file__).parents[2] / "events" / "golden"
CLOUD_EVENTS = ("gcs_finalized", "gcs_deleted", "azure_created", "azure_deleted")
CREATED = {
    "specversion": "1.0",
    "id": "1",
    "source": "//storage.googleapis.com/projects/_/buckets/acme-landing",
    "type": "google.cloud.storage.object.v1.finalized",
    "data": {"bucket": "acme-landing", "name": "m/rows/a.csv", "generation": "7"},
}


class Bench:
    """Two functions that note what they are called with; `fails` is what they raise, by name."""

    def __init__(self, folder: Path, access: Access | None = None, **fails: Exception) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.fails = fails
        settings = Settings.from_env({}, store="gs://acme-{zone}", specs=folder)
        runtime = Runtime(settings, stores={zone: MemoryStore() for zone in ZONES})
        workers = {
            name: Worker(declarations()[name], runtime, self.function(name)) for name in ("ingest", "drift_check")
        }
        self.deliveries = Deliveries(workers, access)

    def function(self, name: str) -> Any:
        def handle(event: Any, runtime: Runtime) -> Mapping[str, Any]:
            self.seen.append((name, event))
            if name in self.fails:
                raise self.fails[name]
            return {}

        return handle

    def post(self, document: Any, path: str = "/events", headers: dict[str, str] | None = None) -> Response:
        told = headers or {"content-type": "application/cloudevents+json"}
        return self.deliveries.handle(Request("POST", path, "", told, json.dumps(document).encode()))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_object_goes_to_the_functions_that_declare_it(bench: Bench) -> None:
    assert bench.post(CREATED).status == 200
    ((name, event),) = bench.seen
    assert (name, event.zone, event.key, event.version) == ("ingest", "landing", "m/rows/a.csv", "7")
    assert bench.post(CREATED, "/events/drift_check").status == 200
    assert len(bench.seen) == 1


def test_a_schedule_goes_to_its_function_alone(bench: Bench) -> None:
    message = {"schedule": "drift_check", "model": "m", "at": "2026-05-01T12:00:00Z"}
    assert bench.post(message, headers={"content-type": "application/json"}).status == 200
    ((name, event),) = bench.seen
    assert name == "drift_check"
    assert isinstance(event, ScheduleFired)


@pytest.mark.parametrize(
    ("error", "status"),
    [(Transient("later."), 503), (BadInput("never."), 400), (ZeroDivisionError("secret"), 500)],
    ids=["transient", "permanent", "unforeseen"],
)
def test_the_answer_says_whether_to_try_again(tmp_path: Path, error: Exception, status: int) -> None:
    answer = Bench(tmp_path, ingest=error).post(CREATED)
    assert answer.status == status
    assert "secret" not in answer.body.decode()
    assert set(json.loads(answer.body)) == {"error"}


def test_of_a_batch_what_may_succeed_later_decides(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ingest=BadInput("never."), drift_check=Transient("later."))
    schedule = {**CREATED, "type": "tidemill.schedule", "data": {"schedule": "drift_check", "model": "m"}}
    batch = {"content-type": "application/cloudevents-batch+json"}
    assert bench.post([CREATED, schedule], headers=batch).status == 503
    assert [name for name, _ in bench.seen] == ["ingest", "drift_check"]


def test_what_cannot_be_read_is_refused_in_one_sentence(bench: Bench) -> None:
    theirs = {**CREATED, "data": {**CREATED["data"], "bucket": "theirs"}}
    for answer in (bench.post(theirs), bench.post([]), bench.post(CREATED, "/events/nothing"), bench.post("x" * 2**21)):
        assert answer.status in {400, 413}
        assert json.loads(answer.body)["error"]
    assert bench.seen == []


def test_a_sender_is_let_in_when_it_asks_first(bench: Bench) -> None:
    asked = Request("OPTIONS", "/events", headers={"webhook-request-origin": "eventgrid.azure.net"})
    answer = bench.deliveries.handle(asked)
    assert (answer.status, answer.headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")
    assert bench.deliveries.handle(Request("GET", "/events")).status == 405


class Keys:
    """Knows two keys: one for all models, one for a single model."""

    scheme: ClassVar[Scheme] = "key"

    def recognise(self, credential: str) -> Caller | None:
        return {"all": Caller("all"), "one": Caller("one", frozenset({"m"}))}.get(credential)


@pytest.mark.parametrize(("key", "status"), [("", 401), ("none", 401), ("one", 403), ("all", 200)])
def test_who_may_post_is_asked_as_at_the_endpoint(tmp_path: Path, key: str, status: int) -> None:
    bench = Bench(tmp_path, Access((Keys(),)))
    headers = {"content-type": "application/cloudevents+json", "authorization": f"Bearer {key}"}
    assert bench.post(CREATED, headers=headers).status == status
    assert len(bench.seen) == (status == 200)


def test_a_hub_without_an_endpoint_is_healthy_and_takes_events(bench: Bench) -> None:
    hub = Hub(bench.deliveries)
    assert hub.handle(Request("GET", "/v2/health/ready")).status == 200
    assert hub.handle(Request("GET", "/v2/models/m")).status == 404
    assert hub.handle(Request("POST", "/events", "", {"ce-specversion": "1.0"}, b"")).status == 400
    assert hub.may_wait(Request("POST", "/events"))


def test_every_function_that_events_start_is_served_unless_one_is_named(tmp_path: Path) -> None:
    every = make_workers(Settings.from_env({}, specs=tmp_path))
    assert list(every) == [each.name for each in declarations().values() if each.kind == "event"]
    named = make_workers(Settings.from_env({"TIDEMILL_FUNCTION": "ingest"}, specs=tmp_path))
    assert list(named) == ["ingest"]
    with pytest.raises(BadInput, match="must be one of"):
        make_workers(Settings.from_env({"TIDEMILL_FUNCTION": "sing"}, specs=tmp_path))


def test_the_port_of_the_host_is_a_real_one(bench: Bench) -> None:
    with Server(App(Hub(bench.deliveries))) as server, httpx.Client(base_url=server.url) as client:
        headers = {"content-type": "application/cloudevents+json"}
        assert client.post("/events", content=json.dumps(CREATED), headers=headers).json() == {"done": True}
    assert len(bench.seen) == 1


def test_the_document_is_valid_and_true_of_what_is_taken(bench: Bench) -> None:
    told = json.loads(bench.deliveries.handle(Request("GET", "/events/openapi.json")).body)
    openapi_spec_validator.validate(told)
    bodies = {
        "CloudEvent": [CREATED, *(json.loads((GOLDEN / f"{name}.json").read_text("utf-8")) for name in CLOUD_EVENTS)],
        "Message": [{"schedule": "drift_check", "model": "m"}, {"schedule": "report"}, {"training": "t", "model": "m"}],
    }
    bodies["Batch"] = [bodies["CloudEvent"], []]
    for name, every in bodies.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": told["components"]}
        for each in every:
            jsonschema.validate(each, schema, cls=jsonschema.Draft202012Validator)
    assert bench.deliveries.handle(Request("POST", "/events/openapi.json")).status == 405
    assert told["paths"]["/events/{function}"]["parameters"][0]["schema"] == {"enum": ["ingest", "drift_check"]}


def test_the_document_is_for_those_who_may_post(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Access((Keys(),)))
    asked = [Request("GET", "/events/openapi.json", headers={"x-api-key": key}) for key in ("", "one", "all")]
    answers = [bench.deliveries.handle(each) for each in asked]
    assert [each.status for each in answers] == [401, 403, 200]
    told = json.loads(answers[-1].body)
    assert told["security"] == [{"apiKey": []}, {"apiKeyAsBearer": []}]
    openapi_spec_validator.validate(told)


class CountingHub(Hub):
    """Counts its answers by their status."""

    def __init__(self, deliveries: Deliveries) -> None:
        super().__init__(deliveries)
        self.answers: Counter[int] = Counter()

    def handle(self, request: Request) -> Response:
        answer = super().handle(request)
        self.answers[answer.status] += 1
        return answer


BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/clock", "ce-type": "tidemill.schedule"}


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, BINARY, {"x-api-key": "all"}], ids=["open", "binary", "with keys"])
def test_schemathesis_finds_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    """Every check that it has, as a stranger would run it, in every mode; in binary mode JSON is an event's data."""
    bench = Bench(tmp_path, Access((Keys(),)) if "x-api-key" in headers else None)
    hub = CountingHub(bench.deliveries)
    with Server(App(hub)) as server:
        options = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
        check_by_schemathesis(f"{server.url}/events/openapi.json", tmp_path, *options)
    assert min(hub.answers[200], hub.answers[400]) > 30
