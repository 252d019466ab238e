"""The agent on a device: `python -m edge run|install|update|rollback|status|verify --root FOLDER`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import TidemillError, Transient

DONE, FAILED, WRONG_USAGE = 0, 1, 2
COME_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: the same call may succeed later."""
ROOT = Path("/var/lib/tidemill")
FORMAT = partial(argparse.HelpFormatter, width=100)
"""Told its width, argparse does not ask `shutil`, which brings every compression there is, for that of the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        told = given.command(given)
    except TidemillError as error:
        return _failed(error, as_json=given.json)
    _print(told, as_json=given.json)
    return DONE


def _failed(error: TidemillError, *, as_json: bool) -> int:
    print(f"edge: {error}", file=sys.stderr)  # noqa: T201 - a command speaks
    if as_json:
        _print({"error": str(error), "retry_after": getattr(error, "retry_after", 0.0)}, as_json=True)
    return COME_AGAIN if isinstance(error, Transient) else FAILED


def _print(told: Mapping[str, Any], *, as_json: bool) -> None:
    text = json.dumps(told) if as_json else "\n".join(f"{name}: {_plain(value)}" for name, value in told.items())
    print(text)  # noqa: T201 - a command speaks


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge", description=__doc__, formatter_class=FORMAT)
    rooms = parser.add_subparsers(required=True, metavar="COMMAND", prog=parser.prog)
    _add(rooms, "run", "answer, and keep the release up to date, until told to stop", _run)
    install = _add(rooms, "install", "install a release from a folder", _install)
    install.add_argument("folder", type=Path, help="the release, as `tidemill edge export` writes it")
    install.add_argument("--again", action="store_true", help="also if it failed on this device before")
    _add_provisioning(install)
    _add(rooms, "update", "look once for what is new, and send telemetry", _update)
    rollback = _add(rooms, "rollback", "go back to the release before", _rollback)
    rollback.add_argument("--reason", default="by hand", help="what is written down")
    _add(rooms, "status", "tell what this device is and runs", _status)
    verify = _add(rooms, "verify", "verify a release in a folder, and open nothing of it", _verify)
    verify.add_argument("folder", type=Path)
    verify.add_argument("--trust", type=Path, help="a trust document, where that of the device is not meant")
    return parser


def _add(
    rooms: Any,  # noqa: ANN401 - argparse keeps the class to itself
    name: str,
    what: str,
    command: Callable[[argparse.Namespace], Mapping[str, Any]],
) -> argparse.ArgumentParser:
    room: argparse.ArgumentParser = rooms.add_parser(
        name, help=what, description=f"{what.capitalize()}.", formatter_class=FORMAT
    )
    room.add_argument("--root", type=Path, default=ROOT, help=f"the device's folder ({ROOT})")
    room.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    room.set_defaults(command=command)
    return room


def _add_provisioning(install: argparse.ArgumentParser) -> None:
    new = install.add_argument_group("a new device", "what its device.toml says; --trust makes the folder")
    new.add_argument("--trust", type=Path, help="the trust document that it begins with")
    new.add_argument("--device", help="its name (this machine's)")
    new.add_argument("--source", metavar="URL", help="where its releases come from")
    new.add_argument("--set", dest="settings", metavar="NAME=VALUE", action="append", default=[], help="more settings")


def _run(given: argparse.Namespace) -> Mapping[str, Any]:
    """Imports what answers and nothing else: the first answer waits for each import."""
    from .agent.run import run  # noqa: PLC0415 - see above

    run(given.root)
    return {"stopped": True}


def _update(given: argparse.Namespace) -> Mapping[str, Any]:
    from .agent import commands  # noqa: PLC0415 - see `_run`

    return commands.update(given.root)


def _status(given: argparse.Namespace) -> Mapping[str, Any]:
    from .agent import commands  # noqa: PLC0415 - see `_run`

    return commands.status(given.root)


def _install(given: argparse.Namespace) -> Mapping[str, Any]:
    from .agent import commands  # noqa: PLC0415 - see `_run`

    settings = commands.settings_of(given.settings, device=given.device, source_url=given.source)
    trust = None if given.trust is None else given.trust.read_bytes()
    return commands.install(given.root, given.folder, again=given.again, trust=trust, settings=settings)


def _rollback(given: argparse.Namespace) -> Mapping[str, Any]:
    from .agent import commands  # noqa: PLC0415 - see `_run`

    return commands.rollback(given.root, given.reason)


def _verify(given: argparse.Namespace) -> Mapping[str, Any]:
    from .agent import commands  # noqa: PLC0415 - see `_run`

    trust = None if given.trust is None else given.trust.read_bytes()
    return commands.verify(given.root, given.folder, trust)


if __name__ == "__main__":
    sys.exit(main())
