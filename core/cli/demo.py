"""`tidemill demo`: the whole loop on real flights, told step by step while it runs."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import layout
from ..errors import Refused
from ..events.messages import ScheduleFired
from ..hosts.local.host import LocalHost
from ..hosts.local.jobs import QueuedJobs
from ..hosts.local.queue import Queue
from ..layout import Drop
from ..runtime import Runtime
from ..settings import ZONE, Settings, store_url
from ..usecases import browse
from ..usecases.journal import audit
from ..usecases.promote import current_route, promote, roll_back
from .command import Result, Session

ROOT = Path(__file__).parent.parent.parent
MODEL = "flights-delay"
FLIGHTS = ROOT / "examples" / "flights"
LEARN_FIRST, SCORE, LEARN_LATER = ("01", "02", "03"), "08", ("04", "05", "06", "07")
EVIDENCE = {"cause": "the demo"}


def run_demo(session: Session) -> Result:
    """Run the loop in a fresh store; raises Refused if the store that was named holds the model already."""
    settings = _settings(session.settings)
    queue = Queue(settings.host)
    try:
        return _Demo(session, settings, queue).run()
    finally:
        queue.close()


def _settings(given: Settings) -> Settings:
    """The bundled spec, and a store of its own unless one was named."""
    if given.store != store_url(f".tidemill/{ZONE}"):
        return replace(given, specs=ROOT / "models")
    folder = f".tidemill/demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    return Settings.from_env(given.environ, store=f"{folder}/{ZONE}", specs=ROOT / "models")


class _Demo:
    """The steps, each of which says what it found."""

    def __init__(self, session: Session, settings: Settings, queue: Queue) -> None:
        self.say = session.progress
        self.status = session.console.status
        self.runtime = Runtime(settings, jobs=QueuedJobs(queue))
        self.host = LocalHost(self.runtime, queue)
        self.started = time.monotonic()

    def run(self) -> Result:
        """All steps, in order."""
        if current_route(self.runtime.store("models"), MODEL) is not None:
            raise Refused(f"store {self.runtime.settings.store} holds {MODEL} already; name a fresh one.")
        logging.getLogger("tidemill").setLevel(logging.WARNING)
        self.say("Will a flight from New York arrive more than 15 minutes late? (2013, real flights and weather)\n")
        first = self.learn("1. Drop January to March; learn", LEARN_FIRST)
        answers = self.ask_over_http()
        batch = self.score_a_month()
        drift = self.look_for_drift()
        second = self.learn("5. Drop April to July; learn again", LEARN_LATER)
        self.compare(first, second)
        self.go_back_and_forth(second)
        return self.end([first, second], answers, batch, drift)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell what is being done, and how long it took."""
        began = time.monotonic()
        with self.status(title):
            yield
        self.say(f"   [{time.monotonic() - began:.1f} s]\n")

    def learn(self, title: str, months: Iterable[str]) -> str:
        """Drop months of rows and let the events do the rest; the version that serves then."""
        self.say(title)
        with self.step(title):
            for month in months:
                self.drop("rows", FLIGHTS / f"2013-{month}.csv.gz")
            self.drain()
            version = self.serving()
            self.tell_version(version)
        return version

    def tell_version(self, version: str) -> None:
        """What the newest version is worth and why it serves."""
        found = self.version(version)
        score = found["metrics"]["roc_auc"]
        parity = json.loads(self.read("models", layout.model_manifest(MODEL, version)))["parity"]
        self.say(f"   {len(found['datasets'])} datasets -> version {version} serves")
        self.say(f"   ROC AUC {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}] on its holdout")
        self.say(f"   ONNX answers as scikit-learn does on {parity['rows']:,} rows, {parity['label_mismatches']} labels off")

    def ask_over_http(self) -> list[Mapping[str, Any]]:
        """Ask the endpoint about two flights."""
        import httpx  # noqa: PLC0415 - slow to import, needed here alone

        from ..hosts.local.up import endpoint  # noqa: PLC0415

        title = "2. Serve it; ask over HTTP"
        self.say(title)
        with self.step(title), endpoint(self.runtime, "127.0.0.1", 0) as server:
            flights = list(_flights(SCORE, 2))
            answered = httpx.post(f"{server.url}/v1/models/{MODEL}:predict", json={"instances": flights}, timeout=30)
            answers: list[Mapping[str, Any]] = answered.raise_for_status().json()["predictions"]
            for flight, answer in zip(flights, answers, strict=True):
                route = f"{flight['carrier']} {flight['origin']}-{flight['dest']}"
                self.say(f"   {route}: late with probability {answer['probabilities']['true']:.2f}")
        return answers

    def score_a_month(self) -> dict[str, Any]:
        """Score August in batch."""
        title = "3. Drop August to be scored in batch"
        self.say(title)
        with self.step(title):
            key = self.drop("score", _without_target(FLIGHTS / f"2013-{SCORE}.csv.gz", self.runtime.settings.host))
            self.drain()
            success = next(info for info in self.runtime.store("predictions").list(f"{MODEL}/batch/") if _is_success(info))
            rows = json.loads(self.read("predictions", success.key))["rows"]
            self.say(f"   {rows:,} rows of landing/{key} scored")
        return {"rows": rows, "predictions": f"predictions/{success.key.rpartition('/')[0]}/"}

    def look_for_drift(self) -> dict[str, Any]:
        """Compare August with what the version learned from."""
        from functions.drift_check.handler import handle  # noqa: PLC0415

        title = "4. Check for drift: August against January to March"
        self.say(title)
        with self.step(title):
            reply = handle(ScheduleFired("drift_check", MODEL, self.runtime.clock.now()), self.runtime)
            report = json.loads(self.read("reports", str(reply["report"])))
            drifted = [feature for feature in report["features"] if feature["drifted"]]
            drifted.sort(key=lambda feature: -feature["effect"])
            names = [feature["name"] for feature in drifted]
            self.say(f"   {len(names)} of {len(report['features'])} features drifted, most of all {', '.join(names[:4])}")
        return {"drifted": report["drifted"], "features": names, "report": reply["report"]}

    def compare(self, first: str, second: str) -> None:
        """Show why the second version took over."""
        self.say("6. Compare the versions")
        entries = [json.loads(data) for data in _journal(self.runtime)]
        for entry in entries:
            if entry["kind"] in {"training started", "promoted"}:
                self.say(f"   journal {entry['number']}: {entry['kind']}: {_why(entry)}")
        found = browse.compare_versions(self.runtime.store("models"), MODEL, first, second)
        self.say(f"   ROC AUC, each on its own holdout: {found['difference']['roc_auc']:+.3f}\n")

    def go_back_and_forth(self, version: str) -> None:
        """Roll back, and promote again: one write each."""
        self.say("7. Roll back, and forward again")
        models, clock, code = self.runtime.store("models"), self.runtime.clock, self.runtime.code
        back = roll_back(models, clock, MODEL, decision="demo: roll back", evidence=EVIDENCE, code=code)
        self.say(f"   {back.champion} serves")
        forth = promote(models, clock, MODEL, version, decision="demo: forward", evidence=EVIDENCE, code=code)
        self.say(f"   {forth.champion} serves")
        journal = audit(models, MODEL)
        self.say(f"   the journal has {journal.entries} entries and {'is whole' if journal.intact else 'is BROKEN'}\n")

    def end(self, versions: list[str], answers: object, batch: dict[str, Any], drift: dict[str, Any]) -> Result:
        """Where to look."""
        serving = self.serving()
        report = self.address("reports", str(drift["report"]))
        seconds = round(time.monotonic() - self.started, 1)
        data = {
            "model": MODEL,
            "serving": serving,
            "versions": versions,
            "metrics": self.version(serving)["metrics"],
            "answers": answers,
            "batch": batch,
            "drift": {"drifted": drift["drifted"], "features": drift["features"]},
            "report": report,
            "store": self.runtime.settings.store,
            "seconds": seconds,
        }
        store = f"--store '{self.runtime.settings.store}'"
        shown = [
            f"Done in {seconds} s. Look at:",
            f"  the drift report   {report}",
            f"  the model card     {self.address('models', layout.model_file(MODEL, serving, 'card.md'))}",
            f"  the versions       tidemill models show {MODEL} {store}",
            f"  where it came from tidemill lineage {serving} {store}",
            f"  it all running     tidemill up {store}",
        ]
        return Result(data, "\n".join(shown))

    def drop(self, drop: Drop, file: Path) -> str:
        """Put a file into the landing zone; its key."""
        key = layout.landing(MODEL, drop, file.name)
        self.runtime.store("landing").put(key, file.read_bytes())
        return key

    def drain(self) -> None:
        """Let every event be handled; raises Refused if one failed."""
        tally = self.host.drain()
        if tally.failed:
            raise Refused(f"the demo's event {tally.failed[0]['event']} failed: {tally.failed[0]['error']}")

    def serving(self) -> str:
        """The version that serves."""
        route = current_route(self.runtime.store("models"), MODEL)
        if route is None:
            raise Refused("the demo's model did not pass its gates; `tidemill models show` tells more.")
        return route.champion

    def version(self, version: str) -> dict[str, Any]:
        """What is known of a version."""
        shown: list[dict[str, Any]] = browse.show_model(self.runtime.store("models"), MODEL)["versions"]
        return next(found for found in shown if found["version"] == version)

    def read(self, zone: layout.Zone, key: str) -> bytes:
        """An object's bytes."""
        return self.runtime.store(zone).get(key).data

    def address(self, zone: layout.Zone, key: str) -> str:
        """Where an object is, for a person."""
        return f"{self.runtime.settings.store.replace(ZONE, zone)}/{key}"


def _is_success(info: Any) -> bool:  # noqa: ANN401
    return str(info.key).endswith("/_SUCCESS")
