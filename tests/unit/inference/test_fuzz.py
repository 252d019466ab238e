"""Whatever a stranger sends to whatever path: an answer or a refusal in one sentence, never a failure of ours."""

import gzip
import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.inference.endpoints import ENDPOINTS
from core.inference.http import Request, Response
from core.inference.tensors import DATATYPES
from core.inference.web import Web
from tests.penguins import MODEL, ROW, Desk, rows, sentence

DESK = Desk(default_models=[MODEL], web=Web(frozenset(["https://a.example"])))
DESK.predict(ROW)
INFER, PREDICT = f"/v2/models/{MODEL}/infer", f"/v1/models/{MODEL}:predict"
VERSION = f"/v2/models/{MODEL}/versions/0000000000000002/infer"
VERTEX = "/v1/endpoints/1/deployedModels/2:predict"
TAKES_ROWS = [INFER, VERSION, PREDICT, VERTEX, "/invocations"]
LARGE = 7 * 1024 * 1024
GOOD = {
    INFER: {"inputs": [{"name": "island", "datatype": "BYTES", "shape": [1], "data": ["Dream"]}]},
    PREDICT: {"instances": [ROW]},
    "/invocations": [ROW],
}
many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(answer: Response) -> None:
    assert answer.status < 500, answer.body
    assert b"Traceback" not in answer.body
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["x-request-id"]
    if answer.status != 200:
        assert len(sentence(answer)) < 1000
        assert "\n" not in sentence(answer)


def post(path: str, body: bytes, **headers: str) -> Response:
    answer = DESK.ask("POST", path, body, **headers)
    check(answer)
    return answer


# JSON -------------------------------------------------------------------------------------------------------

numbers = (
    st.integers(-(10**400), 10**400) | st.floats(allow_nan=True) | st.sampled_from([1e308, -1e39, 2**63, 2**64, -0.0])
)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=6) | st.sampled_from([*ROW.values()])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ROW, "b64", "x"]), inner, max_size=3),
    max_leaves=8,
)
shapes = st.lists(st.integers(-(2**70), 2**70) | st.integers(-2, 3), max_size=4)
parameters = st.dictionaries(
    st.sampled_from(["binary_data_size", "binary_data", "binary_data_output", "sequence_id", "x"]), values, max_size=3
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(usual, usual, usual, values)


tensors = st.fixed_dictionaries(
    {
        "name": mostly(st.sampled_from([*ROW, "tag", "seen", "observer", "wings", ""])),
        "shape": mostly(shapes),
        "datatype": mostly(st.sampled_from([*DATATYPES, "FP8", ""])),
    },
    optional={"data": mostly(st.lists(values, max_size=3)), "parameters": mostly(parameters)},
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "inputs": mostly(st.lists(tensors, max_size=6)) | st.dictionaries(st.sampled_from([*ROW]), values),
        "instances": mostly(
            st.lists(st.dictionaries(st.sampled_from([*ROW, "tag", "seen", "wings"]), values), max_size=3)
        ),
        "outputs": mostly(st.lists(st.fixed_dictionaries({"name": st.sampled_from(["label", "odds"])}))),
        "id": values,
        "parameters": mostly(parameters),
        "signature_name": values,
    },
)


def dumped(body: object) -> bytes:
    """As JSON, or with Python's NaN and Infinity, which JSON has not."""
    return json.dumps(body).encode()


@many
@given(st.sampled_from(TAKES_ROWS), requests | values)
def test_no_json_breaks_it(path: str, body: object) -> None:
    post(path, dumped(body))


@many
@given(st.sampled_from(TAKES_ROWS), st.binary(max_size=60), st.integers(0, 40))
def test_no_bytes_inside_json_break_it(path: str, garbage: bytes, at: int) -> None:
    body = dumped(GOOD.get(path, GOOD[PREDICT]))
    post(path, body[:at] + garbage + body[at:])


DEEP = [
    b'{"instances":' + b"[" * 100_000,
    b'{"instances":[' + b'{"x":' * 100_000,
    b'{"instances":[' + b"[" * 950 + b'"b64"' + b"]" * 950 + b"]}",
    b'{"inputs":[' + b"[" * 950 + b"]" * 950 + b"]}",
    b'{"inputs":[{"name":"island","datatype":"BYTES","shape":[1],"data":' + b"[" * 950 + b"]" * 950 + b"}]}",
    b'{"inputs":{"island":' + b"[" * 950 + b"]" * 950 + b"}}",
]


@pytest.mark.parametrize("path", TAKES_ROWS)
@pytest.mark.parametrize("body", DEEP, ids=range(len(DEEP)))
def test_deep_nesting_is_refused(path: str, body: bytes) -> None:
    assert post(path, body).status == 400


@pytest.mark.parametrize("path", TAKES_ROWS)
def test_large_bodies_are_refused(path: str) -> None:
    assert post(path, b" " * LARGE).status == 413
    assert post(path, gzip.compress(b" " * LARGE), content_encoding="gzip").status == 413
    assert post(path, zlib.compress(b" " * LARGE), content_encoding="deflate").status == 413


def test_many_rows_in_a_body_that_may_be_are_answered() -> None:
    body = dumped({"instances": rows(300) * 10})
    assert len(body) < DESK.service.max_body
    answer = post(PREDICT, body, accept_encoding="gzip")
    assert len(json.loads(gzip.decompress(answer.body))["predictions"]) == 3000


# bytes ------------------------------------------------------------------------------------------------------


@many
@given(
    st.sampled_from(TAKES_ROWS),
    st.binary(max_size=80) | st.sampled_from([*map(dumped, GOOD.values())]),
    st.sampled_from(
        ["", "application/json", "application/octet-stream", "text/csv", "text/csv; header=present", "x/y"]
    ),
    st.sampled_from(["", "gzip", "deflate", "br", "GZIP, gzip"]),
    st.sampled_from(["none", "gzip", "deflate", "torn"]),
    st.text(alphabet=st.characters(max_codepoint=255), max_size=12),
)
def test_no_encoding_breaks_it(path: str, body: bytes, kind: str, encoding: str, sent: str, accept: str) -> None:
    packed = {"none": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "torn": lambda b: gzip.compress(b)[:-5]}
    headers = {"content_type": kind, "content_encoding": encoding, "accept": accept, "accept_encoding": accept}
    post(path, packed[sent](body), **headers)


@st.composite
def binary_requests(draw: st.DrawFn) -> tuple[bytes, str]:
    """JSON and bytes behind it, mostly near to what would be right; and what the header says."""
    chosen = draw(st.lists(st.sampled_from([*ROW, "tag", "wings"]), min_size=1, max_size=6, unique=True))
    behind, inputs = b"", []
    for name in chosen:
        datatype = draw(st.sampled_from(DATATYPES))
        raw = draw(st.binary(max_size=24) | st.just(struct.pack("<I5s", 5, b"Dream")))
        size = draw(st.just(len(raw)) | st.integers(-5, 2**65) | scalars)
        shape = draw(st.just([1]) | st.just([len(raw) // 8, 1]) | shapes)
        inputs.append({"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}})
        behind += raw
    text = dumped({"inputs": inputs, "parameters": draw(parameters)})
    said = draw(st.just(str(len(text))) | st.integers(-5, len(text) + 100).map(str) | st.text(max_size=5))
    return text + behind, said


@many
@given(binary_requests(), st.sampled_from([INFER, VERSION]))
def test_no_tensors_break_it(request_: tuple[bytes, str], path: str) -> None:
    body, said = request_
    post(path, body, inference_header_content_length=said, content_type="application/octet-stream")


csv_texts = st.text(alphabet='abD,"\n\r\0\t;0123456789.-+eEé\U0001f427nafi_ ', max_size=60)


@many
@given(csv_texts, st.sampled_from(["text/csv", "text/csv; header=present", "text/csv;header=absent;charset=x"]))
def test_no_csv_breaks_it(text: str, kind: str) -> None:
    post("/invocations", text.encode(), content_type=kind, accept=kind)


# paths and headers ------------------------------------------------------------------------------------------

parts = st.sampled_from(
    [MODEL, "0000000000000001", "v1", "v2", "models", "versions", "infer", "..", "", "\0", "é"]
) | st.text(max_size=6)


@many
@given(
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT", "TRACE", "get", ""]),
    st.lists(parts, max_size=7).map(lambda found: "/" + "/".join(found))
    | st.builds(lambda each, part: each.template.replace("{model}", part), st.sampled_from(ENDPOINTS), parts)
    | st.builds(lambda each, part: each.template.replace("{version}", part), st.sampled_from(ENDPOINTS), parts),
    st.text(max_size=10),
)
def test_no_path_breaks_it(method: str, path: str, query: str) -> None:
    answer = DESK.service.handle(Request(method, path, query, {}, b"{}"))
    assert answer.status < 500, answer.body


headers = st.dictionaries(
    st.sampled_from(
        [
            *(
                "content-type",
                "content-encoding",
                "content-length",
                "accept",
                "accept-encoding",
                "x-request-id",
                "origin",
            ),
            *("access-control-request-method", "access-control-request-headers", "inference-header-content-length"),
            *("authorization", "x-api-key", "x-tidemill-version", "x-tidemill-key", "traceparent"),
        ]
    ),
    st.text(alphabet=st.characters(max_codepoint=255), max_size=40),
)


@many
@given(st.sampled_from(["OPTIONS", "POST"]), st.sampled_from([*TAKES_ROWS, "/openapi.json"]), headers)
def test_no_headers_break_it(method: str, path: str, given_headers: dict[str, str]) -> None:
    answer = DESK.service.handle(Request(method, path, "", given_headers, dumped(GOOD.get(path, GOOD[PREDICT]))))
    assert answer.status < 500, answer.body
    for name, value in answer.headers.items():
        assert (name + value).isprintable(), name
