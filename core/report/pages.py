"""The pages of the site as text: pure functions of the facts, so the same facts give the same bytes.

A page needs no script and nothing beside it: it works from a bucket, a folder or a server alike, and its policy
(https://www.w3.org/TR/CSP3/) lets a browser load nothing else, whatever a name on it may hold.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import wording
from .charts.bar import bar
from .facts import ModelFacts, ModelSummary
from .views import alerts, data, drift, fairness, fleet, home, journal, lineage, performance, versions

TEMPLATES = Path(__file__).parent / "templates"

View = Callable[[ModelFacts], Mapping[str, Any]]

PAGES: Mapping[str, tuple[str, View]] = {
    "index.html": ("Summary", home.view),
    "versions.html": ("Versions", versions.view),
    "drift.html": ("Drift", drift.view),
    "performance.html": ("Performance", performance.view),
    "fairness.html": ("Fairness", fairness.view),
    "data.html": ("Data", data.view),
    "fleet.html": ("Fleet", fleet.view),
    "alerts.html": ("Alerts", alerts.view),
    "lineage.html": ("Lineage", lineage.view),
    "journal.html": ("Journal", journal.view),
}
"""Each page of a model: its name in the navigation, and what it shows."""


def model_pages(facts: ModelFacts) -> dict[str, bytes]:
    """Every page of one model by its file name, UTF-8."""
    return {name: _page(name, facts) for name in PAGES}


def overview_page(summaries: Sequence[ModelSummary]) -> bytes:
    """The page of all models, UTF-8."""
    return _rendered("overview.html", {**home.overview(summaries), "model": None})


def _page(name: str, facts: ModelFacts) -> bytes:
    navigation = [(file, title, file == name) for file, (title, _) in PAGES.items()]
    template = "home.html" if name == "index.html" else name
    return _rendered(template, {**PAGES[name][1](facts), "model": facts.model, "navigation": navigation})


def _rendered(template: str, view: Mapping[str, Any]) -> bytes:
    return _environment().get_template(template).render(**view).encode()


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = (TEMPLATES / "style.css").read_text("utf-8")
    environment.globals.update(style=style, policy=_policy(style), bar=bar)
    for word in (wording.brief, wording.count, wording.decimal, wording.percent, wording.plural, wording.probability):
        environment.filters[word.__name__] = word
    return environment


def _policy(style: str) -> str:
    """Allow this style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
