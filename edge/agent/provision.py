"""A new device: a folder with who it is, and whose signatures it believes."""

from __future__ import annotations

from pathlib import Path

from core.errors import AlreadyExists

from ..trust import Trust
from . import files
from .config import DEVICE, Device
from .documents import TRUST


def provision(root: Path, device: Device, trust: bytes) -> Device:
    """Make the folder of a device; raises AlreadyExists if there is one, and as `Trust.decode` does.

    Trust first: a folder with a device.toml is a whole one.
    """
    if (root / DEVICE).exists():
        raise AlreadyExists(f"{root} is the folder of a device already: change its {DEVICE} to set it up otherwise.")
    kept = Trust.decode(trust).data
    files.make_folder(root)
    files.replace(root / TRUST, kept)
    files.replace(root / DEVICE, device.encode())
    return device
