"""Minutes of load while versions are promoted and rolled back: no answer fails or mixes versions, and memory is flat.

An answer is whole if its header, its body and every value in it are of one version, bit for bit what that version's
model gives here. Memory is flat if the line through its samples, after the warm-up, rises by less than `GROWTH_MB`;
that is judged in runs of `JUDGED_FROM` minutes or more, since each thread's heap is there only after a while.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from core.adapters.store_local import LocalStore
from core.runtime import SystemClock
from core.usecases.promote import promote, roll_back
from tests.servers.process import free_port

from .model import MODEL, VERSIONS
from .servers import ROOT, environment, module
from .soak_questions import Question, questions

CLIENTS = 6
PATIENCE = 30.0
"""Seconds that an answer may take, and that the process may take to start or to stop."""
SWITCH_EVERY = 0.5
"""Seconds from one promotion, or rollback, to the next."""
ROUTE_TTL = "0.2"
SAMPLE_EVERY = 0.5
"""Seconds between two looks at the process's memory."""
WARM_UP = 0.5
"""Share of the run after which memory must be flat."""
JUDGED_FROM = 8.0
GROWTH_MB = 4.0
MIB = 1 << 20


@dataclass
class Tally:
    """What came back; `complaint` is the first thing that was wrong."""

    answers: int = 0
    rows: int = 0
    failed: int = 0
    mixed: int = 0
    complaint: str = ""
    by_version: Counter[str] = field(default_factory=Counter)


def soak(folder: Path, minutes: float) -> dict[str, Any]:
    """Load for that long with the models in `folder`: the figures, and `broken`, the promises that were not kept."""
    asked, over, before = questions(folder), threading.Event(), recorded(folder)
    with endpoint(folder) as (process, port), ThreadPoolExecutor(CLIENTS + 2) as pool:
        clients = [pool.submit(ask, port, asked[seed::CLIENTS], over) for seed in range(CLIENTS)]
        switching = pool.submit(switch, folder, over)
        memory = pool.submit(samples, process.pid, over)
        over.wait(minutes * 60)
        over.set()
        tally = total([each.result() for each in clients])
        switches, rss = switching.result(), memory.result()
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)
    found = {
        "minutes": minutes,
        "answers": tally.answers,
        "answers_per_second": round(tally.answers / minutes / 60),
        "rows": tally.rows,
        "recorded": recorded(folder) - before,
        "failed": tally.failed,
        "mixed": tally.mixed,
        "switches": switches,
        "by_version": dict(sorted(tally.by_version.items())),
        **flatness(rss),
        "exit_code": code,
    }
    return {**found, "broken": broken(found, tally.complaint)}


def broken(found: Mapping[str, Any], complaint: str) -> list[str]:
    """The promises that were not kept, each a sentence."""
    grew, judged = found["rss_growth_mb"], found["minutes"] >= JUDGED_FROM
    promises = {
        f"{found['failed']} answers failed: {complaint}": found["failed"] == 0,
        f"{found['mixed']} answers were not of one version: {complaint}": found["mixed"] == 0,
        "one version answered alone": len(found["by_version"]) == len(VERSIONS),
        f"{found['rows']} rows were answered and {found['recorded']} recorded": found["rows"] == found["recorded"],
        f"memory grew by {grew} MB, and {GROWTH_MB} are allowed": grew < GROWTH_MB or not judged,
        f"the process ended with {found['exit_code']}": found["exit_code"] in {0, -signal.SIGTERM},
    }
    return [sentence for sentence, kept in promises.items() if not kept]


@contextmanager
def endpoint(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Our endpoint in a process of its own and its port, once it is ready; answers are logged, buffered."""
    port = free_port()
    environ = {**os.environ, **environment(folder), "TIDEMILL_ROUTE_TTL": ROUTE_TTL}
    with (folder / "soak.log").open("wb") as log:
        process = subprocess.Popen(module("ours", str(port)), cwd=ROOT, env=environ, stderr=log)
        try:
            wait_until_ready(process, port)
            yield process, port
        finally:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Returns when a model is loaded."""
    pause = threading.Event()
    for _ in range(round(PATIENCE / 0.1)):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=PATIENCE).close()
        except OSError:
            pause.wait(0.1)
        else:
            return
    raise SystemExit("the endpoint did not start")


# what goes on ------------------------------------------------------------------------------------------------


def ask(port: int, asked: Sequence[Question], over: threading.Event) -> Tally:
    """Ask one question after the other on one kept connection; a new one only after a failure."""
    tally = Tally()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for question in takewhile(lambda _: not over.is_set(), cycle(asked)):
        try:
            connection.request("POST", question.path, question.body, dict(question.headers))
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            judge(tally, question, response.status, headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            fail(tally, repr(error))
            connection.close()
    connection.close()
    return tally


def judge(tally: Tally, question: Question, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Count an answer as what it is."""
    tally.answers += 1
    if status != 200:
        fail(tally, f"{status}: {body[:300]!r}")
        return
    tally.rows += question.rows
    said = headers["x-tidemill-model-version"]
    tally.by_version[said] += 1
    named, values = question.read(body, headers)
    if named not in {None, said} or values != question.expected[said]:
        tally.mixed += 1
        tally.complaint = tally.complaint or f"{question.path} said {said}, its body {named}: {body[:300]!r}"


def fail(tally: Tally, why: str) -> None:
    """Count a failure."""
    tally.failed += 1
    tally.complaint = tally.complaint or why


def switch(folder: Path, over: threading.Event) -> int:
    """Promote the second version and roll it back, by the registry's own use cases, until it is over; how often."""
    models, clock, how = LocalStore(folder / "models"), SystemClock(), {"evidence": {}, "code": "bench"}
    switches = 0
    while not over.wait(SWITCH_EVERY):
        switches += 1
        if switches % 2:
            promote(models, clock, MODEL, VERSIONS[1], decision=f"soak: forth {switches}", **how)
        else:
            roll_back(models, clock, MODEL, decision=f"soak: back {switches}", **how)
    return switches


def samples(process: int, over: threading.Event) -> list[float]:
    """Resident memory of the process in MiB, every half second."""
    watched, found = psutil.Process(process), []
    while not over.wait(SAMPLE_EVERY):
        found.append(watched.memory_info().rss / MIB)
    return found


# what it comes to --------------------------------------------------------------------------------------------


def total(tallies: Sequence[Tally]) -> Tally:
    """All clients' answers."""
    whole = Tally()
    for each in tallies:
        whole.answers, whole.rows = whole.answers + each.answers, whole.rows + each.rows
        whole.failed, whole.mixed = whole.failed + each.failed, whole.mixed + each.mixed
        whole.complaint = whole.complaint or each.complaint
        whole.by_version += each.by_version
    return whole


def flatness(rss: Sequence[float]) -> dict[str, float]:
    """How memory went from the end of the warm-up on: first and last of the line through the samples, and the most."""
    kept = np.array(rss[round(len(rss) * WARM_UP) :])
    at = np.arange(len(kept))
    slope, start = np.polyfit(at, kept, 1)
    first, last = start, start + slope * at[-1]
    return {
        "rss_first_mb": round(float(first), 1),
        "rss_last_mb": round(float(last), 1),
        "rss_most_mb": round(float(max(rss)), 1),
        "rss_growth_mb": round(float(last - first), 2),
        "rss_mb_per_minute": round(float(slope) * 60 / SAMPLE_EVERY, 3),
    }


def recorded(folder: Path) -> int:
    """Rows in the prediction log."""
    return sum(file.read_bytes().count(b"\n") for file in (folder / "predictions").rglob("*.jsonl"))
