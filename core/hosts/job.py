"""The host of a job: a process that does one thing and ends, on a laptop and in a container alike.

The last line of stdout is the reply as JSON, or one sentence that says why it failed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import Permanent, TidemillError
from ..runtime import Runtime
from ..settings import Settings
from ..telemetry import configure

E = TypeVar("E")

DONE = 0
PERMANENT_FAILURE = 1
TEMPORARY_FAILURE = 75
"""EX_TEMPFAIL of sysexits.h: a job that ends so may be tried again."""


def run(handle: Callable[[E, Runtime], Mapping[str, Any]], event: E) -> int:
    """Call the function; the process's exit code."""
    try:
        settings = Settings.from_env()
        configure(json_lines=not sys.stderr.isatty(), level=settings.log_level)
        reply = handle(event, Runtime(settings))
    except TidemillError as error:
        sys.stdout.write(" ".join(str(error).split()) + "\n")
        return PERMANENT_FAILURE if isinstance(error, Permanent) else TEMPORARY_FAILURE
    sys.stdout.write(json.dumps(reply) + "\n")
    return DONE
