"""The agent's process: it answers, looks after what answers, and has a child look for what is new."""

from __future__ import annotations

import signal
import threading
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import slots
from .boot import settle
from .clock import Clock, SystemClock
from .config import Device
from .state import State

if TYPE_CHECKING:
    from ..runtime.ahead import Ahead
    from ..runtime.serving import Serving
    from .loop import Loop

FIRST_ANSWERS = 1.0
"""Seconds in which a device that starts does nothing but answer."""


def run(root: Path, clock: Clock | None = None) -> None:
    """Serve until the process is told to stop; raises as `Device.read` and `Serving.open` do."""
    clock = clock or SystemClock()
    device = Device.read(root)
    state = settle(root, device, clock)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, stopping))
    load = _ahead(root, state)
    from ..runtime.server import Server  # noqa: PLC0415 - while the model is loaded
    from ..runtime.serving import Serving  # noqa: PLC0415

    serving = Serving(root, device, facts=partial(_facts, root), load=load)
    with Server(serving, port=device.port):
        if stopping.wait(FIRST_ANSWERS):
            return
        loop = _agent(root, device, clock, serving)
        try:
            while not stopping.wait(loop.step()):
                pass
        finally:
            loop.close()


def _agent(root: Path, device: Device, clock: Clock, serving: Serving) -> Loop:
    """What looks for what is new; imported when the device answers already."""
    import random  # noqa: PLC0415 - see above

    from .child import Child  # noqa: PLC0415
    from .loop import Loop  # noqa: PLC0415
    from .trial import TrialWatch  # noqa: PLC0415

    watch, child = TrialWatch(root, device, clock), Child(root, clock)
    return Loop(device, watch, serving, child, clock, random.random)


def _ahead(root: Path, state: State) -> Ahead | None:
    """What is loading the model meanwhile; None without one."""
    from ..runtime.ahead import Ahead  # noqa: PLC0415 - there may be no model

    if state.active is None or state.release is None:
        return None
    return Ahead(slots.folder(root, state.active), state.release)


def _facts(root: Path) -> dict[str, Any]:
    from .status import facts  # noqa: PLC0415 - see above

    return facts(root)


def _stop(stopping: threading.Event, _number: int, _frame: FrameType | None) -> None:
    stopping.set()
