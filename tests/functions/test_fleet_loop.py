"""A fleet, whole: real devices answer, their telemetry comes twice and in any order, and is checked, told and shown."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest

from core import layout
from core.cli.command import Session
from core.cli.scoring import drift
from core.events.messages import ScheduleFired
from core.hosts.asgi import App, Server
from core.hosts.local.queue import Queue
from core.inference.http import Request
from core.runtime import Runtime
from core.usecases.devices import Devices
from core.usecases.fleet import read_fleet
from edge.agent.commands import install
from edge.export.export import Exported
from edge.export.folder import write_folder
from edge.export.keys import KeyFolder
from edge.runtime.serving import Serving
from edge.telemetry.ring import FOLDER, sealed
from edge.telemetry.segment import SEALED
from edge.trust import Trust
from functions.drift_check.handler import handle as check
from functions.realtime_inference.handler import service
from functions.report.handler import handle as report
from tests.functions.loop import FEATURES, MODEL, Loop, birds
from tests.unit.edge.trained import BUDGET, exporter, stores

pytestmark = pytest.mark.slow


class World:
    """The penguins' model as the loop left it, released, and a runtime of the functions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        loop = Loop(folder / "loop")
        self.zones = loop.stores = stores()
        self.runtime: Runtime = loop.runtime(lambda store: store, Queue(folder / "queue"))
        keys = KeyFolder(folder / "keys")
        self.trust: Trust = keys.init()
        self.release: Exported = exporter(self.zones, keys).export(MODEL, None, "full", BUDGET)
        write_folder(folder / "release", self.release.release.files)

    def device(self, name: str, group: str, rows: list[dict[str, Any]]) -> list[Path]:
        """Install the release, answer rows one by one, and stop; the segments that are ready to be sent."""
        root = self.folder / name
        settings = {"device": name, "group": group, "ring": "canary"}
        install(root, self.folder / "release", trust=self.trust.data, settings=settings)
        serving = Serving.open(root)
        for row in rows:
            body = json.dumps({"instances": [row]}).encode()
            answer = serving.handle(Request("POST", f"/v1/models/{MODEL}:predict", body=body))
            assert answer.status == 200, answer.body
        serving.close()
        return sealed(root / FOLDER)

    def reports(self, kind: str) -> dict[str | None, Any]:
        """group -> the report on it."""
        found = {}
        for info in self.zones["reports"].list(f"{MODEL}/{kind}/"):
            found[layout.group_of_report(info.key)] = json.loads(self.zones["reports"].get(info.key).data)
        return found


def flight(rows: list[dict[str, str]], stretch: float = 1.0) -> list[dict[str, Any]]:
    """Birds as a caller asks about them."""
    made = []
    for row in rows:
        numbers = {name: float(row[name]) * stretch for name in ("bill_length_mm", "flipper_length_mm") if row[name]}
        made.append({name: numbers.get(name, row[name] or None) for name in FEATURES} | {"bird": row["bird"]})
    return [{**row, **{name: None for name in FEATURES if row[name] == ""}} for row in made]


def put(url: str, data: bytes) -> int:
    request = UrlRequest(url, data, {"if-none-match": "*"}, method="PUT")
    try:
        with urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("fleet"))
    asked = birds()[240:]
    segments = [("north", "pi-1", path) for path in world.device("pi-1", "north", flight(asked))]
    segments += [("south", "pi-2", path) for path in world.device("pi-2", "south", flight(asked, 1.4))]
    random.Random(7).shuffle(segments)
    with Server(App(service(world.runtime))) as server:
        for expected in (201, 412):
            for group, device, path in segments:
                url = f"{server.url}/edge/telemetry/{MODEL}/{group}/{device}/{path.name}"
                assert put(url, path.read_bytes()) == expected, url
    check(ScheduleFired("drift_check", MODEL, world.runtime.clock.now()), world.runtime)
    report(ScheduleFired("report", MODEL, world.runtime.clock.now()), world.runtime)
    return world


def test_each_group_has_a_report_of_its_rows(world: World) -> None:
    reports = world.reports("drift")
    rows = len(birds()[240:])
    assert {group: reports[group]["rows"] for group in ("north", "south")} == {"north": rows, "south": rows}
    assert [reports[group]["unusable"] for group in ("north", "south")] == [0, 0]
    assert (reports["north"]["drifted"], reports["south"]["drifted"]) == (False, True)
    drifted = {column["name"] for column in reports["south"]["features"] if column["drifted"]}
    assert drifted == {"bill_length_mm", "flipper_length_mm"}


def test_labels_that_name_birds_find_what_devices_answered(world: World) -> None:
    reports, measured = world.reports("drift"), world.reports("performance")
    for group in ("north", "south"):
        assert reports[group]["performance"]["labelled"] == len(birds()[240:])
        assert measured[group]["current"]["labelled"] == len(birds()[240:])
    assert (measured["north"]["degraded"], measured["south"]["degraded"]) == (False, True)


def test_what_is_checked_again_is_nothing(world: World) -> None:
    before = len(list(world.zones["reports"].list("")))
    check(ScheduleFired("drift_check", MODEL, world.runtime.clock.now()), world.runtime)
    assert len(list(world.zones["reports"].list(""))) == before


def test_a_check_by_hand_tells_of_groups_too(world: World) -> None:
    west = World(world.folder / "by-hand")
    (path,) = west.device("pi-3", "west", flight(birds()[240:], 1.4))
    Devices(west.zones["edge"]).keep(MODEL, "west", "pi-3", path.name.removesuffix(SEALED), path.read_bytes())
    session = Session(west.runtime.settings, json_output=True)
    session.runtime = west.runtime
    result = drift(session, MODEL, fail_on_drift=True)
    (told,) = result.data["fleet"]
    assert (told["group"], told["rows"], told["drifted"], told["unusable"]) == ("west", len(birds()[240:]), True, 0)
    assert set(told["features"]) == {"bill_length_mm", "flipper_length_mm"}
    assert not result.ok
    (again,) = drift(session, MODEL).data["fleet"]
    assert (again["report"], "nothing since the last check" in again["reason"]) == (None, True)
    assert drift(session, MODEL, since="2026-01-01").data["fleet"] == []


def test_who_runs_what_is_told(world: World) -> None:
    fleet = read_fleet(world.zones["edge"], MODEL)
    release = world.release.release.id
    assert [(device.device, device.group, device.ring, device.release) for device in fleet.devices] == [
        ("pi-1", "north", "canary", release),
        ("pi-2", "south", "canary", release),
    ]
    assert {device.version for device in fleet.devices} == {world.release.version}
    told = fleet.devices[0].health
    assert told is not None
    assert (told.requests, told.errors, told.dropped) == (len(birds()[240:]), 0, 0)


def test_the_pages_show_the_fleet(world: World) -> None:
    page = world.zones["reports"].get(layout.site_page(MODEL, "fleet.html")).data.decode()
    assert "pi-1" in page
    assert "pi-2" in page
    assert page.count("drift</span>") == 1
    overview = world.zones["reports"].get(layout.SITE_INDEX).data.decode()
    assert f'href="{MODEL}/site/fleet.html"' in overview
