"""`tidemill demo`: the whole loop on real flights, told step by step while it runs."""

from __future__ import annotations

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
from ..domain.batch import Success
from ..domain.model import CARD, ModelManifest
from ..errors import Refused
from ..events.messages import ScheduleFired
from ..hosts.local.host import LocalHost
from ..hosts.local.jobs import QueuedJobs
from ..hosts.local.queue import Queue
from ..layout import Drop, Zone
from ..runtime import Runtime
from ..settings import ZONE, Settings, store_url
from ..usecases import browse
from ..usecases.audit import audit_model
from ..usecases.journal import entries
from ..usecases.promote import current_route, promote, roll_back
from .command import Result, Session
from .demo_flights import month_file, outcomes, questions, without_outcome

MODEL = "flights-delay"
SPECS = Path(__file__).parent.parent.parent / "models"
FIRST_MONTHS, SCORED_MONTH, LATER_MONTHS = ("01", "02", "03"), "08", ("04", "05", "06", "07")
EVIDENCE = {"cause": "the demo"}
TOLD = ("training started", "promoted", "kept")


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
        return replace(given, specs=SPECS)
    folder = f".tidemill/demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    return Settings.from_env(given.environ, store=f"{folder}/{ZONE}", specs=SPECS)


class _Demo:
    """The steps, each of which says what it found."""

    def __init__(self, session: Session, settings: Settings, queue: Queue) -> None:
        self.session = session
        self.say = session.progress
        self.runtime = Runtime(settings, jobs=QueuedJobs(queue))
        self.host = LocalHost(self.runtime, queue)
        self.schema = self.runtime.spec(MODEL).columns

    def run(self) -> Result:
        """All steps, in order."""
        began = time.monotonic()
        if current_route(self.runtime.store("models"), MODEL) is not None:
            raise Refused(f"store {self.runtime.settings.store} holds {MODEL} already; name a fresh one.")
        logging.getLogger().setLevel(logging.WARNING)
        self.say("Will a flight from New York arrive more than 15 minutes late? Real flights and weather of 2013.\n")
        first = self.learn("1. Drop January to March: ingest, validate, train, gate, serve", FIRST_MONTHS)
        self.ask_over_http()
        batch = self.score_a_month()
        report = self.look_for_drift()
        second = self.learn("5. Drop April to July: the drift and the new rows call for training", LATER_MONTHS)
        self.compare(first, second)
        self.go_back_and_forth(second)
        found = self.found([first, second], batch, report, round(time.monotonic() - began, 1))
        return Result(found, self.where_to_look(found))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell what is being done, and how long it took."""
        self.say(title)
        began = time.monotonic()
        with self.session.console.status("working"):
            yield
        self.say(f"   {time.monotonic() - began:.1f} s\n")

    def learn(self, title: str, months: Iterable[str]) -> str:
        """Drop months of rows and let the events do the rest; the version that serves then."""
        with self.step(title):
            for month in months:
                self.drop("rows", month_file(month).name, month_file(month).read_bytes())
            self.drain()
            version = self.serving()
            shown = self.version(version)
            auc, parity = shown["metrics"]["roc_auc"], self.manifest(version).parity
            self.say(f"   version {version} serves, learned from {len(shown['datasets'])} datasets")
            self.say(f"   ROC AUC {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}] on its holdout")
            self.say(f"   ONNX against scikit-learn: {parity['label_mismatches']} of {parity['rows']:,} labels differ")
        return version

    def ask_over_http(self) -> None:
        """Ask the endpoint about two flights."""
        import httpx  # noqa: PLC0415 - slow to import, and needed here alone

        from ..hosts.local.up import endpoint  # noqa: PLC0415 - a server's imports are slow

        with self.step("2. Ask over HTTP"), endpoint(self.runtime, "127.0.0.1", 0) as server:
            flights = questions(SCORED_MONTH, 2, self.schema)
            answered = httpx.post(f"{server.url}/v1/models/{MODEL}:predict", json={"instances": flights}, timeout=30)
            for flight, answer in zip(flights, answered.raise_for_status().json()["predictions"], strict=True):
                flown = f"{flight['carrier']} {flight['origin']}-{flight['dest']}"
                self.say(f"   {flown}: late with probability {answer['probabilities']['true']:.2f}")

    def score_a_month(self) -> dict[str, Any]:
        """Score August in batch; what really happened comes later, as labels."""
        with self.step("3. Drop August to be scored in batch, then what really happened"):
            self.drop("score", f"2013-{SCORED_MONTH}.csv", without_outcome(SCORED_MONTH, self.schema))
            self.drop("labels", f"2013-{SCORED_MONTH}.csv", outcomes(SCORED_MONTH, self.schema))
            self.drain()
            key = next(key for key in self.keys("predictions", layout.batches(MODEL)) if layout.is_batch_success(key))
            run = Success.decode(self.read("predictions", key))
            self.say(f"   {run.rows:,} flights scored by {run.version}")
        return {"rows": run.rows, "predictions": self.address("predictions", layout.batch(MODEL, run.run))}

    def look_for_drift(self) -> dict[str, Any]:
        """Compare August with what the version learned from."""
        from functions.drift_check.handler import handle  # noqa: PLC0415

        with self.step("4. Check for drift: August against January to March"):
            reply = handle(ScheduleFired("drift_check", MODEL, self.runtime.clock.now()), self.runtime)
            report: dict[str, Any] = json.loads(self.read("reports", str(reply["report"])))
            drifted = sorted(_drifted(report), key=lambda feature: -feature["effect"])
            names = [feature["name"] for feature in drifted]
            self.say(f"   {len(names)} of {len(report['features'])} features drifted: {', '.join(names[:5])}, …")
            current = report["performance"]["current"]
            if current:
                self.say(f"   ROC AUC in August {current['value']:.3f} [{current['low']:.3f}, {current['high']:.3f}]")
        return {**report, "names": names, "key": reply["report"]}

    def compare(self, first: str, second: str) -> None:
        """Tell what the journal says of who serves and why."""
        with self.step(f"6. The journal tells why {second} took over from {first}"):
            for data in entries(self.runtime.store("models"), MODEL):
                entry = json.loads(data)
                if entry["kind"] in TOLD:
                    self.say(f"   {entry['number']}. {entry['kind']}: {_why(entry['evidence'])}")

    def go_back_and_forth(self, version: str) -> None:
        """Roll back, and promote again: one write each."""
        models, clock, code = self.runtime.store("models"), self.runtime.clock, self.runtime.code
        with self.step("7. Roll back, and forward again"):
            back = roll_back(models, clock, MODEL, decision="demo: back", evidence=EVIDENCE, code=code)
            self.say(f"   {back.champion} serves")
            forth = promote(models, clock, MODEL, version, decision="demo: forward", evidence=EVIDENCE, code=code)
            self.say(f"   {forth.champion} serves")
            journal = audit_model(models, MODEL)
            self.say(f"   the journal's {journal.entries} entries are {'whole' if journal.intact else 'BROKEN'}")
            self.drain()

    def found(
        self, versions: list[str], batch: Mapping[str, Any], report: Mapping[str, Any], seconds: float
    ) -> dict[str, Any]:
        """The result, for machines."""
        serving = self.serving()
        return {
            "model": MODEL,
            "serving": serving,
            "versions": versions,
            "metrics": self.version(serving)["metrics"],
            "batch": dict(batch),
            "drift": {"drifted": report["drifted"], "features": report["names"]},
            "report": self.address("reports", layout.site_page(MODEL)),
            "store": self.runtime.settings.store,
            "seconds": seconds,
        }

    def where_to_look(self, found: Mapping[str, Any]) -> str:
        """The result, for a person."""
        store = f"--store '{found['store']}'"
        card = self.address("models", layout.model_file(MODEL, found["serving"], CARD))
        lines = [
            f"Done in {found['seconds']} s. Look at",
            f"  the report pages  {found['report']}",
            f"  the model card    {card}",
            f"  the predictions   {found['batch']['predictions']}",
            "and try",
            f"  tidemill models show {MODEL} {store}",
            f"  tidemill lineage {found['serving']} {store}",
            f"  tidemill up {store}",
            f"  tidemill edge export {MODEL} --output release {store}",
        ]
        return "\n".join(lines)

    def drop(self, drop: Drop, name: str, data: bytes) -> None:
        """Put a file into the landing zone."""
        self.runtime.store("landing").put(layout.landing(MODEL, drop, name), data)

    def drain(self) -> None:
        """Let every event be handled; raises Refused if one failed."""
        for failure in self.host.drain().failed:
            raise Refused(f"the demo's event {failure['event']} failed: {failure['error']}")

    def serving(self) -> str:
        """The version that serves; raises Refused if none does."""
        route = current_route(self.runtime.store("models"), MODEL)
        if route is None:
            raise Refused("the demo's model did not pass its gates; `tidemill models show` tells more.")
        return route.champion

    def version(self, version: str) -> dict[str, Any]:
        """What is known of a version."""
        shown: list[dict[str, Any]] = browse.show_model(self.runtime.store("models"), MODEL)["versions"]
        return next(found for found in shown if found["version"] == version)

    def manifest(self, version: str) -> ModelManifest:
        """The manifest of a version."""
        return ModelManifest.decode(self.read("models", layout.model_manifest(MODEL, version)))

    def read(self, zone: Zone, key: str) -> bytes:
        """An object's bytes."""
        return self.runtime.store(zone).get(key).data

    def keys(self, zone: Zone, prefix: str) -> Iterator[str]:
        """Keys of objects."""
        return (info.key for info in self.runtime.store(zone).list(prefix))

    def address(self, zone: Zone, key: str) -> str:
        """Where an object is, for a person."""
        return f"{self.runtime.settings.store.replace(ZONE, zone)}/{key}"


def _drifted(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (feature for feature in report["features"] if feature["drifted"])


def _why(evidence: Mapping[str, Any]) -> str:
    """The reason of a training; of a promotion, how the candidate compared with the champion on the same rows."""
    told: str | None = evidence.get("reason")
    regression = (gate["detail"] for gate in evidence.get("gates", ()) if gate["gate"] == "regression")
    return told or next(regression, "by hand")
