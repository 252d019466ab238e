"""Open Inference Protocol V2 through the service."""

from typing import Any

import pytest

from tests import penguins
from tests.penguins import MODEL, Desk, content, sentence

PATH = f"/v2/models/{MODEL}/infer"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def tensors(n: int = 2, **changes: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, dict[str, Any]] = {
        "island": {"datatype": "BYTES", "data": ["Dream"] * n},
        "flipper_length": {"datatype": "INT64", "data": [186] * n},
        "bill_length": {"datatype": "FP64", "data": [39.5] * n},
        "heavy": {"datatype": "BOOL", "data": [False] * n},
    }
    for name, change in changes.items():
        given[name] = {**given.get(name, {}), **change}
    return {"inputs": [{"name": name, "shape": [n], **fields} for name, fields in given.items()]}


def outputs(answer: dict[str, Any]) -> dict[str, Any]:
    return {output["name"]: output for output in answer["outputs"]}


def test_tensors_are_answered_as_rows_are(desk: Desk) -> None:
    answer = content(desk.ask("POST", PATH, {**tensors(), "id": "mine"}))
    row = {"island": "Dream", "flipper_length": 186, "bill_length": 39.5, "heavy": False}
    (expected,) = content(desk.predict(row))["predictions"]
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (MODEL, "0000000000000001", "mine")
    found = outputs(answer)
    assert found["label"] == {"name": "label", "datatype": "BYTES", "shape": [2], "data": [expected["label"]] * 2}
    assert found["probabilities"]["shape"] == [2, 3]
    assert found["probabilities"]["data"] == pytest.approx(list(expected["probabilities"].values()) * 2, abs=1e-6)
    assert (found["prediction_id"]["shape"], len(set(found["prediction_id"]["data"]))) == ([2], 2)


def test_regression_answers_one_number_a_row(desk: Desk) -> None:
    answer = outputs(content(desk.ask("POST", "/v2/models/weights/infer", tensors(3))))
    assert (answer["prediction"]["datatype"], answer["prediction"]["shape"]) == ("FP32", [3])
    assert list(answer) == ["prediction", "prediction_id"]


def test_a_column_of_shape_n_1_may_be_nested_or_flat(desk: Desk) -> None:
    flat = tensors(bill_length={"shape": [2, 1]})
    nested = tensors(bill_length={"shape": [2, 1], "data": [[39.5], [39.5]]})
    plain = tensors()
    answers = [outputs(content(desk.ask("POST", PATH, body)))["probabilities"] for body in (flat, nested, plain)]
    assert answers[0] == answers[1] == answers[2]


def test_nulls_are_for_optional_features(desk: Desk) -> None:
    body = tensors(bill_length={"data": [None, 39.5]}, sex={"datatype": "BYTES", "data": [None, "female"]})
    assert desk.ask("POST", PATH, body).status == 200


def test_an_integer_feature_takes_whole_floats(desk: Desk) -> None:
    whole = desk.ask("POST", PATH, tensors(flipper_length={"datatype": "FP32", "data": [186.0, 190.0]}))
    assert whole.status == 200


@pytest.mark.parametrize(
    ("wanted", "names"),
    [(["label"], ["label", "prediction_id"]), (["prediction_id"], ["prediction_id"])],
)
def test_outputs_are_those_that_are_wanted(desk: Desk, wanted: list[str], names: list[str]) -> None:
    body = {**tensors(), "outputs": [{"name": name} for name in wanted]}
    assert list(outputs(content(desk.ask("POST", PATH, body)))) == names


WRONG = [
    (tensors(bill_length={"datatype": "BYTES"}), "input 'bill_length' has datatype 'BYTES': a feature of type number"),
    (tensors(heavy={"datatype": "INT64"}), "input 'heavy' has datatype 'INT64'"),
    (tensors(bill_length={"datatype": "INT32"}), "field 'bill_length' of row 0 is 39.5, and its tensor's datatype is"),
    (tensors(bill_length={"shape": [2, 2]}), "input 'bill_length' has shape [2, 2]: it must be [n] or [n,1]."),
    (tensors(bill_length={"shape": []}), "input 'bill_length' has shape []"),
    (tensors(bill_length={"shape": [-2]}), "input 'bill_length' has shape [-2]"),
    (tensors(bill_length={"shape": [3]}), "input 'bill_length' has 2 values, and its shape says 3."),
    (tensors(bill_length={"shape": [1], "data": [1.0]}), "field 'bill_length' has 1 values, but field 'island' has 2."),
    (tensors(island={"data": ["Dream", "Elba"]}), "field 'island' of row 1 is 'Elba'"),
    (tensors(wings={"datatype": "FP32", "data": [1, 2]}), "field 'wings' is unknown"),
    ({"inputs": tensors()["inputs"] * 2}, "input 'island' is given twice."),
    ({"inputs": tensors()["inputs"][1:]}, "field 'island' of row 0 is missing"),
    ({"inputs": []}, "the request holds no rows"),
    (tensors(0), "the request holds no rows"),
    ({}, "the body is not as expected: object missing required field `inputs`."),
    ({**tensors(), "id": 3}, "the body is not as expected: expected `str | null`, got `int` - at `$.id`."),
    ({**tensors(), "outputs": [{"name": "odds"}]}, "output 'odds' is unknown: the outputs are label, probabilities"),
]


@pytest.mark.parametrize(("body", "message"), WRONG)
def test_what_does_not_fit_is_named(desk: Desk, body: dict[str, Any], message: str) -> None:
    answer = desk.ask("POST", PATH, body)
    assert answer.status == 400
    assert sentence(answer).startswith(message)


def test_metadata_tells_inputs_and_outputs(desk: Desk) -> None:
    told = content(desk.ask("GET", f"/v2/models/{MODEL}"))
    assert told["versions"] == ["0000000000000001"]
    assert [each["name"] for each in told["inputs"]] == [feature.name for feature in penguins.FEATURES]
    assert [each["datatype"] for each in told["inputs"]] == ["BYTES", "BYTES", "FP64", "INT64", "BOOL"]
    assert told["outputs"][1]["shape"] == [-1, 3]
    assert told["outputs"][1]["parameters"] == {"classes": ["Adelie", "Chinstrap", "Gentoo"]}


def test_what_metadata_tells_can_be_sent(desk: Desk) -> None:
    told = content(desk.ask("GET", f"/v2/models/{MODEL}"))
    sent = {"BYTES": "Dream", "FP64": 40.5, "INT64": 200, "BOOL": True}
    inputs = [{**each, "shape": [1, 1], "data": [sent[each["datatype"]]]} for each in told["inputs"]]
    assert desk.ask("POST", PATH, {"inputs": inputs}).status == 200


def test_server_and_health(desk: Desk) -> None:
    assert content(desk.ask("GET", "/v2"))["name"] == "tidemill"
    assert content(desk.ask("GET", "/v2/health/live")) == {"live": True}
    assert content(desk.ask("GET", f"/v2/models/{MODEL}/ready")) == {"name": MODEL, "ready": True}
    assert content(desk.ask("GET", "/v2/health/ready")) == {"ready": True}
