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

from core.inference.http import Request
from core.layout import Zone
from core.ports import ObjectStore
from core.runtime import Runtime
from core.settings import Settings
from functions.realtime_inference.handler import handle as answer
from tests.functions.loop import FEATURES, MODEL, SPEC, Loop, birds, csv_of

T = TypeVar("T")

PATIENCE = 300.0
ENOUGH = SPEC.replace("train_when: {rows: 100", "train_when: {rows: 200")
"""Both files together are enough to learn from, either alone is not: so it is the same training everywhere."""
PREDICT = f"/v1/models/{MODEL}:predict"
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
    (specs / f"{MODEL}.yaml").write_text(ENOUGH)
    return specs


def play(drop: Drop, stores: Mapping[Zone, ObjectStore], endpoint: str) -> Told:
    """Drop rows with a name that is hard to spell; wait until a version serves; ask it; score a file in batch."""
    drop_rows(drop)
    until(lambda: _object(stores["models"], f"{MODEL}/route.json"), "a version serves")
    drop_later(drop)
    until(lambda: _scored(stores["predictions"]), "the file is scored")
    return _told(stores, until(lambda: _ask(endpoint), "the endpoint answers"))


def reference(folder: Path) -> Told:
    """The same on stores in memory, in this process."""
    loop = Loop(folder)
    write_spec(folder)
    drop_rows(loop.stores["landing"].put)
    drop_later(loop.stores["landing"].put)
    loop.run()
    return _told(loop.stores, answered_here(loop.stores))


def answered_here(stores: Mapping[Zone, ObjectStore]) -> Any:
    """What the endpoint answers, in this process."""
    settings = Settings.from_env({}, store="memory://{zone}", prediction_log="off")
    return json.loads(answer(Request("POST", PREDICT, body=_question()), Runtime(settings, stores=stores)).body)


def drop_rows(drop: Drop) -> None:
    drop(f"{MODEL}/rows/May 2013 (1)/café+crème%.csv", csv_of(birds()[:140], ROWS))
    drop(f"{MODEL}/rows/second.csv", csv_of(birds()[140:240], ROWS))


def drop_later(drop: Drop) -> None:
    drop(f"{MODEL}/score/later.csv", csv_of(birds()[240:], ("bird", *FEATURES)))


def _told(stores: Mapping[Zone, ObjectStore], answered: Any) -> Told:
    version = json.loads(stores["models"].get(f"{MODEL}/route.json").data)["champion"]
    manifests = [info.key for info in stores["datasets"].list(f"{MODEL}/") if info.key.endswith("/manifest.json")]
    scored = _scored(stores["predictions"])
    assert scored is not None
    return Told(
        datasets=sorted(key.split("/")[1] for key in manifests),
        version=version,
        model=stores["models"].get(f"{MODEL}/versions/{version}/model.onnx").data,
        predictions=answered["predictions"],
        scored=json.loads(scored)["rows"],
    )


def until(found: Callable[[], T | None], what: str) -> T:
    """What `found` returns, once that is something."""
    deadline = time.monotonic() + PATIENCE
    while (value := found()) is None:
        assert time.monotonic() < deadline, f"it did not happen in {PATIENCE:.0f} s that {what}"
        time.sleep(0.2)
    return value


def _object(store: ObjectStore, key: str) -> bytes | None:
    return next((store.get(info.key).data for info in store.list(key) if info.key == key), None)


def _scored(predictions: ObjectStore) -> bytes | None:
    ends = (info.key for info in predictions.list(f"{MODEL}/batch/") if info.key.endswith("/_SUCCESS"))
    return next((predictions.get(key).data for key in ends), None)


def _question() -> bytes:
    return json.dumps({"instances": [_typed(bird) for bird in birds()[240:260]]}).encode()


def _ask(endpoint: str) -> Any:
    request = urllib.request.Request(endpoint + PREDICT, _question(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in {404, 503}:  # not loaded yet
                return None
        raise
    except TimeoutError:  # of a first call, which starts a function
        return None


def _typed(bird: Mapping[str, str]) -> dict[str, Any]:
    def value(name: str) -> Any:
        text = bird[name]
        return None if text == "" else float(text) if name.endswith("_mm") else text

    return {name: value(name) for name in FEATURES}
