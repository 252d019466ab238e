"""Write the pages of a model, and the page of all models, into the reports zone.

The pages are a view of what is stored: nothing depends on them, and they can be written again at any time. A page is
replaced only if it is still the one that was there before the facts were read, so of many writers the one that saw the
most is the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from .. import layout
from ..errors import AlreadyExists, NotFound, VersionMismatch
from ..ports import Blob, Creates, Lists, Reads, ReadsLists, Replaces
from ..report.pages import PAGES, model_pages, overview_page
from .site_facts import Readable, Zones, model_facts, summaries


class SiteStore(Reads, Lists, Creates, Replaces, Protocol):
    """What keeping the site needs of the reports zone."""


@dataclass(frozen=True, slots=True)
class Site:
    """What was written: `page` is the model's first one, `written` are the pages that had changed."""

    model: str
    page: str
    written: tuple[str, ...]


def write_site(
    models: Readable, datasets: Reads, reports: SiteStore, quarantine: Reads, edge: ReadsLists, *, model: str
) -> Site:
    """Bring the pages of `model` up to date, whoever else is writing them."""
    zones = Zones(models, datasets, reports, quarantine, edge)
    keys = (layout.SITE_INDEX, *(layout.site_page(model, name) for name in PAGES))
    while True:
        before = {key: _stored(reports, key) for key in keys}
        try:
            written = _write(reports, before, _pages(zones, model))
        except (AlreadyExists, VersionMismatch):
            continue
        return Site(model, layout.site_page(model), written)


def _pages(zones: Zones, model: str) -> dict[str, bytes]:
    pages = {layout.site_page(model, name): data for name, data in model_pages(model_facts(zones, model)).items()}
    return {**pages, layout.SITE_INDEX: overview_page(summaries(zones))}


def _write(reports: SiteStore, before: Mapping[str, Blob | None], pages: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write what changed; raises AlreadyExists or VersionMismatch if another writer was faster."""
    written = []
    for key, data in pages.items():
        blob = before[key]
        if blob is None:
            reports.create(key, data)
        elif blob.data != data:
            reports.replace(key, data, blob.info.version)
        else:
            continue
        written.append(key)
    return tuple(written)


def _stored(reports: Reads, key: str) -> Blob | None:
    try:
        return reports.get(key)
    except NotFound:
        return None
