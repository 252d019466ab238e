"""What can be asked of a device, by `python -m edge` and by `tidemill edge` alike: plain JSON values are answered."""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import BadInput, NotFound, Refused
from core.layout import MANIFEST

from ..release import SIGNATURE, Limits, check_manifest, read_small, verify_folder
from ..trust import Trust
from . import files
from .clock import SystemClock
from .config import DEVICE, Device
from .documents import read_trust
from .going_back import leave
from .provision import provision
from .state import State
from .status import status as status_of
from .synchronise import synchronise
from .update import LOCK, Updater

ANY_SIZE = Limits(size=2**63)


def settings_of(pairs: Iterable[str], **named: str | None) -> dict[str, Any]:
    """Settings given as NAME=VALUE, each value as in TOML or else a text, and those named; raises BadInput.

    >>> settings_of(["port=8081", "ring=canary"], device="pi-7")
    {'device': 'pi-7', 'port': 8081, 'ring': 'canary'}
    """
    found: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadInput(f"setting {pair!r} must look like NAME=VALUE.")
        found[name] = _value(text)
    return found


def _value(text: str) -> Any:  # noqa: ANN401 - whatever TOML has
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def is_new(root: Path) -> bool:
    """Whether `root` is no device's folder yet."""
    return not (root / DEVICE).exists()


def run(root: Path) -> Mapping[str, Any]:
    """Serve until the process is told to stop."""
    from .run import run as serve  # noqa: PLC0415 - the other commands need no server

    serve(root)
    return {"stopped": True}


def install(
    root: Path,
    folder: Path,
    *,
    again: bool = False,
    trust: bytes | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Install a release from a folder; `trust` and `settings` are of a new device, which is made with them.

    Raises Refused, Corrupt, TooLarge or Unsupported if the release is not to be used, BadInput for a setting.
    """
    if is_new(root) and trust is not None:
        _make_device(root, folder, trust, settings or {})
    elif not is_new(root) and (trust is not None or settings):
        raise BadInput(f"{root} is the folder of a device already: change its {DEVICE} to set it up otherwise.")
    device = _device(root)
    return asdict(Updater(root, device, SystemClock()).install(folder, again=again))


def update(root: Path) -> Mapping[str, Any]:
    """Look once for what is new, and send telemetry."""
    return asdict(synchronise(root, _device(root), SystemClock()))


def rollback(root: Path, reason: str) -> Mapping[str, Any]:
    """Go back to the release before; the one that is left is not taken again. Raises Refused if there is none."""
    _device(root)
    with files.locked(root / LOCK, wait=False):
        release = State.read(root).release
        if release is None:
            raise Refused("this device runs no release.")
        now = leave(root, SystemClock(), release, reason, refuse=True)
    return {"did": "went back", "release": now.release, "reason": reason}


def status(root: Path) -> Mapping[str, Any]:
    """What the device is, runs and has been through."""
    return status_of(root)


def verify(root: Path, folder: Path, trust: bytes | None) -> Mapping[str, Any]:
    """Verify a release by this trust document, or the device's own; raises Refused, Corrupt or Unsupported."""
    known = read_trust(root) if trust is None else Trust.decode(trust)
    found = verify_folder(folder, known, ANY_SIZE)
    return {"release": found.id, "model": found.manifest.model, "signed_by": found.signed_by}


def _make_device(root: Path, folder: Path, trust: bytes, settings: Mapping[str, Any]) -> None:
    """The device is of the model of its first release, whose signature is verified first."""
    known = Trust.decode(trust)
    found = check_manifest(read_small(folder / MANIFEST), read_small(folder / SIGNATURE), known, ANY_SIZE)
    named = {"device": socket.gethostname().split(".")[0], "model": found.manifest.model, **settings}
    provision(root, Device.of(named), trust)


def _device(root: Path) -> Device:
    try:
        return Device.read(root)
    except NotFound as error:
        raise NotFound(f"{root} is no device's folder yet: install a release with --trust FILE.") from error
