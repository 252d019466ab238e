"""Is the journal of a model whole: no entry altered, none missing, up to the last decision that the route tells of."""

from __future__ import annotations

from ..domain.journal import Audit, Entry
from ..domain.journal import audit as follow
from ..errors import Corrupt, NotFound
from .journal import ReadableJournal, entries
from .promote import current_route


def audit_model(models: ReadableJournal, model: str) -> Audit:
    """Follow the chain, and look in it for every decision that the route remembers.

    A decision that is not there is a break behind the last entry: it was cut off, or a command died between changing
    the route and journalling it. Raises NotFound if nothing at all is known of the model.
    """
    route = current_route(models, model)
    stored = list(entries(models, model))
    if route is None and not stored:
        raise NotFound(f"nothing is known of a model {model}: `tidemill models list` shows those that there are.")
    found = follow(stored)
    if route is None or not found.intact:
        return found
    journalled = {_decision(data) for data in stored}
    missing = any(change.decision not in journalled for change in route.changes)
    return Audit(found.entries, found.entries + 1 if missing else None)


def _decision(data: bytes) -> str | None:
    try:
        return Entry.decode(data).decision
    except Corrupt:
        return None
