"""`?explain=1` on the real models: additive, on every protocol, bounded."""

import json
import time
from typing import Any

import pytest

from core import layout
from core.domain.route import Route
from core.inference.http import Request, Response
from tests.penguins import FEATURES, MODEL, ROW, Desk, content, rows, sentence

DESK = Desk(default_models=[MODEL])
PREDICT = f"/v1/models/{MODEL}:predict"
NAMES = [feature.name for feature in FEATURES]


def ask(path: str, body: Any, query: str = "explain=1", desk: Desk = DESK, **headers: str) -> Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return desk.service.handle(Request("POST", path, query, names, json.dumps(body).encode()))


def test_each_row_is_explained_and_its_contributions_add_up() -> None:
    given = rows(5)
    answer = content(ask(PREDICT, {"instances": given}))
    for prediction, explained in zip(answer["predictions"], answer["explanations"], strict=True):
        label = prediction["label"]
        assert explained["output"] == f"probability_{label}"
        assert list(explained["contributions"]) == NAMES
        assert explained["answer"] == pytest.approx(prediction["probabilities"][label], abs=1e-6)
        assert explained["base"] + sum(explained["contributions"].values()) == pytest.approx(
            explained["answer"], abs=1e-5
        )
    assert content(ask(PREDICT, {"instances": given}))["explanations"] == answer["explanations"]


def test_a_regression_is_explained_in_its_own_unit() -> None:
    answer = content(ask("/v1/models/weights:predict", {"instances": [ROW]}))
    (explained,) = answer["explanations"]
    assert explained["output"] == "prediction"
    assert explained["answer"] == pytest.approx(answer["predictions"][0]["prediction"], rel=1e-6)
    assert explained["base"] + sum(explained["contributions"].values()) == pytest.approx(explained["answer"], rel=1e-5)


def test_columns_and_sagemaker_are_explained_alike() -> None:
    by_row = content(ask(PREDICT, {"instances": [ROW]}))["explanations"]
    by_column = content(ask(PREDICT, {"inputs": {name: [value] for name, value in ROW.items()}}))["explanations"]
    assert by_row == by_column == content(ask("/invocations", [ROW]))["explanations"]


def tensors(binary: bool = False) -> dict[str, Any]:
    kinds = {"island": "BYTES", "sex": "BYTES", "bill_length": "FP64", "flipper_length": "INT64", "heavy": "BOOL"}
    inputs = [{"name": name, "shape": [1], "datatype": kind, "data": [ROW[name]]} for name, kind in kinds.items()]
    return {"inputs": inputs, "parameters": {"binary_data_output": True} if binary else {}}


def test_the_open_inference_protocol_has_them_as_tensors() -> None:
    outputs = {each["name"]: each for each in content(ask(f"/v2/models/{MODEL}/infer", tensors()))["outputs"]}
    (by_row,) = content(ask(PREDICT, {"instances": [ROW]}))["explanations"]
    assert outputs["contributions"]["shape"] == [1, len(NAMES)]
    assert outputs["contributions"]["parameters"] == {"features": NAMES}
    assert outputs["contributions"]["data"] == list(by_row["contributions"].values())
    assert (outputs["base"]["data"], outputs["explained_output"]["data"]) == ([by_row["base"]], [by_row["output"]])


def test_they_are_json_beside_outputs_that_are_bytes() -> None:
    """`tritonclient` asks for bytes unless told otherwise."""
    answer = ask(f"/v2/models/{MODEL}/infer", tensors(binary=True))
    head = json.loads(answer.body[: int(answer.headers["inference-header-content-length"])])
    outputs = {each["name"]: each for each in head["outputs"]}
    assert "data" not in outputs["probabilities"]
    (by_row,) = content(ask(PREDICT, {"instances": [ROW]}))["explanations"]
    assert outputs["contributions"]["data"] == list(by_row["contributions"].values())


def test_csv_has_no_room_for_them() -> None:
    answer = ask("/invocations", [ROW], accept="text/csv")
    assert answer.status == 400
    assert sentence(answer) == "explanations are told in JSON alone: ask for no CSV."


@pytest.mark.parametrize("query", ["", "explain=0", "explain=false", "unexplained=1", "pretty=1"])
def test_nothing_is_explained_that_was_not_asked_for(query: str) -> None:
    assert "explanations" not in content(ask(PREDICT, {"instances": [ROW]}, query))


@pytest.mark.parametrize("budget", ["-1", "1e3", "999999", "", "٣", "1" * 5000])
def test_a_budget_that_is_none_is_told(budget: str) -> None:
    answer = ask(PREDICT, {"instances": [ROW]}, f"explain=1&explain_budget={budget}")
    assert answer.status == 400
    assert sentence(answer).startswith("explain_budget is ")


def test_a_budget_bounds_what_is_answered() -> None:
    for budget, most in (("0", 12), ("500", 500), ("3000", 3000)):
        (explained,) = content(ask(PREDICT, {"instances": [ROW]}, f"explain=1&explain_budget={budget}"))["explanations"]
        assert explained["evaluations"] <= most


def test_time_bounds_it_too() -> None:
    ask(PREDICT, {"instances": [ROW]})
    start = time.perf_counter()
    answer = content(ask(PREDICT, {"instances": rows(10)}, "explain=1&explain_budget=100000"))
    assert time.perf_counter() - start < 5
    assert len(answer["explanations"]) == 10


def test_the_first_rows_of_many_are_explained() -> None:
    answer = content(ask(PREDICT, {"instances": rows(12)}))
    assert (len(answer["predictions"]), len(answer["explanations"])) == (12, 10)
    for prediction, explained in zip(answer["predictions"], answer["explanations"], strict=False):
        assert explained["answer"] == pytest.approx(prediction["probabilities"][prediction["label"]], abs=1e-6)


def test_explaining_records_one_answer_and_may_wait_for_the_store() -> None:
    desk = Desk()
    ask(PREDICT, {"instances": [ROW]}, desk=desk)
    assert sum(map(len, desk.records().values())) == 1
    assert desk.service.may_wait(Request("POST", PREDICT, "explain=1"))
    assert not desk.service.may_wait(Request("POST", PREDICT, "pretty=1"))


def test_the_version_that_answered_is_the_one_explained() -> None:
    desk = Desk()
    desk.models.put(layout.route(MODEL), Route(MODEL, "0000000000000001", "0000000000000002", "ab", 0.5).encode())
    for key in range(8):
        answer = ask(PREDICT, {"instances": [ROW]}, desk=desk, x_tidemill_key=str(key))
        (prediction,), (explained,) = content(answer)["predictions"], content(answer)["explanations"]
        assert explained["answer"] == pytest.approx(prediction["probabilities"][prediction["label"]], abs=1e-6)
