"""The OpenAPI document: valid, whole, and true of what is answered."""

import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from core.domain.access import KeyRing, new_key
from core.domain.schema import Feature
from core.errors import BadInput
from core.hosts.asgi import App, Server
from core.inference.authorities import make_access
from core.inference.endpoints import ENDPOINTS
from core.inference.row_schema import row_schema
from core.inference.rows import RowReader
from core.runtime import SystemClock
from core.settings import AccessSettings
from tests import penguins
from tests.penguins import MODEL, ROW, Desk, content
from tests.strangers import check_by_schemathesis
from tests.unit.inference.fleet import Fleet

METHODS = {"get", "post", "put"}
SECOND = "0000000000000002"


def document(desk: Desk) -> dict[str, Any]:
    return content(desk.ask("GET", "/openapi.json"))


def key_file() -> tuple[str, str]:
    """A file of API keys as text, and the key that it knows."""
    key, secret = new_key("any", "a secret", "a stranger", None, SystemClock().now(), None)
    return KeyRing((key,)).encode(), secret


def told(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) -> operation."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@pytest.fixture(scope="module")
def desk() -> Fleet:
    desk = Fleet(default_models=[MODEL])
    desk.service.start()
    return desk


def test_every_endpoint_is_told_where_no_model_is_loaded() -> None:
    told_of = document(Desk())
    validate(told_of)
    places = {(endpoint.method, endpoint.template) for endpoint in ENDPOINTS}
    assert set(told(told_of)) == {*places, ("GET", "/metrics")}


def test_where_models_are_loaded_what_takes_rows_is_told_for_each(desk: Desk) -> None:
    both = Desk()
    both.predict(ROW)
    both.predict(ROW, model="weights")
    told_of = document(both)
    validate(told_of)
    takes = [
        endpoint.template for endpoint in ENDPOINTS if endpoint.method == "POST" and "{model}" in endpoint.template
    ]
    for model in (MODEL, "weights"):
        assert {("POST", template.replace("{model}", model)) for template in takes} <= set(told(told_of))
    names = [operation["operationId"] for operation in told(told_of).values()]
    assert len(names) == len(set(names))


def test_no_reference_hangs(desk: Desk) -> None:
    told_of = document(desk)
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(each for key, each in value.items() if key == "$ref")
            list(map(walk, value.values()))
        elif isinstance(value, list):
            list(map(walk, value))

    walk(told_of)
    assert {each.rpartition("/")[2] for each in found} <= set(told_of["components"]["schemas"])


BODIES = {
    "InferRequest": {
        "inputs": [
            {"name": name, "shape": [1], "datatype": kind, "data": [ROW[name]]}
            for name, kind in zip(ROW, ["BYTES", "BYTES", "FP64", "INT64", "BOOL"], strict=True)
        ]
    },
    "PredictRequest": {"instances": [ROW, ROW]},
    "Invocation": ROW,
    "VertexRequest": {"instances": [ROW], "parameters": {"explain": False}},
}


def filled(template: str) -> str:
    places = {"folder": "rollouts", "file": "0000000001.json", "group": "north", "device": "pi-1"}
    values = {"model": MODEL, "version": SECOND, "endpoint": "1", "deployed_model": "2", **places}
    return template.format(**values, segment=Fleet().name())


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.template}")
def test_what_is_told_of_an_answer_is_so(desk: Fleet, endpoint: Any) -> None:
    told_of = document(desk)
    body = desk.segment() if endpoint.method == "PUT" else BODIES.get(endpoint.operation.request or "")
    answer = desk.ask(endpoint.method, filled(endpoint.template), body)
    assert answer.status == endpoint.operation.status, answer.body
    path = endpoint.template.replace("{model}", MODEL) if endpoint.operation.request else endpoint.template
    operation = told(told_of)[endpoint.method, path]
    kind = operation["responses"][str(answer.status)]["content"][answer.headers["content-type"]]
    found = content(answer) if answer.headers["content-type"] == "application/json" else answer.body.decode()
    jsonschema.validate(found, {**kind["schema"], "components": told_of["components"]})
    if endpoint.operation.request:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.validate(BODIES[endpoint.operation.request], {**body, "components": told_of["components"]})


def test_metrics_are_told_as_they_are(desk: Desk) -> None:
    told_of, answer = document(desk), desk.ask("GET", "/metrics")
    [kind] = told(told_of)["GET", "/metrics"]["responses"]["200"]["content"]
    assert answer.headers["content-type"].startswith(kind)


def parameters(operation: dict[str, Any]) -> set[str]:
    return {each["name"] for each in operation["parameters"]}


def test_what_takes_rows_takes_keys_versions_and_explanations(desk: Desk) -> None:
    traffic = {"x-tidemill-key", "x-tidemill-version", "explain", "explain_budget"}
    for (method, path), operation in told(document(desk)).items():
        assert {"x-request-id", "traceparent", "tracestate", "accept-encoding"} <= parameters(operation)
        if method == "POST":
            assert traffic - parameters(operation) == ({"x-tidemill-version"} if "{version}" in path else set()), path


def test_headers_of_answers_are_told(desk: Desk) -> None:
    operation = told(document(desk))["POST", f"/v1/models/{MODEL}:predict"]
    traced = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "a=1", "accept_encoding": "gzip"}
    answer = desk.ask("POST", f"/v1/models/{MODEL}:predict", {"instances": [ROW] * 50}, **traced)
    names = set(answer.headers) - {"content-type", "content-length"}
    assert names == set(operation["responses"]["200"]["headers"])


def test_who_is_asked_for_keys_is_told_how_to_send_them() -> None:
    text, secret = key_file()
    desk = Desk(access=make_access(AccessSettings(("keys",), keys=text, rate=2.0, burst=2), lambda: 0.0))
    told_of = content(desk.ask("GET", "/openapi.json", **{"x-api-key": secret}))
    validate(told_of)
    named = {name: (each["type"], each.get("name")) for name, each in told_of["components"]["securitySchemes"].items()}
    assert named == {"apiKey": ("apiKey", "x-api-key"), "apiKeyAsBearer": ("http", None)}
    assert told_of["security"] == [{"apiKey": []}, {"apiKeyAsBearer": []}]
    for (method, path), operation in told(told_of).items():
        answer = desk.ask(method, filled(path), {})
        assert (answer.status == 401) == ("security" not in operation), path
        if answer.status == 401:
            described = operation["responses"]["401"]["headers"]
            assert set(answer.headers) - {"content-type", "content-length"} <= set(described)
            assert described["www-authenticate"]["required"]
    desk.ask("GET", "/metrics", **{"x-api-key": secret})
    limited = desk.ask("GET", "/metrics", **{"x-api-key": secret})
    assert (limited.status, int(limited.headers["retry-after"])) == (429, 1)
    assert told(told_of)["GET", "/metrics"]["responses"]["429"]["headers"]["retry-after"]["required"]


def test_nobody_is_asked_where_all_may_ask(desk: Desk) -> None:
    told_of = document(desk)
    assert "security" not in told_of
    assert "securitySchemes" not in told_of["components"]


values = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from([*ROW.values(), "x", 1e39])
)
strange_rows = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(ROW, values), "tag": values, "observer": values, "wings": values}
)


@given(strange_rows | st.builds(lambda row: {**ROW, **row}, strange_rows), st.sampled_from(["refuse", "drop"]))
def test_a_row_fits_the_schema_exactly_if_it_is_read(row: dict[str, Any], undeclared: str) -> None:
    schema = penguins.schema(undeclared=undeclared)
    fits = jsonschema.Draft202012Validator(row_schema(schema)).is_valid(row)
    try:
        RowReader(schema).rows([row])
    except BadInput:
        assert not fits
    else:
        assert fits


def test_the_target_is_no_part_of_a_row() -> None:
    schema = penguins.schema(undeclared="drop", features=(Feature("x", "number"),))
    validator = jsonschema.Draft202012Validator(row_schema(schema))
    assert validator.is_valid({"x": 1, "other": 2})
    assert not validator.is_valid({"x": 1, schema.target: "Adelie"})


@pytest.mark.slow
@pytest.mark.parametrize("with_keys", [False, True], ids=["open", "with keys"])
def test_schemathesis_finds_nothing(tmp_path: Path, with_keys: bool) -> None:
    """Every check that it has, as a stranger would run it: positive, negative and stateful."""
    text, secret = key_file()
    access = make_access(AccessSettings(("keys",), keys=text)) if with_keys else None
    desk = Fleet(default_models=[MODEL], access=access)
    desk.cache._now = time.monotonic
    with Server(App(desk.service)) as server:
        options = ["--header", f"x-api-key: {secret}"] if with_keys else []
        check_by_schemathesis(f"{server.url}/openapi.json", tmp_path, *options)


HEADERS = {"content-type", "content-length"}


@pytest.mark.parametrize(
    ("status", "asked"),
    [(200, {}), (206, {"range": "bytes=0-1"}), (304, {"if_none_match": "*"}), (416, {"range": "bytes=99-"})],
)
def test_what_is_told_of_parts_is_so(desk: Fleet, status: int, asked: dict[str, str]) -> None:
    operation = told(document(desk))["GET", "/edge/{model}/{folder}/{file}"]
    answer = desk.ask("GET", filled("/edge/{model}/{folder}/{file}"), **asked)
    described = operation["responses"][str(status)]["headers"]
    assert answer.status == status
    assert set(answer.headers) - HEADERS <= set(described)
    assert {name for name, each in described.items() if each.get("required")} <= set(answer.headers)
    assert {name.replace("_", "-") for name in asked} <= parameters(operation)
