"""What `tidemill batch` is to score: a file, a pattern, a folder, or everything that was dropped to be scored."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .. import layout
from ..adapters.registry import ZONE, open_url
from ..errors import BadInput
from ..ports import ObjectInfo, ObjectStore
from ..tables.formats import format_of
from .command import Session
from .places import absolute, folder_and_name

_WILD = re.compile(r"[*?\[]")
_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files below the folder at `url`, which `store` opens; `name` is theirs together."""

    name: str
    url: str
    store: ObjectStore
    files: tuple[ObjectInfo, ...]


def inputs(session: Session, model: str, source: str | None) -> Inputs:
    """What `source` names, in the order of the keys; without it, what lies in the landing zone. Raises BadInput."""
    if source is None:
        url = session.settings.store.replace(ZONE, "landing")
        dropped = layout.drops(model, "score")
        return _found(session, url, f"{dropped}**", url, dropped)
    found = absolute(source)
    wild = _WILD.search(found)
    if wild is None and not found.endswith("/"):
        return _one(session, source)
    folder = found[: wild.start()].rpartition("/")[0] if wild else found.rstrip("/")
    pattern = found[len(folder) + 1 :] if wild else "**"
    return _found(session, folder, pattern, source, "")


def _one(session: Session, source: str) -> Inputs:
    folder, name = folder_and_name(source)
    store = open_url(folder, session.settings.environ)
    return Inputs(source, folder, store, (store.head(name),))


def _found(session: Session, url: str, pattern: str, source: str, prefix: str) -> Inputs:
    store = open_url(url, session.settings.environ)
    fits = _compiled(pattern)
    files = tuple(info for info in store.list(prefix) if fits.fullmatch(info.key) and _is_table(info.key))
    if not files:
        raise BadInput(f"{source!r} names no file that can be scored.")
    return Inputs(source, url, store, files)


def _compiled(pattern: str) -> re.Pattern[str]:
    r"""As shells and most readers of data write them: `*` and `?` within a name, `**` across folders.

    >>> bool(_compiled("2026-*/**/part-?.csv").fullmatch("2026-05/a/b/part-1.csv"))
    True
    """
    tokens = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    return re.compile("".join(_PARTS.get(token, token if _is_class(token) else re.escape(token)) for token in tokens))


def _is_class(token: str) -> bool:
    return token.startswith("[") and token.endswith("]")


def _is_table(key: str) -> bool:
    """Names that begin with _ or . are other programs' notes, as every reader of folders of tables holds it."""
    if any(part.startswith(("_", ".")) for part in key.split("/")):
        return False
    try:
        format_of(key)
    except BadInput:
        return False
    return True
