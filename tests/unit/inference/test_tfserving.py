"""TensorFlow Serving's and Vertex AI's protocol through the service."""

import base64
import json

import pytest

from core.domain.schema import Feature, Schema
from core.inference import tfserving
from core.inference.rows import RowReader
from tests import penguins
from tests.penguins import MODEL, ROW, Desk, content, rows, sentence

FIRST, SECOND = "0000000000000001", "0000000000000002"
PATH = f"/v1/models/{MODEL}:predict"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def test_rows_are_answered_in_order(desk: Desk) -> None:
    answer = content(desk.predict(*rows(60)))
    assert len(answer["predictions"]) == len(set(answer["prediction_ids"])) == 60
    alone = [content(desk.predict(row))["predictions"][0] for row in rows(60)]
    assert [each["label"] for each in answer["predictions"]] == [each["label"] for each in alone]
    for prediction in answer["predictions"]:
        probabilities = prediction["probabilities"]
        assert list(probabilities) == ["Adelie", "Chinstrap", "Gentoo"]
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction["label"] == max(probabilities, key=probabilities.__getitem__)


def test_regression_answers_a_prediction(desk: Desk) -> None:
    (prediction,) = content(desk.predict(ROW, model="weights"))["predictions"]
    assert list(prediction) == ["prediction"]
    assert 2000 < prediction["prediction"] < 6000


def test_columns_are_answered_in_columns(desk: Desk) -> None:
    inputs = {"island": ["Dream", "Biscoe"], "flipper_length": [[186], [230]]}
    answer = content(desk.ask("POST", PATH, {"inputs": inputs}))
    by_row = content(
        desk.predict(*[{"island": i, "flipper_length": f[0]} for i, f in zip(*inputs.values(), strict=True)])
    )
    assert answer["outputs"]["label"] == [each["label"] for each in by_row["predictions"]]
    assert answer["outputs"]["probabilities"] == [[*each["probabilities"].values()] for each in by_row["predictions"]]
    assert len(answer["prediction_ids"]) == 2


def test_one_output_alone_has_no_name(desk: Desk) -> None:
    body = {"inputs": {"island": ["Dream"], "flipper_length": [186]}}
    (value,) = content(desk.ask("POST", "/v1/models/weights:predict", body))["outputs"]
    assert isinstance(value, float)


def test_what_vertex_and_tensorflow_send_beside_the_rows_is_accepted(desk: Desk) -> None:
    beside = {"parameters": {"explain": False}, "signature_name": "serving_default"}
    assert desk.ask("POST", PATH, {"instances": [ROW], **beside}).status == 200


WRONG = [
    ({}, 'the body must hold either "instances"'),
    ({"instances": [ROW], "inputs": {}}, 'the body must hold either "instances"'),
    ({"instances": {}}, "the body is not as expected: expected `array | null`, got `object` - at `$.instances`."),
    ({"instances": [ROW, [1, 2]]}, "row 1 must be an object"),
    ({"instances": [{**ROW, "heavy": "no"}]}, "field 'heavy' of row 0 must be true or false, not a string ('no')."),
    ({"inputs": {"island": "Dream"}}, "field 'island' must be a list with a value a row."),
    ({"inputs": {"island": ["Dream"]}}, "field 'flipper_length' of row 0 is missing"),
]


@pytest.mark.parametrize(("body", "message"), WRONG)
def test_what_does_not_fit_is_named(desk: Desk, body: object, message: str) -> None:
    answer = desk.ask("POST", PATH, body)
    assert answer.status == 400
    assert sentence(answer).startswith(message)


def test_status_tells_the_version(desk: Desk) -> None:
    (status,) = content(desk.ask("GET", f"/v1/models/{MODEL}"))["model_version_status"]
    assert (status["version"], status["state"]) == ("0000000000000001", "AVAILABLE")


def test_a_version_can_be_named(desk: Desk) -> None:
    second = desk.ask("POST", f"/v1/models/{MODEL}/versions/0000000000000002:predict", {"instances": [ROW]})
    assert second.headers["x-tidemill-model-version"] == "0000000000000002"
    assert content(second)["predictions"] != content(desk.predict(ROW))["predictions"]


def test_status_tells_every_version_that_is_loaded() -> None:
    desk = Desk()
    penguins.route(desk.models, penguins.classifier(1), penguins.classifier(2))
    path = f"/v1/models/{MODEL}"
    assert [each["version"] for each in content(desk.ask("GET", path))["model_version_status"]] == [FIRST]
    assert desk.ask("GET", f"{path}/versions/{SECOND}").status == 200
    told = content(desk.ask("GET", path))
    assert [each["version"] for each in told["model_version_status"]] == [FIRST, SECOND]
    assert (told["name"], told["ready"]) == (MODEL, True)
    one = content(desk.ask("GET", f"{path}/versions/{SECOND}"))["model_version_status"]
    assert [each["version"] for each in one] == [SECOND]


def test_metadata_tells_the_signature(desk: Desk) -> None:
    told = content(desk.ask("GET", f"/v1/models/{MODEL}/metadata"))
    assert told["model_spec"] == {"name": MODEL, "signature_name": "", "version": FIRST}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert {name: each["dtype"] for name, each in signature["inputs"].items()} == {
        "island": "DT_STRING",
        "sex": "DT_STRING",
        "bill_length": "DT_DOUBLE",
        "flipper_length": "DT_INT64",
        "heavy": "DT_BOOL",
    }
    shapes = {name: [each["size"] for each in out["tensor_shape"]["dim"]] for name, out in signature["outputs"].items()}
    assert shapes == {"label": ["-1"], "probabilities": ["-1", "3"]}
    assert signature["method_name"] == "tensorflow/serving/predict"
    regression = content(desk.ask("GET", "/v1/models/weights/versions/0000000000000001/metadata"))
    outputs = regression["metadata"]["signature_def"]["signature_def"]["serving_default"]["outputs"]
    assert list(outputs) == ["prediction"]


def test_the_one_signature_may_be_named(desk: Desk) -> None:
    for name in ("serving_default", ""):
        assert desk.ask("POST", PATH, {"instances": [ROW], "signature_name": name}).status == 200
    answer = desk.ask("POST", PATH, {"instances": [ROW], "signature_name": "other"})
    assert (answer.status, sentence(answer)) == (
        400,
        "signature_name 'other' is unknown: there is 'serving_default' alone.",
    )


def encoded(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def test_texts_may_be_base64(desk: Desk) -> None:
    row = {**ROW, "island": encoded(b"Dream"), "sex": encoded("weibchen é".encode())}
    expected = content(desk.predict({**ROW, "sex": "weibchen é"}))["predictions"]
    assert content(desk.predict(row))["predictions"] == expected
    columns = {name: [value] for name, value in row.items()}
    assert content(desk.ask("POST", PATH, {"inputs": columns}))["outputs"]["label"] == [expected[0]["label"]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"b64": "no base64!"}, '"b64" must hold base64'),
        ({"b64": "é"}, '"b64" must hold base64'),
        (encoded(b"\xff"), '"b64" must hold UTF-8'),
        ({"b64": "RHJlYW0=", "more": 1}, "field 'island' of row 0 must be a string, not an object"),
        ({"b64": 7}, "field 'island' of row 0 must be a string, not an object"),
    ],
)
def test_base64_that_is_none_is_told(desk: Desk, value: object, message: str) -> None:
    answer = desk.predict({**ROW, "island": value})
    assert answer.status == 400
    assert sentence(answer).startswith(message)


def test_deep_nesting_beside_base64_is_told(desk: Desk) -> None:
    deep = b'{"instances": [' + b"[" * 900 + b'{"b64": "x"}' + b"]" * 900 + b"]}"
    assert desk.ask("POST", PATH, deep).status == 400


def test_the_values_of_an_only_feature_may_be_bare() -> None:
    reader = RowReader(Schema("m", "regression", "y", (Feature("x", "number"),)))
    for body in ({"instances": [1.5, 2.5]}, {"instances": [[1.5], [2.5]]}, {"inputs": [1.5, 2.5]}):
        rows = tfserving.rows_of(tfserving.decode(json.dumps(body).encode()), reader)
        assert rows.columns["x"].tolist() == [[1.5], [2.5]]


def test_bare_values_of_many_features_are_refused(desk: Desk) -> None:
    assert sentence(desk.ask("POST", PATH, {"inputs": [1, 2]})).startswith('"inputs" must be an object')


@pytest.mark.parametrize("path", [f"/v1/models/{MODEL}/labels/stable:predict", f"/v1/models/{MODEL}:classify"])
def test_what_is_not_there_is_said_clearly(desk: Desk, path: str) -> None:
    answer = desk.ask("POST", path, {"instances": [ROW]})
    assert answer.status == 404
    assert sentence(answer) == f"there is nothing at {path!r}: /openapi.json lists what there is."
