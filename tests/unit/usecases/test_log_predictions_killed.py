"""What `kill -9` during load loses of the prediction log: what the log's own table says, and no more."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.adapters.store_local import LocalStore
from core.domain.prediction import place_of
from core.errors import NotFound
from tests import penguins
from tests.penguins import MODEL, ROW
from tests.servers.process import free_port

ROOT = Path(__file__).parents[3]
MAX_AGE, TICK = 5.0, 1.0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["sync", "buffered"])
def test_a_killed_process_loses_what_is_documented(mode: str, tmp_path: Path) -> None:
    answered = _answered_until_killed(mode, tmp_path, seconds=3.0 if mode == "sync" else 9.0)
    killed = max(at for at, _ in answered)
    predictions = LocalStore(tmp_path / "predictions")
    lost = [killed - at for at, prediction_id in answered if not _is_recorded(predictions, prediction_id)]
    assert len(answered) > 50
    if mode == "sync":
        assert lost == []
    else:
        assert len(lost) < len(answered), "pages that were due are written"
        assert max(lost) < MAX_AGE + 2 * TICK + 1


def _answered_until_killed(mode: str, folder: Path, seconds: float) -> list[tuple[float, str]]:
    """(time, prediction id) of every answer that four clients got."""
    models = LocalStore(folder / "models")
    penguins.classifier().store(models)
    penguins.route(models, penguins.classifier())
    port, script = free_port(), "from tests.bench.realtime_parts.ours import serve; import sys; serve(int(sys.argv[1]))"
    environ = {"TIDEMILL_STORE": f"file://{folder}/{{zone}}", "TIDEMILL_SERVE": MODEL, "TIDEMILL_ACCESS": "none"}
    environ["TIDEMILL_PREDICTION_LOG"] = mode
    command = [sys.executable, "-c", script, str(port)]
    found: list[tuple[float, str]] = []
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}) as server, ThreadPoolExecutor(4) as pool:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        for _ in range(4):
            pool.submit(_ask_until_gone, url, found)
        threading.Event().wait(seconds)
        server.kill()
    return found


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/ping").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server never answered")


def _ask_until_gone(url: str, found: list[tuple[float, str]]) -> None:
    with httpx.Client(base_url=url) as client:
        while True:
            try:
                answer: Any = client.post(f"/v1/models/{MODEL}:predict", json={"instances": [ROW]})
            except httpx.TransportError:
                return
            found += [(time.monotonic(), each) for each in answer.json()["prediction_ids"]]


def _is_recorded(predictions: LocalStore, prediction_id: str) -> bool:
    place = place_of(prediction_id)
    try:
        lines = predictions.get(place.key).data.splitlines()
    except NotFound:
        return False
    return bool(json.loads(lines[place.row])["prediction_id"] == prediction_id)
