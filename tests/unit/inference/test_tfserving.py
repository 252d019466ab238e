"""TensorFlow Serving's and Vertex AI's protocol through the service."""

import pytest

from tests.penguins import MODEL, ROW, Desk, content, rows, sentence

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
