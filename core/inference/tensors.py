"""Tensor data as bytes behind the JSON of a request or an answer: the binary tensor data extension of V2.

Source:
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html
Elements are little-endian, row-major, without padding. BOOL is one byte. An element of BYTES is its length (four
bytes, unsigned) and then that many bytes; here they are UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

EXTENSION = "binary_tensor_data"
MEDIA_TYPE = "application/octet-stream"
HEADER = "inference-header-content-length"
SIZE = "binary_data_size"
WANTED = "binary_data"
ALL_WANTED = "binary_data_output"

BYTES, BOOL = "BYTES", "BOOL"
FLOATS = {"FP64": "<f8", "FP32": "<f4", "FP16": "<f2", "BF16": "<u2"}
"""Floating point datatypes, and what numpy reads them as; BF16 is the upper half of an FP32."""
INTEGERS = {f"{kind}{bits}": f"<{kind[0].lower()}{bits // 8}" for kind in ("INT", "UINT") for bits in (64, 32, 16, 8)}
DATATYPES = (*FLOATS, *INTEGERS, BOOL, BYTES)

_LENGTH = struct.Struct("<I")


def split(body: bytes, length: str) -> tuple[bytes, memoryview]:
    """The JSON, which is `length` bytes (the header's text), and what follows it; raises BadInput."""
    if not (length.isascii() and length.isdecimal()) or len(length) > len(str(len(body))) or int(length) > len(body):
        raise BadInput(
            f"header {HEADER} is {length[:40]!r}: it must be how many of the {len(body)} bytes of the body are JSON."
        )
    return body[: int(length)], memoryview(body)[int(length) :]


def read(name: str, datatype: str, count: int, raw: memoryview) -> list[Any]:
    """The `count` values of input `name`, as JSON would give them; NaN is null. Raises BadInput."""
    if datatype == BYTES:
        return _texts(name, raw)
    size = count * _width(datatype)
    if len(raw) != size:
        raise BadInput(f"input {name!r} has {len(raw)} bytes, and {count} values of {datatype} have {size}.")
    if datatype == BOOL:
        return _flags(name, raw)
    values = _numbers(datatype, raw)
    listed: list[Any] = values.tolist()
    if datatype in FLOATS and np.isnan(values).any():
        return [None if value != value else value for value in listed]  # noqa: PLR0124 - NaN is what is not itself
    return listed


def write(datatype: str, values: Sequence[str] | NDArray[Any]) -> bytes:
    """Values as bytes: texts as BYTES, numbers as `datatype`."""
    if datatype == BYTES:
        return b"".join(_prefixed(text.encode()) for text in values)
    return np.ascontiguousarray(values, FLOATS[datatype]).tobytes()


def _width(datatype: str) -> int:
    return 1 if datatype == BOOL else int((FLOATS.get(datatype) or INTEGERS[datatype])[2:])


def _numbers(datatype: str, raw: memoryview) -> NDArray[Any]:
    values = np.frombuffer(raw, FLOATS.get(datatype) or INTEGERS[datatype])
    if datatype == "BF16":
        return (values.astype("<u4") << 16).view("<f4")
    return values


def _flags(name: str, raw: memoryview) -> list[bool]:
    flags = np.frombuffer(raw, np.uint8)
    if (flags > 1).any():
        odd = int(np.argmax(flags > 1))
        raise BadInput(f"field {name!r} of row {odd} is the byte {raw[odd]}: a BOOL is 0 or 1.")
    listed: list[bool] = flags.astype(bool).tolist()
    return listed


def _texts(name: str, raw: memoryview) -> list[str]:
    data, at = bytes(raw), 0
    texts: list[str] = []
    while at < len(data):
        start = at + _LENGTH.size
        end = start + _LENGTH.unpack_from(data, at)[0] if start <= len(data) else start
        if end > len(data):
            raise BadInput(f"field {name!r} of row {len(texts)} says that it is longer than the bytes of its tensor.")
        try:
            texts.append(data[start:end].decode())
        except UnicodeDecodeError as error:
            raise BadInput(f"field {name!r} of row {len(texts)} is not UTF-8 at byte {error.start}.") from error
        at = end
    return texts


def _prefixed(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data
