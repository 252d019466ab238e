"""One scenario for every cloud: files dropped by the store's own client become predictions over HTTP.

What is learned and answered must be the same everywhere, to the last bit: `Story.told` is compared between the clouds.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.ports import ObjectStore
from tests.functions.loop import FEATURES, MODEL, SPEC, birds, csv_of

T = TypeVar("T")

PATIENCE = 120.0
ROWS = ("bird", *FEATURES, "species", "observer")
Drop = Callable[[str, bytes], object]
"""Writes an object of the landing zone as a user of that cloud would, with nothing of ours."""


@dataclass(frozen=True, slots=True)
class Told:
    """What must not depend on where it happened."""

    datasets: list[str]
    version: str
    model: bytes
    predictions: list[Any]
    scored: int


def write_spec(folder: Path) -> Path:
    """The folder of the specs."""
    specs = folder / "models"
    specs.mkdir(parents=True, exist_ok=True)
    (specs / f"{MODEL}.yaml").write_text(SPEC)
    return specs


def play(drop: Drop, stores: Mapping[str, ObjectStore], endpoint: str) -> Told:
    """Drop rows with a name that is hard to spell; wait until a version serves; ask it; score a file in batch."""
    drop(f"{MODEL}/rows/May 2013 (1)/café+crème%.csv", csv_of(birds()[:140], ROWS))
    drop(f"{MODEL}/rows/second.csv", csv_of(birds()[140:240], ROWS))
    route = until(lambda: _object(stores["models"], f"{MODEL}/route.json"), "a version serves")
    version = json.loads(route)["champion"]
    drop(f"{MODEL}/score/later.csv", csv_of(birds()[240:], ("bird", *FEATURES)))
    success = until(lambda: _first(stores["predictions"], f"{MODEL}/batch/", "/_SUCCESS"), "the file is scored")
    answer = until(lambda: _ask(endpoint), "the endpoint answers")
    model = stores["models"].get(f"{MODEL}/versions/{version}/model.onnx").data
    datasets = sorted({info.key.split("/")[1] for info in stores["datasets"].list(f"{MODEL}/")} - {"receipts"})
    return Told(datasets, version, model, answer["predictions"], json.loads(success)["rows"])


def until(found: Callable[[], T | None], what: str) -> T:
    """What `found` returns, once that is something."""
    deadline = time.monotonic() + PATIENCE
    while (value := found()) is None:
        assert time.monotonic() < deadline, f"it did not happen in {PATIENCE:.0f} s that {what}"
        time.sleep(0.2)
    return value


def _object(store: ObjectStore, key: str) -> bytes | None:
    return next((store.get(info.key).data for info in store.list(key) if info.key == key), None)


def _first(store: ObjectStore, prefix: str, suffix: str) -> bytes | None:
    return next((store.get(info.key).data for info in store.list(prefix) if info.key.endswith(suffix)), None)


def _ask(endpoint: str) -> Any:
    rows = [_typed(bird) for bird in birds()[240:260]]
    body = json.dumps({"instances": rows}).encode()
    request = urllib.request.Request(
        f"{endpoint}/v1/models/{MODEL}:predict", body, {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.code in {404, 503}, error.read()
        return None


def _typed(bird: Mapping[str, str]) -> dict[str, Any]:
    def value(name: str) -> Any:
        text = bird[name]
        return None if text == "" else float(text) if name.endswith("_mm") else text

    return {name: value(name) for name in FEATURES}
