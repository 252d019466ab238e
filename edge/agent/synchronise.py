"""All that a device does over the network: it looks for what is new, and sends what it has to tell."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

from core.errors import Permanent, TidemillError

from . import journal
from .clock import Clock
from .config import Device
from .network import Network
from .state import State
from .update import Outcome, Updater

log = logging.getLogger(__name__)


def synchronise(root: Path, device: Device, clock: Clock) -> Outcome:
    """Update, then upload; raises as `Updater.update` does. What cannot be sent now is sent another time."""
    with closing(Network(root, device, clock)) as network:
        try:
            if device.source_url is None and device.upload_url is not None:
                return Outcome("stayed", State.read(root).release, "its releases come by hand alone")
            return Updater(root, device, clock).update(network.source())
        except Permanent as error:
            journal.note(root, clock, "refused", None, str(error))
            raise
        finally:
            if device.upload_url is not None:
                _send(root, network)


def _send(root: Path, network: Network) -> None:
    from ..telemetry.upload import upload  # noqa: PLC0415 - where something is sent

    try:
        upload(root, network.put)
    except TidemillError as error:
        log.warning("telemetry is sent another time: %s", error)
