"""The realtime function on a store in a folder."""

import json
from pathlib import Path

import pytest

from core.inference.http import Request
from core.runtime import Runtime
from core.settings import Settings
from functions.realtime_inference.handler import handle, service
from tests import penguins
from tests.penguins import MODEL, ROW


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    environ = {"TIDEMILL_STORE": f"file://{tmp_path}/{{zone}}", "TIDEMILL_PREDICTION_LOG": "sync"}
    runtime = Runtime(Settings.from_env(environ))
    penguins.classifier().store(runtime.store("models"))
    penguins.route(runtime.store("models"), penguins.classifier())
    return runtime


def request(row: object) -> Request:
    return Request("POST", f"/v1/models/{MODEL}:predict", body=json.dumps({"instances": [row]}).encode())


def test_a_request_is_answered_and_recorded(runtime: Runtime) -> None:
    answer = handle(request(ROW), runtime)
    assert answer.status == 200
    (prediction_id,) = json.loads(answer.body)["prediction_ids"]
    (stored,) = runtime.store("predictions").list("")
    assert json.loads(runtime.store("predictions").get(stored.key).data)["prediction_id"] == prediction_id


def test_a_bad_row_is_refused(runtime: Runtime) -> None:
    answer = handle(request({**ROW, "island": 7}), runtime)
    assert answer.status == 400
    assert json.loads(answer.body)["error"].startswith("field 'island' of row 0")


def test_one_process_has_one_service(runtime: Runtime) -> None:
    assert service(runtime) is service(runtime)
