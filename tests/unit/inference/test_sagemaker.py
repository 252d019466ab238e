"""SageMaker's protocol through the service."""

import csv
import io

import pytest

from tests.penguins import MODEL, ROW, Desk, content, rows, sentence


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(default_models=[MODEL])


def test_ping_loads_the_model(desk: Desk) -> None:
    assert desk.ask("GET", "/ping").status == 200


@pytest.mark.parametrize("body", [ROW, [ROW], {"instances": [ROW]}, {"inputs": {name: [ROW[name]] for name in ROW}}])
def test_json_is_a_row_or_rows(desk: Desk, body: object) -> None:
    answer = content(desk.ask("POST", "/invocations", body))
    assert answer["predictions"] == content(desk.predict(ROW))["predictions"]
    assert len(answer["prediction_ids"]) == 1


def as_csv(header: bool, names: list[str], n: int = 40) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([names] if header else [])
    writer.writerows([["" if row[name] is None else row[name] for name in names] for row in rows(n)])
    return stream.getvalue().encode()


@pytest.mark.parametrize(
    ("header", "names", "kind"),
    [
        (False, list(ROW), "text/csv"),
        (False, list(ROW), "text/csv; header=absent"),
        (True, list(ROW), "text/csv"),
        (True, list(reversed(ROW)), 'text/csv; charset=utf-8; header="present"'),
    ],
)
def test_csv_is_answered_as_json_is(desk: Desk, header: bool, names: list[str], kind: str) -> None:
    answer = desk.ask("POST", "/invocations", as_csv(header, names), content_type=kind)
    assert content(answer)["predictions"] == content(desk.predict(*rows(40)))["predictions"]


def test_csv_may_hold_the_id_and_start_with_a_mark(desk: Desk) -> None:
    body = b"\xef\xbb\xbftag,island,flipper_length\r\nA7,Dream,186\r\n"
    assert desk.ask("POST", "/invocations", body, content_type="text/csv").status == 200
    assert [each["id"] for page in desk.records().values() for each in page if "id" in each] == ["A7"]


WRONG = [
    (b"Dream,female,39.5,186", "row 0 has 4 fields, and 5 are expected: island, sex, bill_length"),
    (b"Dream,female,many,186,true", "field 'bill_length' of row 0 must be a number, not a string ('many')."),
    (b"Dream,female,1_0,186,true", "field 'bill_length' of row 0 must be a number, not a string ('1_0')."),
    (b"Dream,female,nan,186,true", "field 'bill_length' of row 0 must be a finite number"),
    (b"Dream,female,39.5,186,yes", "field 'heavy' of row 0 must be true or false, not a string ('yes')."),
    (b",female,39.5,186,true", "field 'island' of row 0 is missing"),
    (b"island,island\nDream,Dream", "column 'island' is given twice."),
    (b'"Dream', "the body is not CSV: "),
    (b"\xff", "the body is not UTF-8 at byte 0."),
    (b"", "the request holds no rows"),
    (b"island,flipper_length\n", "the request holds no rows"),
    (b"species,island,flipper_length\nAdelie,Dream,186", "field 'species' is what model penguins predicts"),
]


@pytest.mark.parametrize(("body", "message"), WRONG)
def test_csv_that_does_not_fit_is_told(desk: Desk, body: bytes, message: str) -> None:
    answer = desk.ask("POST", "/invocations", body, content_type="text/csv")
    assert answer.status == 400
    assert sentence(answer).startswith(message)


def test_a_header_that_is_announced_must_be_known(desk: Desk) -> None:
    body = b"isle,flipper_length\nDream,186"
    answer = desk.ask("POST", "/invocations", body, content_type="text/csv; header=present")
    assert "'isle' is unknown" in sentence(answer)


def test_other_types_are_415(desk: Desk) -> None:
    assert desk.ask("POST", "/invocations", b"x", content_type="application/x-npy").status == 415


@pytest.mark.parametrize("default_models", [(), (MODEL, "weights", "untrained")])
def test_without_one_default_the_model_must_be_named(default_models: tuple[str, ...]) -> None:
    desk = Desk(default_models=default_models)
    assert desk.ask("POST", "/invocations", [ROW]).status == 404
    desk.predict(ROW)
    assert desk.ask("POST", "/invocations", [ROW]).status == 200
    desk.predict(ROW, model="weights")
    assert "2 models are loaded here" in sentence(desk.ask("POST", "/invocations", [ROW]))


@pytest.mark.parametrize("accept", ["text/csv", "text/csv; charset=utf-8", "image/png, text/csv, application/json"])
def test_csv_is_answered_where_it_is_asked_for(desk: Desk, accept: str) -> None:
    answer = desk.ask("POST", "/invocations", rows(7), accept=accept)
    expected = content(desk.predict(*rows(7)))["predictions"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=absent"
    lines = list(csv.reader(io.StringIO(answer.body.decode())))
    assert [line[0] for line in lines] == [each["label"] for each in expected]
    assert [[float(p) for p in line[1:4]] for line in lines] == [[*each["probabilities"].values()] for each in expected]
    assert len({line[4] for line in lines}) == 7


def test_csv_may_begin_with_names() -> None:
    desk = Desk(default_models=["weights"])
    answer = desk.ask(
        "POST", "/invocations", as_csv(True, list(ROW), 2), content_type="text/csv", accept="text/csv;header=present"
    )
    names, *lines = csv.reader(io.StringIO(answer.body.decode()))
    assert names == ["prediction", "prediction_id"]
    expected = content(desk.predict(*rows(2), model="weights"))["predictions"]
    assert [float(line[0]) for line in lines] == [each["prediction"] for each in expected]


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json, text/csv", "image/png"])
def test_json_is_answered_else(desk: Desk, accept: str) -> None:
    answer = desk.ask("POST", "/invocations", ROW, accept=accept)
    assert answer.headers["content-type"] == "application/json"
    assert len(content(answer)["predictions"]) == 1


def test_a_refusal_is_json_whatever_is_asked_for(desk: Desk) -> None:
    assert desk.ask("POST", "/invocations", [{}], accept="text/csv").headers["content-type"] == "application/json"
