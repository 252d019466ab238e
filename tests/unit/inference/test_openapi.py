"""The OpenAPI document: valid, whole, and true of what is answered."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from core.domain.schema import Feature
from core.errors import BadInput
from core.hosts.asgi import App, Server
from core.inference.endpoints import ENDPOINTS
from core.inference.row_schema import row_schema
from core.inference.rows import RowReader
from tests import penguins
from tests.penguins import MODEL, ROW, Desk, content

METHODS = {"get", "post"}
SECOND = "0000000000000002"


def document(desk: Desk) -> dict[str, Any]:
    return content(desk.ask("GET", "/openapi.json"))


def told(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) -> operation."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@pytest.fixture(scope="module")
def desk() -> Desk:
    desk = Desk(default_models=[MODEL])
    desk.service.start()
    return desk


def test_every_endpoint_is_told_where_no_model_is_loaded() -> None:
    told_of = document(Desk())
    validate(told_of)
    assert set(told(told_of)) == {(endpoint.method, endpoint.template) for endpoint in ENDPOINTS}


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
    values = {"model": MODEL, "version": SECOND, "endpoint": "1", "deployed_model": "2"}
    return template.format(**values)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.template}")
def test_what_is_told_of_an_answer_is_so(desk: Desk, endpoint: Any) -> None:
    told_of = document(desk)
    answer = desk.ask(endpoint.method, filled(endpoint.template), BODIES.get(endpoint.operation.request or ""))
    assert answer.status == 200, answer.body
    path = endpoint.template.replace("{model}", MODEL) if endpoint.operation.request else endpoint.template
    operation = told(told_of)[endpoint.method, path]
    kind = operation["responses"]["200"]["content"][answer.headers["content-type"]]
    jsonschema.validate(content(answer), {**kind["schema"], "components": told_of["components"]})
    if endpoint.operation.request:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.validate(BODIES[endpoint.operation.request], {**body, "components": told_of["components"]})


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
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Every check that it has, as a stranger would run it: positive, negative and stateful."""
    desk = Desk(default_models=[MODEL])
    desk.cache._now = time.monotonic
    with Server(App(desk.service)) as server:
        command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
        options = ["--max-examples", "25", "--seed", "1", "--no-color", "--checks", "all"]
        found = subprocess.run(
            [*command, f"{server.url}/openapi.json", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert re.search(r"Operations:\s+(\d+) selected / \1 total", found.stdout)
