"""Whatever a stranger sends to whatever path, through whatever host: an answer or a refusal in one sentence, never a
failure of ours.
"""

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

from .strangers import HOSTS, Host

DESK = Desk(default_models=[MODEL], web=Web(frozenset(["https://a.example"])))
DESK.predict(ROW)
INFER, PREDICT = f"/v2/models/{MODEL}/infer", f"/v1/models/{MODEL}:predict"
FILLED = {"model": MODEL, "version": "0000000000000002", "endpoint": "1", "deployed_model": "2"}
TAKES_ROWS = [each.template.format(**FILLED) for each in ENDPOINTS if each.method == "POST"]
TAKES_TENSORS = [path for path in TAKES_ROWS if path.endswith("/infer")]
LARGE = 7 * 1024 * 1024
DATATYPE = dict(zip(ROW, ["BYTES", "BYTES", "FP64", "INT64", "BOOL"], strict=True))
TENSORS = [{"name": name, "datatype": DATATYPE[name], "shape": [1], "data": [ROW[name]]} for name in ROW]
GOOD = {
    **{path: {"inputs": TENSORS} if path in TAKES_TENSORS else {"instances": [ROW]} for path in TAKES_ROWS},
    "/invocations": [ROW],
}
latin = st.characters(max_codepoint=255)
"""What a header may be made of."""
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(some, max_examples=300)
through_each_host = pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)


def check(answer: Response) -> None:
    assert answer.status < 500, answer.body
    assert b"Traceback" not in answer.body
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["x-request-id"]
    if answer.status != 200:
        assert len(sentence(answer)) < 1000
        assert "\n" not in sentence(answer)


def post(host: Host, path: str, body: bytes, query: str = "", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = host(DESK.service, Request("POST", path, query, named, body))
    check(answer)
    return answer


@through_each_host
@pytest.mark.parametrize("path", TAKES_ROWS)
def test_what_is_good_is_answered(host: Host, path: str) -> None:
    """So the others are about what is wrong with a request, not about a path that answers nothing."""
    body = dumped(GOOD[path])
    assert post(host, path, body).status == 200
    assert post(host, path, gzip.compress(body), content_encoding="gzip").status == 200
    assert post(host, path, body, "explain=1&explain_budget=20").status == 200


# JSON -------------------------------------------------------------------------------------------------------

numbers = (
    st.integers(-(10**400), 10**400) | st.floats(allow_nan=True) | st.sampled_from([1e308, -1e39, 2**63, 2**64, -0.0])
)
texts = st.text(max_size=6) | st.text(st.characters(categories=["Cs", "Cc", "Lu"]), max_size=3)  # lone surrogates too
scalars = st.none() | st.booleans() | numbers | texts | st.sampled_from([*ROW.values()])
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
columns = st.dictionaries(st.sampled_from([*ROW, "tag"]), mostly(st.lists(values, max_size=3)))
requests = st.fixed_dictionaries(
    {},
    optional={
        "inputs": mostly(st.lists(tensors, max_size=6)) | columns,
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


queries = st.sampled_from(["", "", "explain=1", "explain=1&explain_budget=9"]) | st.text(
    "explain=1_budgt&%2é", max_size=30
)


@through_each_host
@some
@given(st.sampled_from(TAKES_ROWS), requests | values, queries)
def test_no_json_breaks_it(host: Host, path: str, body: object, query: str) -> None:
    post(host, path, dumped(body), query)


@through_each_host
@some
@given(st.sampled_from(sorted({PREDICT, *TAKES_ROWS} - {*TAKES_TENSORS})), columns)
def test_no_columns_break_it(host: Host, path: str, given_columns: dict[str, object]) -> None:
    post(host, path, dumped({"inputs": {**{name: [value] for name, value in ROW.items()}, **given_columns}}))


@through_each_host
@some
@given(st.sampled_from(TAKES_ROWS), st.sampled_from([*ROW]), values)
def test_no_value_in_a_good_row_breaks_it(host: Host, path: str, name: str, value: object) -> None:
    if path in TAKES_TENSORS:
        body: object = {"inputs": [{**each, "data": [value]} if each["name"] == name else each for each in TENSORS]}
    else:
        body = {"instances": [{**ROW, name: value}]}
    post(host, path, dumped(body))


@through_each_host
@some
@given(st.sampled_from(TAKES_ROWS), st.binary(max_size=60), st.integers(0, 40))
def test_no_bytes_inside_json_break_it(host: Host, path: str, garbage: bytes, at: int) -> None:
    body = dumped(GOOD[path])
    post(host, path, body[:at] + garbage + body[at:])


NO_UTF8 = [b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf"]


@through_each_host
@pytest.mark.parametrize("path", TAKES_ROWS)
@pytest.mark.parametrize("garbage", NO_UTF8, ids=range(len(NO_UTF8)))
def test_what_is_no_utf8_is_refused(host: Host, path: str, garbage: bytes) -> None:
    assert post(host, path, dumped(GOOD[path]).replace(b"Dream", garbage)).status == 400


DEEP = [
    b'{"instances":' + b"[" * 100_000,
    b'{"instances":[' + b'{"x":' * 100_000,
    b'{"instances":[' + b"[" * 950 + b'"b64"' + b"]" * 950 + b"]}",
    b'{"inputs":[' + b"[" * 950 + b"]" * 950 + b"]}",
    b'{"inputs":[{"name":"island","datatype":"BYTES","shape":[1],"data":' + b"[" * 950 + b"]" * 950 + b"}]}",
    b'{"inputs":{"island":' + b"[" * 950 + b"]" * 950 + b"}}",
]


@through_each_host
@pytest.mark.parametrize("path", TAKES_ROWS)
@pytest.mark.parametrize("body", DEEP, ids=range(len(DEEP)))
def test_deep_nesting_is_refused(host: Host, path: str, body: bytes) -> None:
    assert post(host, path, body).status == 400


@through_each_host
@pytest.mark.parametrize("path", TAKES_ROWS)
def test_large_bodies_are_refused(host: Host, path: str) -> None:
    assert post(host, path, b" " * LARGE).status == 413
    assert post(host, path, gzip.compress(b" " * LARGE), content_encoding="gzip").status == 413
    assert post(host, path, zlib.compress(b" " * LARGE), content_encoding="deflate").status == 413


@through_each_host
def test_many_rows_in_a_body_that_may_be_are_answered(host: Host) -> None:
    body = dumped({"instances": rows(300) * 10})
    assert len(body) < DESK.service.max_body
    answer = post(host, PREDICT, body, accept_encoding="gzip")
    assert len(json.loads(gzip.decompress(answer.body))["predictions"]) == 3000


# bytes ------------------------------------------------------------------------------------------------------


@through_each_host
@some
@given(
    st.sampled_from(TAKES_ROWS),
    st.binary(max_size=80) | st.sampled_from([*map(dumped, GOOD.values())]),
    st.sampled_from(
        ["", "application/json", "application/octet-stream", "text/csv", "text/csv; header=present", "x/y"]
    ),
    st.sampled_from(["", "gzip", "deflate", "br", "GZIP, gzip"]),
    st.sampled_from(["none", "gzip", "deflate", "torn"]),
    st.text(latin, max_size=12),
)
def test_no_encoding_breaks_it(
    host: Host, path: str, body: bytes, kind: str, encoding: str, sent: str, accept: str
) -> None:
    packed = {"none": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "torn": lambda b: gzip.compress(b)[:-5]}
    headers = {"content_type": kind, "content_encoding": encoding, "accept": accept, "accept_encoding": accept}
    post(host, path, packed[sent](body), **headers)


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
    said = draw(st.just(str(len(text))) | st.integers(-5, len(text) + 100).map(str) | st.text(latin, max_size=5))
    return text + behind, said


@through_each_host
@some
@given(binary_requests(), st.sampled_from(TAKES_TENSORS))
def test_no_tensors_break_it(host: Host, request_: tuple[bytes, str], path: str) -> None:
    body, said = request_
    post(host, path, body, inference_header_content_length=said, content_type="application/octet-stream")


csv_texts = st.text(alphabet='abD,"\n\r\0\t;0123456789.-+eEé\U0001f427nafi_ ', max_size=60)


@through_each_host
@some
@given(
    st.builds(str.encode, csv_texts) | st.binary(max_size=60),
    st.sampled_from(["text/csv", "text/csv; header=present", "text/csv;header=absent;charset=x"]),
)
def test_no_csv_breaks_it(host: Host, body: bytes, kind: str) -> None:
    post(host, "/invocations", body, content_type=kind, accept=kind)


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
    st.text(latin, max_size=40),
)


@many
@given(st.sampled_from(["OPTIONS", "POST"]), st.sampled_from([*TAKES_ROWS, "/openapi.json"]), headers)
def test_no_headers_break_it(method: str, path: str, given_headers: dict[str, str]) -> None:
    answer = DESK.service.handle(Request(method, path, "", given_headers, dumped(GOOD.get(path))))
    assert answer.status < 500, answer.body
    for name, value in answer.headers.items():
        assert (name + value).isprintable(), name
