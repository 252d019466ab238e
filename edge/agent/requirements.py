"""What a release asks of a device beside room and memory: an onnxruntime that knows its operators."""

from __future__ import annotations

import re

from core.errors import Unsupported

from ..release import Requirements

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def check_requirements(asked: Requirements) -> None:
    """Raises Unsupported if this device's onnxruntime is older than a release asks for."""
    wanted, here = _numbers(asked.onnxruntime), _numbers(_runtime())
    if here < wanted:
        raise Unsupported(f"the release asks for onnxruntime {asked.onnxruntime}, and here is {_runtime()}: update it.")


def _runtime() -> str:
    import onnxruntime  # noqa: PLC0415 - the proof needs it next

    return str(onnxruntime.__version__)


def _numbers(text: str) -> tuple[int, ...]:
    """The first version number in a text, as numbers.

    >>> _numbers(">=1.24")
    (1, 24)
    """
    found = _NUMBERS.search(text)
    return tuple(map(int, found[0].split("."))) if found else ()
