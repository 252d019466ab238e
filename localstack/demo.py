"""The loop of `tidemill demo` on the local cloud: files are dropped with S3, and all else happens by itself."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from core.cli.demo_flights import month_file, outcomes, questions, without_outcome
from core.specfile import read_spec

from .cloud import ACCOUNT, REGION, ROOT, STAGE, Cloud, ask
from .watch import clock_strikes_often, content, drop, keys, until

MODEL = "flights-delay"
FIRST, SCORED, LATER = ("01", "02", "03"), "08", ("04", "05", "06", "07")
STORE = f"s3://tidemill-{STAGE}-{ACCOUNT}-{REGION}-{{zone}}"
TOLD = ("training started", "promoted", "kept", "rolled back")


class Demo:
    """One run of the loop."""

    def __init__(self, cloud: Cloud, console: Console) -> None:
        self._cloud = cloud
        self._console = console
        self._columns = read_spec(ROOT / "models" / f"{MODEL}.yaml").columns

    def run(self) -> dict[str, Any]:
        """All steps, in order; what came of them."""
        began = time.monotonic()
        first = self._learn("1. January to March are dropped: ingest, validate, train, gate, serve", FIRST)
        self._ask("2. Two flights are asked about over HTTP")
        rows = self._score("3. August is dropped to be scored, then what really happened")
        drifted = self._wait_for_the_clock("4. The clock strikes and August is compared with January to March")
        second = self._learn("5. April to July are dropped: the drift calls for training", LATER, after=first)
        self._roll_back("6. Back to the version before, with one write", first)
        self._tell_the_journal("7. The journal tells why")
        return {
            "versions": [first, second],
            "serving": self._serving(),
            "scored": rows,
            "drifted": drifted,
            "seconds": round(time.monotonic() - began, 1),
        }

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._console.print(title)
        began = time.monotonic()
        with self._console.status("the functions are at work"):
            yield
        self._console.print(f"   {time.monotonic() - began:.1f} s\n", style="dim")

    def _learn(self, title: str, months: Iterable[str], after: str | None = None) -> str:
        with self._step(title):
            rows = _together(months)
            drop(self._cloud, {f"{MODEL}/rows/2013-{'-'.join(months)}.csv": rows})
            version = until(lambda: self._serving_other_than(after))
            card = content(self._cloud, "models", f"{MODEL}/versions/{version}/metrics.json")
            auc = card["metrics"]["roc_auc"]["value"]
            self._console.print(f"   version {version} serves, ROC AUC {auc:.3f} on its holdout")
        return version

    def _ask(self, title: str) -> None:
        with self._step(title):
            flights = questions(SCORED, 2, self._columns)
            for flight, answer in zip(flights, ask(self._cloud, MODEL, flights)["predictions"], strict=True):
                late = answer["probabilities"]["true"]
                self._console.print(
                    f"   {flight['carrier']} {flight['origin']}-{flight['dest']}: late with probability {late:.2f}"
                )

    def _score(self, title: str) -> int:
        with self._step(title):
            name = f"2013-{SCORED}.csv"
            drop(self._cloud, {f"{MODEL}/score/{name}": without_outcome(SCORED, self._columns)})
            drop(self._cloud, {f"{MODEL}/labels/{name}": outcomes(SCORED, self._columns)})
            (success,) = until(lambda: self._keys("predictions", "batch/", "/_SUCCESS"))
            rows: int = content(self._cloud, "predictions", success)["rows"]
            self._console.print(f"   {rows:,} flights scored")
        return rows

    def _wait_for_the_clock(self, title: str) -> list[str]:
        with self._step(title), clock_strikes_often(self._cloud, "drift_check"):
            (report,) = until(lambda: self._keys("reports", "drift/", ".json"))
            features = content(self._cloud, "reports", report)["features"]
            names = [feature["name"] for feature in features if feature["drifted"]]
            self._console.print(f"   {len(names)} of {len(features)} features drifted: {', '.join(names[:5])}, …")
        return names

    def _roll_back(self, title: str, version: str) -> None:
        with self._step(title):
            command = [sys.executable, "-m", "core.cli", "models", "rollback", MODEL, "--store", STORE]
            environ = {**os.environ, **self._cloud.environ}
            subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
            until(lambda: self._serving() == version)
            self._console.print(f"   {version} serves")

    def _tell_the_journal(self, title: str) -> None:
        with self._step(title):
            for key in self._keys("models", "journal/", ".json"):
                entry = content(self._cloud, "models", key)
                if entry["kind"] in TOLD:
                    told = " because of ".join([entry["kind"], *filter(None, [entry["evidence"].get("reason")])])
                    self._console.print(f"   {entry['number']}. {told}", soft_wrap=True)

    def _keys(self, zone: str, prefix: str, ending: str) -> list[str]:
        return [key for key in keys(self._cloud, zone, f"{MODEL}/{prefix}") if key.endswith(ending)]

    def _serving(self) -> str:
        if f"{MODEL}/route.json" not in keys(self._cloud, "models", f"{MODEL}/route.json"):
            return ""
        champion: str = content(self._cloud, "models", f"{MODEL}/route.json")["champion"]
        return champion

    def _serving_other_than(self, version: str | None) -> str:
        serving = self._serving()
        return "" if serving == version else serving


def _together(months: Iterable[str]) -> bytes:
    """Several months as one file, so that one training learns from all of them."""
    files = [gzip.decompress(month_file(month).read_bytes()).splitlines(keepends=True) for month in months]
    return b"".join([files[0][0], *(row for file in files for row in file[1:])])
