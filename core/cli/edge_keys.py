"""Commands of the keys that sign releases: edge keys init, list, rotate, revoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .command import Result, Session, command

if TYPE_CHECKING:
    from edge.export.keys import KeyFolder
    from edge.trust import Trust

Root = Annotated[Path | None, typer.Option("--root", metavar="FILE", help="The root key, if it is kept elsewhere.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "init", example="tidemill edge keys init")(init)
    command(app, "list", example="tidemill edge keys list")(list_keys)
    command(app, "rotate", example="tidemill edge keys rotate")(rotate)
    command(app, "revoke", example="tidemill edge keys revoke 0f3a5c2e9b1d4e77")(revoke)


def key_folder(session: Session) -> KeyFolder:
    """The folder that the settings name."""
    from edge.export.keys import KeyFolder  # noqa: PLC0415 - for commands of devices alone

    return KeyFolder(session.settings.edge_keys, session.settings.edge_passphrase)


def ready_keys(session: Session) -> KeyFolder:
    """The folder with keys in it: they are made if there are none."""
    keys = key_folder(session)
    if not keys.exists():
        trust = keys.init()
        session.progress(f"Made a root and a release key in {keys.path}: devices trust what {_ids(trust)} signs.")
    return keys


def init(session: Session) -> Result:
    """Make a root key, a release key, and the trust document that devices are provisioned with."""
    keys = key_folder(session)
    trust = keys.init()
    told = (
        f"Keys are in {keys.path}. Keep a copy of the root elsewhere, and lock the folder: who has it has the devices."
    )
    return Result(_told(keys, trust), told)


def list_keys(session: Session) -> Result:
    """List the keys that devices trust, and those that were revoked."""
    keys = key_folder(session)
    trust = keys.trust()
    table = Table("key", "what", "counts", box=None, pad_edge=False, header_style="bold")
    for role, known in (("root", trust.roots), ("release", trust.keys)):
        for key in known:
            table.add_row(key.id, role, "revoked" if key.id in trust.revoked else "yes")
    for key_id in sorted(trust.revoked):
        table.add_row(key_id, "", "revoked")
    return Result(_told(keys, trust), table)


def rotate(
    session: Session,
    new_root: Annotated[bool, typer.Option("--new-root", help="Replace the root, not the release key.")] = False,
    root: Root = None,
) -> Result:
    """Make a new release key, which signs from now on; releases of the keys before go on to count."""
    keys = key_folder(session)
    trust, key = keys.rotate_root(root) if new_root else keys.rotate(root)
    _publish(session, keys)
    what = "is the root" if new_root else "signs releases"
    return Result({**_told(keys, trust), "key": key.id}, f"Key {key.id} {what} from now on (trust {trust.number}).")


def revoke(
    session: Session,
    key: Annotated[str, typer.Argument(help="The id of the release key.")],
    root: Root = None,
) -> Result:
    """Let a release key count no more, for ever: devices refuse what it signed once they have heard of it."""
    keys = key_folder(session)
    trust, fresh = keys.revoke(key, root)
    _publish(session, keys)
    instead = "" if fresh is None else f" Key {fresh.id} was made in its place: export and roll out again."
    return Result({**_told(keys, trust), "key": key}, f"Key {key} counts no more (trust {trust.number}).{instead}")


def _publish(session: Session, keys: KeyFolder) -> None:
    """Tell the devices of every model that was ever released with these keys."""
    from edge.export.publish import models_trusting, publish_trust  # noqa: PLC0415

    edge, chain = session.runtime.store("edge"), keys.chain()
    for model in models_trusting(edge, chain[0]):
        publish_trust(edge, model, chain)
        session.progress(f"devices of {model} are told by trust document {chain[-1].number}")


def _told(keys: KeyFolder, trust: Trust) -> dict[str, object]:
    return {
        "folder": str(keys.path),
        "trust": trust.number,
        "roots": [key.id for key in trust.roots],
        "keys": [key.id for key in trust.release_keys()],
        "revoked": sorted(trust.revoked),
    }


def _ids(trust: Trust) -> str:
    return ", ".join(key.id for key in trust.release_keys())
