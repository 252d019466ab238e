"""W3C trace context: the caller's place in a trace, passed on in the answer and in the logs.

Sources: https://www.w3.org/TR/trace-context/#traceparent-header and, for the names of the log's fields,
https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
"""

from __future__ import annotations

import re

from .http import Request

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-[!-~]*)?")
_LONGEST_STATE = 512


def trace_headers(request: Request) -> dict[str, str]:
    """The headers that go into the answer as they came: none if the caller's context is not valid."""
    parent = request.headers.get(TRACEPARENT)
    if parent is None or not _VALID.fullmatch(parent):
        return {}
    state = request.headers.get(TRACESTATE, "")
    kept = state.isascii() and state.isprintable() and len(state) <= _LONGEST_STATE
    return {TRACEPARENT: parent, TRACESTATE: state} if state and kept else {TRACEPARENT: parent}


def trace_fields(request: Request) -> dict[str, str]:
    """The ids of the caller's trace and span for the log, also by the names that Google Cloud Logging knows."""
    match = _VALID.fullmatch(request.headers.get(TRACEPARENT, ""))
    if match is None:
        return {}
    return {
        "trace": match[1],
        "logging.googleapis.com/trace": match[1],
        "logging.googleapis.com/spanId": match[2],
    }
