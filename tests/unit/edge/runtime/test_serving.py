from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, NotFound, Transient
from core.inference.http import Request, Response
from edge.agent.slots import folder
from edge.runtime.model import Model
from edge.runtime.serving import Serving
from edge.telemetry.ring import FOLDER, sealed
from tests import penguins
from tests.unit.edge.telemetry.rings import content, records

from .devices import Bench, profile_of, release

ROOT = Path(__file__).parents[4]
PREDICT = f"/v1/models/{penguins.MODEL}:predict"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def opened(bench: Bench, **options: Any) -> Serving:
    serving = Serving(bench.root, bench.device, **options)
    serving.start()
    return serving


def ask(serving: Serving, row: Any = penguins.ROW) -> Response:
    body = json.dumps({"instances": [row]}).encode()
    return serving.handle(Request("POST", PREDICT, "", {"content-type": "application/json"}, body))


def label(answer: Response) -> dict[str, float]:
    probabilities: dict[str, float] = json.loads(answer.body)["predictions"][0]["probabilities"]
    return probabilities


def test_without_a_release_it_lives_and_is_not_ready(bench: Bench) -> None:
    serving = opened(bench)
    assert serving.release is None
    assert serving.health() is None
    live = serving.handle(Request("GET", "/v2/health/live"))
    assert (live.status, live.body) == (200, b'{"live":true}')
    for method, path in (("GET", "/v2/health/ready"), ("POST", PREDICT)):
        answer = serving.handle(Request(method, path))
        assert (answer.status, answer.headers["content-length"]) == (503, str(len(answer.body)))
    first = bench.install(penguins.classifier(1))
    serving.tick()
    assert serving.release == first
    assert ask(serving).status == 200
    serving.close()


def test_a_swap_is_followed_without_a_failed_answer(bench: Bench) -> None:
    bench.install(penguins.classifier(1))
    serving = opened(bench)
    stop, statuses, versions = threading.Event(), set(), []

    def load() -> None:
        while not stop.is_set():
            answer = ask(serving)
            statuses.add(answer.status)
            versions.append(answer.headers["x-tidemill-model-version"])

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in (2, 1, 2):
        name = bench.install(penguins.classifier(number))
        serving.tick()
        assert serving.release == name
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    serving.tick()
    serving.close()
    assert statuses == {200}
    assert set(versions) == {f"{1:016x}", f"{2:016x}"}
    assert len(records(bench.root / FOLDER)) == len(versions)


def test_another_variant_of_the_same_version_is_loaded_anew(bench: Bench) -> None:
    bench.install(penguins.classifier(1))
    serving = opened(bench)
    before = label(ask(serving))
    second = penguins.classifier(2)
    same = penguins.Version(penguins.classifier(1).manifest, second.files)
    bench.install(same)
    serving.tick()
    after = ask(serving)
    assert after.headers["x-tidemill-model-version"] == f"{1:016x}"
    assert label(after) != before
    serving.close()


@pytest.mark.parametrize("broken", ["model.onnx", "model.json", "golden.json", "manifest.json"])
def test_a_release_that_cannot_be_loaded_is_told_of_and_the_one_before_goes_on(bench: Bench, broken: str) -> None:
    first = bench.install(penguins.classifier(1))
    serving = opened(bench)
    files = release(penguins.classifier(2), 2, profile_of(1))
    files[broken] = files[broken][:-9] + b"x" + files[broken][-8:]
    bench.sequence = 2
    bench.place(files, "0000000002-0123456789ab")
    serving.tick()
    assert serving.release == first
    assert list(serving.failed) == ["0000000002-0123456789ab"]
    assert ask(serving).status == 200
    third = bench.install(penguins.classifier(2))
    serving.tick()
    assert serving.release == third
    serving.close()


def test_a_release_that_answers_otherwise_than_it_was_made_to_is_not_served(bench: Bench) -> None:
    wrong = penguins.Version(
        penguins.classifier(1).manifest,
        {
            "model.onnx": penguins.classifier(2).files["model.onnx"],
            "golden.json": penguins.classifier(1).files["golden.json"],
        },
    )
    name = bench.install(wrong)
    serving = opened(bench)
    assert serving.release is None
    assert "golden" in serving.failed[name]


def test_a_state_that_is_gone_or_damaged_changes_nothing(bench: Bench) -> None:
    first = bench.install(penguins.classifier(1))
    serving = opened(bench)
    bench.state.write_bytes(b'{"format":1}')
    serving.tick()
    bench.state.unlink()
    serving.tick()
    assert serving.release == first
    assert ask(serving).status == 200
    serving.close()


def test_health_counts_what_the_device_failed_to_answer_and_not_what_callers_did_wrong(bench: Bench) -> None:
    name = bench.install(penguins.classifier(1))
    serving = opened(bench)
    assert ask(serving).status == 200
    assert ask(serving, {"island": "Nowhere"}).status == 400
    assert serving.handle(Request("GET", "/v2")).status == 200
    current = serving._current
    assert current is not None
    object.__setattr__(current._served.loaded.predictor, "_run", broken)
    assert ask(serving).status == 500
    health = serving.health()
    assert health is not None
    assert (health.release, health.requests, health.errors, health.dropped) == (name, 2, 1, 0)
    assert health.p50_ms is not None
    assert health.p50_ms > 0
    serving.close()


def broken(*_given: object) -> None:
    raise RuntimeError("the value 39.5 is odd")


def test_drift_of_this_device_is_told_in_health_and_in_the_segment(bench: Bench) -> None:
    bench.install(penguins.classifier(1))
    serving = opened(bench, facts=lambda: {"trial": None, "events": [1]})
    body = json.dumps({"instances": [{**penguins.ROW, "bill_length": 90.0, "sex": "unheard"}] * 40}).encode()
    for _ in range(20):
        serving.handle(Request("POST", PREDICT, "", {"content-type": "application/json"}, body))
        serving.tick()
    health = serving.health()
    assert health is not None
    assert {"bill_length", "sex"} <= set(health.drifted)
    assert set(health.output_drift) >= {"label"}
    serving.close()
    heading, lines = content(sealed(bench.root / FOLDER)[-1])
    assert len(lines) == 800
    told = heading.health
    assert told is not None
    assert "bill_length" in told["drifted"]
    assert "sex" not in told["drift"]  # what may not leave is not told of either
    assert told["events"] == [1]


def test_rows_that_the_model_learned_from_do_not_drift(bench: Bench) -> None:
    bench.install(penguins.classifier(1))
    serving = opened(bench)
    body = json.dumps({"instances": penguins.rows(40)}).encode()
    for _ in range(20):
        serving.handle(Request("POST", PREDICT, "", {"content-type": "application/json"}, body))
        serving.tick()
    health = serving.health()
    assert health is not None
    assert health.drifted == ()
    serving.close()


def test_in_process_the_answers_are_those_of_the_endpoint(bench: Bench) -> None:
    name = bench.install(penguins.classifier(1))
    rows = penguins.rows(6)
    serving = opened(bench)
    body = json.dumps({"instances": rows}).encode()
    over_http = json.loads(serving.handle(Request("POST", PREDICT, "", {}, body)).body)["predictions"]
    serving.close()
    with Model.open(bench.root) as model:
        assert model.release == name
        assert model.predict(rows) == over_http
        with pytest.raises(BadInput, match="bill_length"):
            model.predict([{**penguins.ROW, "bill_length": "long"}])
        second = bench.install(penguins.classifier(2))
        model._ticked -= 2
        assert model.predict(rows) != over_http
        assert model.release == second
    with pytest.raises(Transient, match="closed"):
        model.predict(rows)
    assert len(records(bench.root / FOLDER)) == 18


def test_a_model_needs_a_device_and_a_release(tmp_path: Path, bench: Bench) -> None:
    with pytest.raises(NotFound, match=r"device\.toml"):
        Model.open(tmp_path / "nowhere")
    with pytest.raises(Transient, match="no release answers"):
        Model.open(bench.root)


def test_bits_that_flip_in_a_slot_are_noticed(bench: Bench) -> None:
    name = bench.install(penguins.classifier(1))
    path = folder(bench.root, "a") / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    serving = opened(bench)
    assert serving.release is None
    assert "hash" in serving.failed[name]


KILLED = """
import os, sys, time
from pathlib import Path
from edge.runtime.model import Model
from tests import penguins
model = Model.open(Path(sys.argv[1]))
for n in range(10_000):
    model.predict([penguins.ROW])
    os.write(1, b"%d\\n" % n)
"""


@pytest.mark.parametrize("mode", ["sync", "buffered"])
def test_a_kill_under_load_loses_what_the_mode_says(tmp_path: Path, mode: str) -> None:
    bench = Bench(tmp_path, log_mode=mode, log_max_age=0.5)
    bench.install(penguins.classifier(1))
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.5)
        os.kill(process.pid, signal.SIGKILL)
        answered = 1 + len(process.stdout.read().splitlines())
    Model.open(tmp_path).close()
    found = len(records(tmp_path / FOLDER))
    assert found > 0
    if mode == "sync":
        assert answered <= found <= answered + 1
    else:
        assert found <= answered + 1
