"""Does the loop pay? The flights of 2013, month by month, answered by a model in the loop and by one left alone.

`python -m tests.bench.flights_year --json` prints {"months": [{"month", "alone", "loop", "drifted", "retrained"}],
"alone", "loop"}: ROC AUC of each month's answers against what then happened. `--picture FILE` draws them as SVG.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from core import layout
from core.cli.demo_flights import month_file, outcomes, without_outcome
from core.events.messages import ScheduleFired
from core.hosts.local.host import LocalHost
from core.hosts.local.jobs import QueuedJobs
from core.hosts.local.queue import Queue
from core.runtime import Runtime
from core.settings import Settings
from functions.drift_check.handler import handle as check

from ._common import ROOT, parser, show

MODEL = "flights-delay"
LEARNED = ("01", "02", "03")
ANSWERED = ("04", "05", "06", "07", "08", "09", "10", "11", "12")
WIDE, HIGH, EDGE = 640, 260, 44


class Year:
    """One store and the model in it. Without `loop` nothing that comes later is learned from."""

    def __init__(self, runtime: Runtime, host: LocalHost, *, loop: bool) -> None:
        self.runtime, self.host, self.loop = runtime, host, loop
        self._seen: set[str] = set()

    def drop(self, kind: str, name: str, data: bytes) -> None:
        self.runtime.store("landing").put(f"{MODEL}/{kind}/{name}", data)

    def drain(self) -> None:
        failed = self.host.drain().failed
        if failed:
            raise SystemExit(f"an event failed: {failed}")

    def learn(self, months: Sequence[str]) -> None:
        for month in months:
            self.drop("rows", month_file(month).name, month_file(month).read_bytes())
        self.drain()

    def live(self, month: str) -> dict[str, Any]:
        """Answer a month, learn what became of it, look for drift; in the loop, the rows come too."""
        schema, before = self.runtime.spec(MODEL).columns, self._serving()
        self.drop("score", f"{month}.csv", without_outcome(month, schema))
        self.drain()
        found = self._judged(month)
        self.drop("labels", f"{month}.csv", outcomes(month, schema))
        self.drain()
        if self.loop:
            self.drop("rows", month_file(month).name, month_file(month).read_bytes())
        told = check(ScheduleFired("drift_check", MODEL, self.runtime.clock.now()), self.runtime)
        self.drain()
        report = self.runtime.store("reports").get(told["report"]).data
        return {"auc": found, "drifted": _drifted(report), "retrained": self._serving() != before}

    def _serving(self) -> bytes:
        return self.runtime.store("models").get(layout.route(MODEL)).data

    def _judged(self, month: str) -> float:
        truth = dict(line.split(",") for line in outcomes(month, self.runtime.spec(MODEL).columns).decode().split()[1:])
        answers = [row for table in self._new_answers() for row in table.to_pylist()]
        late = np.array([truth[row["flight_id"]] == "true" for row in answers])
        return float(roc_auc_score(late, [row["probability_true"] for row in answers]))

    def _new_answers(self) -> Iterator[Any]:
        store = self.runtime.store("predictions")
        for info in list(store.list(f"{MODEL}/batch/")):
            if info.key.endswith(".parquet") and info.key not in self._seen:
                self._seen.add(info.key)
                yield pq.read_table(io.BytesIO(store.get(info.key).data), columns=["flight_id", "probability_true"])


def _drifted(report: bytes) -> list[str]:

    return [each["name"] for each in json.loads(report)["features"] if each["drifted"]]


@contextmanager
def year(*, loop: bool) -> Iterator[Year]:
    """A fresh store on this machine."""
    with TemporaryDirectory(prefix="tidemill-") as place:
        folder = Path(place)
        (folder / "models").mkdir()
        text = (ROOT / "models" / f"{MODEL}.yaml").read_text("utf-8")
        (folder / "models" / f"{MODEL}.yaml").write_text(text, "utf-8")
        queue = Queue(folder / "host")
        settings = Settings.from_env({}, store=f"{folder}/{{zone}}", specs=folder / "models")
        runtime = Runtime(settings, jobs=QueuedJobs(queue))
        try:
            yield Year(runtime, LocalHost(runtime, queue), loop=loop)
        finally:
            queue.close()


def replay(*, loop: bool) -> list[dict[str, Any]]:
    """What became of each month."""
    with year(loop=loop) as lived:
        lived.learn(LEARNED)
        return [lived.live(month) for month in ANSWERED]


def measure() -> dict[str, Any]:
    """Both years."""
    alone, loop = replay(loop=False), replay(loop=True)
    months = [
        {
            "month": f"2013-{month}",
            "alone": round(left["auc"], 4),
            "loop": round(looped["auc"], 4),
            "drifted": looped["drifted"],
            "retrained": looped["retrained"],
        }
        for month, left, looped in zip(ANSWERED, alone, loop, strict=True)
    ]
    means = {kind: round(float(np.mean([each[kind] for each in months])), 4) for kind in ("alone", "loop")}
    return {"months": months, **means}


def picture(found: dict[str, Any]) -> str:
    """The two lines as SVG, for either scheme of a page."""
    values = [each[kind] for each in found["months"] for kind in ("alone", "loop")]
    low, high = np.floor(20 * min(values)) / 20, np.ceil(20 * max(values)) / 20
    step = (WIDE - 2 * EDGE) / (len(found["months"]) - 1)

    def at(number: int, value: float) -> str:
        return f"{EDGE + number * step:.1f},{HIGH - EDGE - (value - low) / (high - low) * (HIGH - 2 * EDGE):.1f}"

    def line(kind: str, style: str) -> str:
        places = " ".join(at(number, each[kind]) for number, each in enumerate(found["months"]))
        return f'<polyline points="{places}" fill="none" stroke-width="2.5" {style}/>'

    texts = [
        f'<text x="{EDGE + number * step:.1f}" y="{HIGH - 16}" text-anchor="middle">{each["month"][5:]}</text>'
        for number, each in enumerate(found["months"])
    ]
    for value in (low, high):
        x, y = at(0, value).split(",")
        texts.append(f'<text x="{float(x) - 8}" y="{y}" text-anchor="end">{value:.2f}</text>')
    label = "ROC AUC of each month of 2013: in the loop (solid) and left alone since March (dashed)"
    style = "text{font:12px sans-serif;fill:#777}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{label}">'
        f"<style>{style}</style>"
        f'<text x="{EDGE}" y="20">{label}</text>'
        + line("alone", 'stroke="#b26a00" stroke-dasharray="6 5"')
        + line("loop", 'stroke="#0a5ea8"')
        + "".join(texts)
        + "</svg>\n"
    )


def main() -> None:
    """Live both years."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--picture", type=Path, help="the file to draw into")
    chosen = options.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    found = measure()
    if chosen.picture:
        chosen.picture.write_text(picture(found), "utf-8")
    show(found, as_json=chosen.json)


if __name__ == "__main__":
    main()
