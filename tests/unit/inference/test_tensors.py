"""The binary tensor data extension: numbers and texts as bytes, there and back, checked with numpy alone."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.errors import BadInput
from core.inference import tensors
from tests.penguins import MODEL, ROW, Desk, content, rows, sentence

INFER = f"/v2/models/{MODEL}/infer"
DTYPES = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}


def length_prefixed(texts: list[str]) -> bytes:
    """BYTES as the specification words it, written independently of the code under test."""
    encoded = [text.encode() for text in texts]
    return b"".join(np.uint32(len(each)).astype("<u4").tobytes() + each for each in encoded)


def texts_of(raw: bytes) -> list[str]:
    found, at = [], 0
    while at < len(raw):
        (size,) = np.frombuffer(raw, "<u4", 1, at)
        found.append(raw[at + 4 : at + 4 + int(size)].decode())
        at += 4 + int(size)
    return found


class Tensors:
    """A request under construction: JSON, and bytes behind it."""

    def __init__(self, **fields: object) -> None:
        self.json: dict[str, object] = {"inputs": [], **fields}
        self.behind = b""

    def add(self, name: str, datatype: str, raw: bytes, shape: list[int], **parameters: object) -> None:
        parameters = {"binary_data_size": len(raw), **parameters}
        tensor = {"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}
        self.json["inputs"].append(tensor)
        self.behind += raw

    def ask(self, desk: Desk, path: str = INFER, **headers: str) -> object:
        text = json.dumps(self.json).encode()
        named = {"inference_header_content_length": str(len(text)), **headers}
        return desk.ask("POST", path, text + self.behind, **named)


def two_rows(**fields: object) -> Tensors:
    request = Tensors(**fields)
    request.add("island", "BYTES", length_prefixed(["Dream", "Biscoe"]), [2, 1])
    request.add("sex", "BYTES", length_prefixed(["male", "ünbekannt"]), [2])
    request.add("bill_length", "FP64", np.array([39.5, 40.25], "<f8").tobytes(), [2, 1])
    request.add("flipper_length", "INT64", np.array([186, 230], "<i8").tobytes(), [2, 1])
    request.add("heavy", "BOOL", np.array([False, True]).tobytes(), [2])
    return request


AS_ROWS = [
    {"island": "Dream", "sex": "male", "bill_length": 39.5, "flipper_length": 186, "heavy": False},
    {"island": "Biscoe", "sex": "ünbekannt", "bill_length": 40.25, "flipper_length": 230, "heavy": True},
]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def test_bytes_are_answered_as_json_is(desk: Desk) -> None:
    answer = two_rows().ask(desk)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    outputs = {each["name"]: each for each in content(answer)["outputs"]}
    expected = content(desk.predict(*AS_ROWS))["predictions"]
    assert outputs["label"]["data"] == [each["label"] for each in expected]
    assert outputs["probabilities"]["data"] == [p for each in expected for p in each["probabilities"].values()]


def parts(answer: object) -> tuple[dict, dict[str, bytes]]:
    """The JSON of an answer with bytes, and the bytes of each output that has some."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(answer.body))
    at = int(answer.headers["inference-header-content-length"])
    told, raw = json.loads(answer.body[:at]), {}
    for output in told["outputs"]:
        if "data" not in output:
            size = output["parameters"]["binary_data_size"]
            raw[output["name"]], at = answer.body[at : at + size], at + size
    assert at == len(answer.body)
    return told, raw


def test_every_output_may_be_bytes(desk: Desk) -> None:
    told, raw = parts(two_rows(id="7", parameters={"binary_data_output": True}).ask(desk))
    expected = content(desk.predict(*AS_ROWS))["predictions"]
    assert (told["id"], told["model_name"]) == ("7", MODEL)
    assert [output["shape"] for output in told["outputs"]] == [[2], [2, 3], [2]]
    assert texts_of(raw["label"]) == [each["label"] for each in expected]
    assert len(set(texts_of(raw["prediction_id"]))) == 2
    found = np.frombuffer(raw["probabilities"], "<f4").reshape(2, 3)
    np.testing.assert_array_equal(found, np.array([[*each["probabilities"].values()] for each in expected], np.float32))


def test_what_is_said_of_one_output_comes_first(desk: Desk) -> None:
    outputs = [{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}]
    told, raw = parts(two_rows(outputs=outputs, parameters={"binary_data_output": True}).ask(desk))
    assert [output["name"] for output in told["outputs"]] == ["label", "probabilities", "prediction_id"]
    assert set(raw) == {"probabilities", "prediction_id"}
    one = [{"name": "probabilities", "parameters": {"binary_data": True}}]
    told, raw = parts(two_rows(outputs=one).ask(desk))
    assert set(raw) == {"probabilities"}
    assert [("data" in output) for output in told["outputs"]] == [False, True]


def test_json_alone_may_ask_for_bytes(desk: Desk) -> None:
    body = {
        "inputs": [
            {"name": "island", "datatype": "BYTES", "shape": [1], "data": ["Dream"]},
            {"name": "flipper_length", "datatype": "INT64", "shape": [1], "data": [186]},
        ],
        "parameters": {"binary_data_output": True},
    }
    _, raw = parts(desk.ask("POST", "/v2/models/weights/infer", body))
    (predicted,) = np.frombuffer(raw["prediction"], "<f4")
    row = {"island": "Dream", "flipper_length": 186}
    assert predicted == np.float32(content(desk.predict(row, model="weights"))["predictions"][0]["prediction"])


@pytest.mark.parametrize("datatype", [name for name in tensors.DATATYPES if name not in {"BOOL", "BYTES", "BF16"}])
@pytest.mark.parametrize("shape", [[3], [3, 1]])
def test_a_number_may_be_of_any_datatype_that_holds_it(desk: Desk, datatype: str, shape: list[int]) -> None:
    kind = {"FP": "f", "IN": "i", "UI": "u"}[datatype[:2]] + str(int(datatype.lstrip("FPUINT")) // 8)
    lengths = np.array([12, 40, 100], f"<{kind}")
    request = Tensors()
    request.add("island", "BYTES", length_prefixed(["Dream"] * 3), shape)
    request.add("flipper_length", "INT16", np.array([186, 190, 210], "<i2").tobytes(), shape)
    request.add("bill_length", datatype, lengths.tobytes(), shape)
    found = content(request.ask(desk))["outputs"][0]["data"]
    instances = [
        {"island": "Dream", "flipper_length": flipper, "bill_length": bill}
        for flipper, bill in zip([186, 190, 210], lengths.tolist(), strict=True)
    ]
    assert found == [each["label"] for each in content(desk.predict(*instances))["predictions"]]


def test_bf16_is_the_upper_half_of_fp32() -> None:
    exact = np.array([1.0, -2.5, 0.15625, np.inf], "<f4")
    raw = (exact.view("<u4") >> 16).astype("<u2").tobytes()
    assert tensors.read("x", "BF16", 4, memoryview(raw)) == exact.tolist()


def test_nan_is_null(desk: Desk) -> None:
    request = two_rows()
    request.json["inputs"][2]["parameters"] = {"binary_data_size": 16}
    request.behind = request.behind.replace(np.array([39.5], "<f8").tobytes(), np.array([np.nan], "<f8").tobytes())
    found = content(request.ask(desk))["outputs"][1]["data"]
    expected = content(desk.predict({**AS_ROWS[0], "bill_length": None}, AS_ROWS[1]))["predictions"]
    assert found == [p for each in expected for p in each["probabilities"].values()]


def test_real_rows_come_out_alike_as_bytes_and_as_json(desk: Desk) -> None:
    given = [row for row in rows(200) if None not in row.values()]
    request = Tensors(parameters={"binary_data_output": True})
    for name in ROW:
        values = [row[name] for row in given]
        if isinstance(ROW[name], str):
            request.add(name, "BYTES", length_prefixed(values), [len(given)])
        else:
            dtype = {bool: ("BOOL", "?"), int: ("INT64", "<i8"), float: ("FP64", "<f8")}[type(ROW[name])]
            request.add(name, dtype[0], np.array(values, dtype[1]).tobytes(), [len(given), 1])
    _, raw = parts(request.ask(desk))
    expected = content(desk.predict(*given))["predictions"]
    assert texts_of(raw["label"]) == [each["label"] for each in expected]
    probabilities = np.array([[*each["probabilities"].values()] for each in expected], np.float32)
    np.testing.assert_array_equal(np.frombuffer(raw["probabilities"], "<f4"), probabilities.ravel())


def changed(at: int, **changes: object) -> Tensors:
    """Two rows, where the tensor at a place is changed; `size` is what its parameters say."""
    request = two_rows()
    if "size" in changes:
        request.json["inputs"][at]["parameters"] = {"binary_data_size": changes.pop("size")}
    request.json["inputs"][at] |= changes
    return request


LARGE = [
    (changed(2, size=15), "input 'bill_length' has 15 bytes, and 2 values of FP64 have 16."),
    (changed(4, size=10**30), "input 'heavy': binary_data_size must be a whole number of bytes."),
    (changed(4, size=10**4000), "input 'heavy': binary_data_size must be a whole number of bytes."),
    (changed(4, size=2**62), "75 bytes follow the JSON, and the inputs' binary_data_size add up to 4611"),
    (changed(4, shape=[10**4000]), "the body is not as expected: expected `int` <= 9223372036854775807"),
    (changed(4, size=1, shape=[1]), "75 bytes follow the JSON, and the inputs' binary_data_size add up to 74."),
    (changed(0, shape=[2**62, 1]), "input 'island' has 2 values, and its shape says"),
    (changed(2, shape=[2**62]), "input 'bill_length' has 16 bytes, and 4611686018427387904 values of FP64"),
    (changed(2, shape=[-2]), "input 'bill_length' has shape [-2]"),
    (changed(2, size=-16), "input 'bill_length': binary_data_size must be a whole number of bytes."),
    (changed(2, size=True), "input 'bill_length': binary_data_size must be"),
    (changed(2, size="16"), "input 'bill_length': binary_data_size must be"),
    (changed(2, data=[1.0, 2.0]), "input 'bill_length' has data in the JSON and binary_data_size: leave one out."),
    (changed(2, parameters={}), "input 'bill_length' has no data."),
    (changed(2, datatype="FP128"), "input 'bill_length' has datatype 'FP128'"),
    (changed(0, datatype="FP64"), "input 'island' has datatype 'FP64'"),
    (changed(0, size=19, shape=[3]), "input 'island' has 2 values, and its shape says 3."),
    (changed(0, size=12), "field 'island' of row 1 says that it is longer than the bytes of its tensor."),
    (changed(0, size=11), "field 'island' of row 1 says that it is longer than the bytes of its tensor."),
]


@pytest.mark.parametrize(("request_", "message"), LARGE)
def test_sizes_that_do_not_add_up_are_told(desk: Desk, request_: Tensors, message: str) -> None:
    answer = request_.ask(desk)
    assert answer.status == 400
    assert sentence(answer).startswith(message)


@pytest.mark.parametrize("said", ["", "-1", "1e3", "0x10", "٣", "9" * 5000, "99999", "0002", " 2"])
def test_a_header_that_lies_is_told(desk: Desk, said: str) -> None:
    answer = two_rows().ask(desk, inference_header_content_length=said)
    assert answer.status == 400
    assert sentence(answer).startswith(f"header inference-header-content-length is {said[:40]!r}")


def test_a_header_that_cuts_the_json_is_told(desk: Desk) -> None:
    assert sentence(two_rows().ask(desk, inference_header_content_length="9")).startswith("the body is not JSON")


def test_bytes_that_no_header_announces_are_told(desk: Desk) -> None:
    answer = desk.ask("POST", INFER, b'{"inputs": []}\x00\x00', content_type="application/octet-stream")
    assert answer.status == 400


@pytest.mark.parametrize(
    ("at", "datatype", "raw", "message"),
    [
        (0, "BYTES", b"\x05\x00\x00\x00Dre\xffm" + length_prefixed(["Dream"]), "field 'island' of row 0 is not UTF-8"),
        (4, "BOOL", b"\x01\x02", "field 'heavy' of row 1 is the byte 2: a BOOL is 0 or 1."),
        (2, "FP32", np.array([1, np.inf], "<f4").tobytes(), "field 'bill_length' of row 1 must be a finite number"),
        (3, "FP64", np.array([186, 186.5]).tobytes(), "field 'flipper_length' of row 1 must be a whole number"),
        (3, "FP64", np.array([186, np.nan]).tobytes(), "field 'flipper_length' of row 1 is missing"),
        (3, "INT8", np.array([100, -1], "<i1").tobytes(), "field 'flipper_length' of row 1 is -1, below the minimum"),
        (3, "UINT64", np.array([186, 2**64 - 1], "<u8").tobytes(), "field 'flipper_length' of row 1 is about 2^63"),
    ],
)
def test_a_value_that_does_not_fit_is_named(desk: Desk, at: int, datatype: str, raw: bytes, message: str) -> None:
    whole = two_rows()
    request, names = Tensors(), [tensor["name"] for tensor in whole.json["inputs"]]
    sizes = [tensor["parameters"]["binary_data_size"] for tensor in whole.json["inputs"]]
    for number, name in enumerate(names):
        start = sum(sizes[:number])
        kept = (whole.json["inputs"][number]["datatype"], whole.behind[start : start + sizes[number]])
        request.add(name, *(kept if number != at else (datatype, raw)), [2])
    assert sentence(request.ask(desk)).startswith(message)


@pytest.mark.parametrize(
    "fields", [{"parameters": {"binary_data_output": 1}}, {"parameters": {"binary_data_output": "yes"}}]
)
def test_a_flag_is_true_or_false(desk: Desk, fields: dict) -> None:
    assert sentence(two_rows(**fields).ask(desk)) == "parameter binary_data_output must be true or false."
    assert not desk.log._open or all(page.count < 10**6 for page in desk.log._open.values())


@given(arrays.arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_nan=False)))
def test_any_fp64_comes_back(values: np.ndarray) -> None:
    assert tensors.read("x", "FP64", len(values), memoryview(values.astype("<f8").tobytes())) == values.tolist()


@given(st.lists(st.text(max_size=20), max_size=10))
def test_any_text_comes_back(texts: list[str]) -> None:
    raw = tensors.write("BYTES", texts)
    assert raw == length_prefixed(texts)
    assert tensors.read("x", "BYTES", len(texts), memoryview(raw)) == texts


@given(st.binary(max_size=64), st.sampled_from(tensors.DATATYPES), st.integers(0, 2**70))
def test_no_bytes_break_a_reader(raw: bytes, datatype: str, count: int) -> None:
    try:
        values = tensors.read("x", datatype, count, memoryview(raw))
    except BadInput:
        return
    assert datatype == "BYTES" or len(values) == count
