"""`tidemill up` as a person runs it: files are copied in, the endpoint answers, and `kill -9` does no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.functions.loop import FEATURES, MODEL, SPEC, birds, csv_of

pytestmark = pytest.mark.slow

COLUMNS = ("bird", *FEATURES, "species", "observer", "ringed")
PATIENCE = 90.0


@pytest.fixture
def home(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f"{MODEL}.yaml").write_text(SPEC)
    return tmp_path


@contextmanager
def up(home: Path):
    """A running `tidemill up` in a group of its own; killed with its jobs, hard, if it still runs at the end."""
    command = [sys.executable, "-m", "core.cli", "up", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (
        (home / "up.log").open("ab") as log,
        subprocess.Popen(command, cwd=home, stderr=log, stdout=log, start_new_session=True, env=environment) as process,
    ):
        try:
            yield process
        finally:
            with_jobs(process.pid, signal.SIGKILL)


def with_jobs(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def wait_for(what, process: subprocess.Popen[bytes], home: Path):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, (home / "up.log").read_text()
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError((home / "up.log").read_text())


def address(home: Path):
    """Where the newest run answers."""
    lines = (home / "up.log").read_text().splitlines()
    return lambda: next((line.split()[1] for line in reversed(lines_of(home, len(lines))) if "Endpoint" in line), None)


def lines_of(home: Path, after: int) -> list[str]:
    return (home / "up.log").read_text().splitlines()[after:]


def copy_in(home: Path) -> None:
    """As `cp` does: the file is there before it is whole."""
    files = {
        "rows/first.csv": csv_of(birds()[:140], COLUMNS),
        "rows/second.csv": csv_of(birds()[140:240], COLUMNS),
        "score/later.csv": csv_of(birds()[240:], ("bird", *FEATURES)),
    }
    for name, data in files.items():
        path = home / ".tidemill" / "landing" / MODEL / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write(data[: len(data) // 2])
            stream.flush()
            time.sleep(0.3)
            stream.write(data[len(data) // 2 :])


def outcome(home: Path) -> dict[str, object]:
    """What came of it, whatever the store calls the versions of its objects."""
    root = home / ".tidemill"
    manifests = [json.loads(path.read_text()) for path in sorted((root / "datasets" / MODEL).glob("*/manifest.json"))]
    runs = [json.loads(path.read_text()) for path in (root / "predictions" / MODEL / "batch").glob("*/_SUCCESS")]
    return {
        "datasets": [(manifest["version"], manifest["rows"], manifest["parts"]) for manifest in manifests],
        "versions": sorted(path.name for path in (root / "models" / MODEL / "versions").iterdir()),
        "champion": json.loads((root / "models" / MODEL / "route.json").read_text())["champion"],
        "scored": [(run["version"], run["rows"]) for run in runs],
    }


def is_done(home: Path) -> bool:
    return bool(list((home / ".tidemill" / "predictions").glob(f"{MODEL}/batch/*/_SUCCESS")))


def test_copied_files_are_learned_from_scored_and_served(home):
    with up(home) as process:
        url = wait_for(address(home), process, home)
        copy_in(home)
        wait_for(lambda: is_done(home), process, home)
        question = {"instances": [{"island": "Dream", "bill_length_mm": 39.5}]}
        answer = httpx.post(f"{url}/v1/models/{MODEL}:predict", json=question, timeout=10).json()
        assert answer["predictions"][0]["label"] in {"Adelie", "Chinstrap", "Gentoo"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    found = outcome(home)
    assert sorted(rows for _, rows, _ in found["datasets"]) == [100, 140]
    assert found["scored"] == [(found["champion"], 104)]
    (log,) = (home / ".tidemill" / "predictions" / MODEL / "realtime").glob("*/*.jsonl")
    assert json.loads(log.read_text())["prediction_id"] == answer["prediction_ids"][0]


def test_killed_again_and_again_it_ends_as_if_nothing_had_happened(home, tmp_path_factory):
    calm = tmp_path_factory.mktemp("calm")
    (calm / "models").symlink_to(home / "models")
    copy_in(calm)
    drained = subprocess.run(
        [sys.executable, "-m", "core.cli", "drain", "--json"],
        cwd=calm,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert json.loads(drained.stdout.splitlines()[-1])["failed"] == []
    copy_in(home)
    for seconds in (0.8, 1.6, 2.4, 3.2, 4.0, 5.0):
        with up(home) as process:
            time.sleep(seconds)
            assert process.poll() is None, (home / "up.log").read_text()
    with up(home) as process:
        wait_for(lambda: is_done(home), process, home)
    assert outcome(home) == outcome(calm)
