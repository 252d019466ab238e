"""What was fetched is not fetched again, and what is fetched stays within budget and bandwidth."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from core.errors import Transient
from edge.agent.budget import DAY, Budget, Pace
from edge.agent.config import Device
from edge.agent.http import HttpSource, Server
from edge.agent.network import Network
from edge.agent.state import State
from edge.agent.synchronise import synchronise
from edge.agent.transport import OVERHEAD, Metered
from edge.agent.update import Updater
from edge.release import MODEL_ONNX
from edge.rollout import Stage
from tests.docs.markdown import ROOT

from . import servers
from .releases import FakeClock, Zone, make, new_device

BIG = make(1, 2.0, padding=1_000_000)


@pytest.fixture
def zone():
    zone = Zone()
    zone.add(BIG)
    zone.roll_out(Stage(BIG.id, 100))
    return zone


def bodies(log):
    """The bytes of the model that were asked for, each range as it was answered at most."""
    return [asked.range for asked in log.asked if asked.path.endswith(MODEL_ONNX)]


def test_connection_that_breaks_midway_again_and_again(tmp_path, zone):
    """Each attempt goes on where the one before ended: no byte of the model comes twice."""
    root, clock = tmp_path / "device", FakeClock()
    new_device(root)
    with servers.serving(servers.objects(zone.objects, cut_after=300_000)) as server:

        def attempt():
            with closing(Server(server.url, {}, clock)) as connection:
                Updater(root, Device.read(root), clock).update(HttpSource(connection))

        for _ in range(3):
            with pytest.raises(Transient, match="what came is kept"):
                attempt()
        attempt()
        starts = [first for first, _ in bodies(server)]
    assert starts == [0, 300_000, 600_000, 900_000]
    assert State.read(root).release == BIG.id


def test_ranges_are_never_larger_than_a_function_can_answer(tmp_path, zone):
    root, clock = tmp_path / "device", FakeClock()
    new_device(root)
    with servers.serving(servers.objects(zone.objects)) as server, closing(Server(server.url, {}, clock)) as connection:
        Updater(root, Device.read(root), clock).update(HttpSource(connection, chunk=100_000))
        sizes = [last - first + 1 for first, last in bodies(server)]
    assert len(sizes) == 11
    assert max(sizes) == 100_000


def test_server_that_answers_less_than_was_asked_is_asked_for_the_rest(tmp_path, zone):
    """RFC 9110, 15.3.7: as the cloud's own endpoint does beyond 4 MiB."""
    root, clock = tmp_path / "device", FakeClock()
    new_device(root)

    def answer(client, asked):
        first, last = asked.range
        shorter = min(last, first + 399_999)
        asked.headers["range"] = f"bytes={first}-{shorter}"
        servers.objects(zone.objects)(client, asked)

    with servers.serving(answer) as server, closing(Server(server.url, {}, clock)) as connection:
        assert Updater(root, Device.read(root), clock).update(HttpSource(connection)).did == "installed"
        assert [first for first, _ in bodies(server)] == [0, 400_000, 800_000]


def test_process_that_is_killed_midway(tmp_path, zone):
    """As a real process on a real disk: what it had is there for the next one."""
    root = tmp_path / "device"
    enough = threading.Event()

    def slowly(client, asked):
        data = zone.objects.get(asked.path, b"")
        if not asked.path.endswith(MODEL_ONNX) or enough.is_set():
            return servers.objects(zone.objects)(client, asked)
        size = len(data)
        headers = {"content-range": f"bytes 0-{size - 1}/{size}", "content-length": size}
        servers.send(client, "206 Partial Content", headers, data[:500_000])
        return enough.wait(30)

    with servers.serving(slowly) as server:
        new_device(root, source_url=server.url)
        command = [sys.executable, "-m", "edge", "update", "--root", str(root), "--json"]
        updating = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        part = root / "downloads" / BIG.id / MODEL_ONNX
        ends = time.monotonic() + 300
        while (not part.exists() or part.stat().st_size < 400_000) and time.monotonic() < ends:
            time.sleep(0.01)
        os.kill(updating.pid, signal.SIGKILL)
        updating.communicate()
        came = part.stat().st_size
        enough.set()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
        last = bodies(server)[-1]
    assert json.loads(done.stdout)["did"] == "installed"
    assert last[0] == came >= 400_000


def test_bandwidth_is_kept(tmp_path, zone):
    """A megabyte at 50 kB a second takes 20 seconds, and no second of it more than its share."""
    clock, seen = FakeClock(), []
    metered = Metered(zone, Budget(tmp_path, None, clock), Pace(50_000, clock))
    began = clock.now
    size = 0
    for piece in metered.stream(next(key for key in zone.objects if key.endswith(MODEL_ONNX)), 0, 1_000_000):
        size += len(piece)
        seen.append((clock.now - began, size))
    assert size == 1_000_000
    assert clock.now - began == pytest.approx(20, rel=0.01)
    assert all(size <= 50_000 * seconds + 1 for seconds, size in seen)


def test_bandwidth_that_was_not_used_is_not_saved_up():
    clock = FakeClock()
    pace = Pace(1000, clock)
    clock.sleep(3600)
    began = clock.now
    for _ in range(100):
        pace.passed(100)
    assert clock.now - began >= 9


def test_budget_of_a_day_is_kept_and_the_next_day_goes_on(tmp_path, zone):
    """A megabyte with 300 kB a day: an attempt an hour takes as many days as it must."""
    root, clock = tmp_path / "device", FakeClock()
    device = new_device(root, daily_budget=300_000)
    began, told = clock.now, set()
    while State.read(root).release is None:
        metered = Metered(zone, Budget(root, device.daily_budget, clock), Pace(None, clock))
        try:
            Updater(root, device, clock).update(metered)
        except Transient as error:
            told.add(str(error))
        clock.sleep(3600)
    assert told == {"the budget of 300,000 bytes a day is spent: more tomorrow."}
    days = (clock.now - began) / DAY
    assert 2 < days < 4
    assert zone.sent <= 300_000 * (days + 1)


@pytest.mark.parametrize("jump", [10 * 365 * DAY, -10 * 365 * DAY])
def test_clock_that_jumps_gives_a_day_at_most(tmp_path, jump):
    clock = FakeClock()
    budget = Budget(tmp_path, 1000, clock)
    budget.spend(1500)
    budget.keep()
    clock.offset += jump
    assert Budget(tmp_path, 1000, clock).left <= 1000
    clock.sleep(2 * DAY)
    assert Budget(tmp_path, 1000, clock).left <= 1000


def test_budget_goes_on_after_the_process_ended(tmp_path):
    clock = FakeClock()
    budget = Budget(tmp_path, 1000, clock)
    budget.spend(400)
    budget.keep()
    assert Budget(tmp_path, 1000, clock).left == 600


@pytest.mark.parametrize("kept", [b"", b"{}", b"[]", b'{"at":"x","left":1}', b"null"])
def test_budget_that_cannot_be_read_is_a_full_one(tmp_path, kept):
    (tmp_path / "budget.json").write_bytes(kept)
    assert Budget(tmp_path, 1000, FakeClock()).left == 1000


def test_telemetry_goes_up_within_the_same_budget(tmp_path):
    """Create-only; a segment that is there already is done with."""
    clock, there = FakeClock(), {}

    def keep(client, asked):
        status = "412 Precondition Failed" if asked.path in there else "201 Created"
        there.setdefault(asked.path, asked.body)
        servers.send(client, status, {})

    with servers.serving(keep) as server:
        device = Device("pump-1", "pumps", group="harbour", upload_url=server.url, daily_budget=10_000)
        with closing(Network(tmp_path, device, clock)) as network:
            assert network.put("0000000001-abc", b"x" * 5000) == 201
            assert network.put("0000000001-abc", b"y" * 3000) == 412
            network.put("0000000002-abc", b"z" * 1000)
            with pytest.raises(Transient, match="is spent"):
                network.put("0000000003-abc", b"z" * 1000)
        headers = server.asked[0].headers
    assert there["telemetry/pumps/harbour/pump-1/0000000001-abc.jsonl.gz"] == b"x" * 5000
    assert headers["if-none-match"] == "*"
    assert Budget(tmp_path, 10_000, clock).left == pytest.approx(10_000 - 9000 - 3 * OVERHEAD)


def test_device_whose_releases_come_by_hand_sends_telemetry_all_the_same(tmp_path):
    with servers.serving(lambda client, _: servers.send(client, "201 Created", {})) as server:
        device = new_device(tmp_path / "device", upload_url=server.url)
        folder = tmp_path / "device" / "telemetry"
        folder.mkdir()
        (folder / "0000000001-x.jsonl.gz").write_bytes(b"telemetry")
        assert synchronise(tmp_path / "device", device, FakeClock()).did == "stayed"
        assert [asked.body for asked in server.asked] == [b"telemetry"]
    assert device.is_connected
    assert not (folder / "0000000001-x.jsonl.gz").exists()


def test_refusal_is_written_down_and_telemetry_goes_up_all_the_same(tmp_path, zone):
    zone.add(make(2, 3.0, golden_weight=4.0))
    bad = max(key for key in zone.objects if "0000000002-" in key).split("/")[1]
    zone.roll_out(Stage(bad, 100))
    root, clock = tmp_path / "device", FakeClock()

    with servers.serving(servers.objects(zone.objects)) as server:
        device = new_device(root, source_url=server.url, upload_url=server.url)
        with pytest.raises(Exception, match="golden rows off by"):
            synchronise(root, device, clock)
    assert "golden rows" in (root / "journal.jsonl").read_text()
