"""Commands of the API keys: keys add, list, revoke. The file that they keep has hashes alone."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ..domain.access import Key, KeyRing, new_key
from ..domain.duration import parse_duration
from ..errors import BadInput
from ..inference.authorities import read_text
from ..layout import check_model_name
from .command import Result, Session, command

KeyFile = Annotated[Path | None, typer.Option("--file", help="The file of the keys. [TIDEMILL_KEYS]")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "add", example="tidemill keys add shop --model churn --expires 90d --file keys.json")(add)
    command(app, "list", example="tidemill keys list --file keys.json")(list_keys)
    command(app, "revoke", example="tidemill keys revoke 0f3a5c2e --file keys.json")(revoke)


def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="Whom the key is for.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="A model that it opens; every one if none.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it is valid, such as 90d; for ever if not said.")
    ] = None,
    file: KeyFile = None,
) -> Result:
    """Make an API key and show it, this once. To replace a key, add the new one before the old one is revoked."""
    path = _path(session, file)
    now = session.runtime.clock.now().replace(microsecond=0)
    until = None if expires is None else now + _duration(expires)
    models = None if not model else [check_model_name(each) for each in model]
    kept, text = new_key(secrets.token_hex(4), secrets.token_urlsafe(32), name, models, now, until)
    _write(path, _ring(path).with_key(kept))
    return Result({**_shown(kept), "key": text}, f"{text}\nIt is shown this once; {path} keeps its hash.")


def list_keys(session: Session, file: KeyFile = None) -> Result:
    """List the API keys: whom they are for, what they open, until when."""
    ring = _ring(_path(session, file))
    table = Table("id", "name", "models", "expires", box=None, pad_edge=False, header_style="bold")
    for key in ring.keys:
        table.add_row(key.id, key.name, ", ".join(key.models or ("every one",)), key.expires or "never")
    return Result({"keys": [_shown(key) for key in ring.keys]}, table if ring.keys else "No key yet.")


def revoke(
    session: Session,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The id of the key.")],
    file: KeyFile = None,
) -> Result:
    """Take an API key back; endpoints that read the file notice within seconds."""
    path = _path(session, file)
    _write(path, _ring(path).without(key_id))
    return Result({"revoked": key_id}, f"Key {key_id} opens nothing any more.")


def _path(session: Session, file: Path | None) -> Path:
    named = session.settings.access.keys
    if file is not None:
        return file
    if not named or named.lstrip().startswith("{"):
        raise BadInput("say with --file, or by TIDEMILL_KEYS, which file keeps the keys.")
    return Path(named)


def _ring(path: Path) -> KeyRing:
    return KeyRing.decode(read_text(str(path), "--file")) if path.exists() else KeyRing()


def _write(path: Path, ring: KeyRing) -> None:
    """Whole or not at all: an endpoint may be reading it."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    beside.touch(mode=0o600)
    beside.write_text(ring.encode(), "utf-8")
    beside.replace(path)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expires") from error


def _shown(key: Key) -> dict[str, Any]:
    return {"id": key.id, "name": key.name, "models": key.models, "created": key.created, "expires": key.expires}
