"""The pictures of the docs: the flights of 2013 month by month, and the pages that they leave, drawn in Chromium.

`python -m tests.web.pictures` writes them into docs/images.
"""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from core import layout
from core.cli.demo_flights import month_file, outcomes, without_outcome
from core.events.messages import ScheduleFired
from core.hosts.local.host import LocalHost
from core.hosts.local.jobs import QueuedJobs
from core.hosts.local.queue import Queue
from core.runtime import Runtime
from core.settings import Settings
from functions.drift_check.handler import handle as check
from functions.report.handler import handle as write_pages
from tests.web.browsing import visit

ROOT = Path(__file__).parents[2]
MODEL = "flights-delay"
LEARNED, ANSWERED = ("01", "02", "03"), ("04", "05", "06", "07", "08", "09")
SPEC = """
slices: [origin]
sensitive: [origin]
kpi: {name: saved, unit: USD, values: {true_positive: 40, false_positive: -10, false_negative: 0, true_negative: 0}}
performance: {window: week, history: 400d}
"""
"""What the demo's spec does not ask for."""
PICTURES = (
    {"page": "drift.html", "scheme": "light", "width": 1100, "height": 800},
    {"page": "performance.html", "scheme": "dark", "width": 500, "height": 800},
    {"page": "fairness.html", "scheme": "light", "width": 1100, "height": 900},
)


def main() -> None:
    """Let half a year happen, and draw the pages."""
    logging.getLogger().setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="tidemill-") as folder:
        _half_a_year(Path(folder))
        site = Path(folder) / "reports" / layout.site_page(MODEL, "")
        visit([_job(site, picture) for picture in PICTURES])


def _job(site: Path, picture: dict[str, object]) -> dict[str, object]:
    page = str(picture["page"])
    target = ROOT / "docs" / "images" / page.replace(".html", ".png")
    return {**picture, "url": (site / page).as_uri(), "judge": False, "picture": str(target)}


def _half_a_year(folder: Path) -> None:
    """Learn from three months; answer six, each checked at its end; of the last one the truth is not known yet."""
    specs = folder / "models"
    specs.mkdir()
    text = (ROOT / "models" / f"{MODEL}.yaml").read_text().replace("drift: true, performance: true", "drift: false")
    (specs / f"{MODEL}.yaml").write_text(text + SPEC)
    queue = Queue(folder / "host")
    runtime = Runtime(Settings.from_env({}, store=f"{folder}/{{zone}}", specs=specs), jobs=QueuedJobs(queue))
    host, landing = LocalHost(runtime, queue), runtime.store("landing")
    for month in LEARNED:
        landing.put(layout.landing(MODEL, "rows", month_file(month).name), month_file(month).read_bytes())
    _drain(host)
    columns = runtime.spec(MODEL).columns
    for month in ANSWERED:
        landing.put(layout.landing(MODEL, "score", f"{month}.csv"), without_outcome(month, columns))
        if month != ANSWERED[-1]:
            landing.put(layout.landing(MODEL, "labels", f"{month}.csv"), outcomes(month, columns))
        _drain(host)
        check(ScheduleFired("drift_check", MODEL, runtime.clock.now()), runtime)
        _drain(host)
    write_pages(ScheduleFired("report", MODEL, runtime.clock.now()), runtime)
    queue.close()


def _drain(host: LocalHost) -> None:
    failed = host.drain().failed
    if failed:
        raise SystemExit(f"an event failed: {failed}")


if __name__ == "__main__":
    main()
