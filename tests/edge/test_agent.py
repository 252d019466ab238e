"""The agent as it runs on a device: a process that answers, a child that updates, a server that offers releases."""

import gzip
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from edge.agent.child import Child
from edge.agent.clock import SystemClock
from edge.agent.loop import Done
from edge.agent.state import State
from edge.agent.status import status
from edge.rollout import Stage
from tests.docs.markdown import ROOT

from . import servers
from .releases import MODEL, FakeClock, Zone, first_trust, make, new_device

FIRST, SECOND = make(1), make(2, 3.0)
FRAGILE = make(3, 4.0, fragile=True)
QUICK = {"poll_seconds": 1.0, "trial_seconds": 1.0, "trial_answers": 3, "log_max_age": 0.2}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def until(found, seconds=300.0):
    ends = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < ends, "it does not come to that"
        time.sleep(0.05)


class Running:
    """A device whose agent runs."""

    def __init__(self, root, port):
        self.root = root
        self.url = f"http://127.0.0.1:{port}/v1/models/{MODEL}:predict"
        self.seen = []

    def ask(self, load=3.0):
        """The answer to a row; None if it failed."""
        body = json.dumps({"instances": [{"load": load, "age": 1.0}]}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            self.seen.append(error.code)
            return None
        except OSError:
            return None
        return found["predictions"][0]["prediction"]


@contextmanager
def running(tmp_path, **settings):
    """A new device that runs; it has no release yet."""
    root, port = tmp_path / "device", free_port()
    new_device(root, port=port, **{**QUICK, **settings})
    command = [sys.executable, "-m", "edge", "run", "--root", str(root)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield Running(root, port)
        finally:
            process.terminate()
            assert process.wait(120) == 0, (tmp_path / "log").read_text()


def edge(*arguments):
    command = [sys.executable, "-m", "edge", *map(str, arguments), "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    return ended.returncode, json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.slow
def test_life_of_a_device(tmp_path):
    """First release, next release, one that fails in the field, and one that is withdrawn; no good answer fails."""
    zone, telemetry = Zone(), {}

    def answer(client, asked):
        if asked.method == "PUT":
            telemetry[asked.path] = asked.body
            return servers.send(client, "201 Created", {})
        return servers.objects(zone.objects)(client, asked)

    with servers.serving(answer) as server, running(tmp_path, source_url=server.url, upload_url=server.url) as device:
        zone.add(FIRST)
        zone.roll_out(Stage(FIRST.id, 100))
        until(lambda: device.ask() == 7.0)
        device.seen.clear()
        until(lambda: device.ask() == 7.0 and State.read(device.root).trial is None)

        zone.add(SECOND)
        zone.roll_out(Stage(SECOND.id, 100))
        until(lambda: device.ask() in {7.0, 10.0} and State.read(device.root).release == SECOND.id)
        until(lambda: device.ask() == 10.0 and State.read(device.root).trial is None)
        assert device.seen == []

        zone.add(FRAGILE)
        zone.roll_out(Stage(FRAGILE.id, 100), Stage(SECOND.id, 100))
        until(lambda: State.read(device.root).release == FRAGILE.id)
        until(lambda: device.ask(load=50.0) is None and FRAGILE.id in State.read(device.root).refused)
        until(lambda: device.ask() == 10.0)
        assert set(device.seen) == {500}
        told = status(device.root)
        assert told["release"] == SECOND.id
        assert "it failed" in told["refused"][FRAGILE.id]

        zone.roll_out(Stage(FIRST.id, 100), withdrawn=[SECOND.id, FRAGILE.id])
        until(lambda: device.ask() == 7.0)
        until(lambda: rolled_back(telemetry))
    assert not list((device.root / "downloads").iterdir())


def rolled_back(telemetry):
    """Whether a health line tells that the fragile release was left."""
    headings = [json.loads(gzip.decompress(body).splitlines()[0]) for body in list(telemetry.values())]
    events = [event for heading in headings for event in (heading["health"] or {}).get("events", [])]
    return any((event["event"], event["release"]) == ("rolled back", FRAGILE.id) for event in events)


def test_commands_of_a_device(tmp_path):
    root, trust = tmp_path / "device", tmp_path / "trust.json"
    trust.write_bytes(first_trust().data)
    first, second = FIRST.write(tmp_path / "first"), SECOND.write(tmp_path / "second")
    zone = Zone()
    zone.add(SECOND)
    zone.roll_out(Stage(SECOND.id, 100))
    source = f"file://{zone.write(tmp_path / 'zone')}"

    assert edge("status", "--root", root)[0] == 1
    made = edge(
        "install", first, "--root", root, "--trust", trust, "--device", "pi-7", "--source", source, "--set", "ring=lab"
    )
    assert made == (0, {"did": "installed", "release": FIRST.id, "reason": ""})
    assert edge("install", first, "--root", root)[1]["did"] == "stayed"
    code, told = edge("install", first, "--root", root, "--device", "other")
    assert (code, "already" in told["error"]) == (1, True)
    assert edge("verify", second, "--root", root)[1]["release"] == SECOND.id
    assert edge("update", "--root", root)[1] == {"did": "installed", "release": SECOND.id, "reason": ""}
    assert edge("rollback", "--root", root, "--reason", "too loud")[1]["release"] == FIRST.id
    assert "too loud" in edge("update", "--root", root)[1]["reason"]
    told = edge("status", "--root", root)[1]
    assert (told["device"], told["ring"], told["release"]) == ("pi-7", "lab", FIRST.id)
    assert [event["event"] for event in told["events"]] == ["installed", "installed", "rolled back"]
    assert edge("rollback", "--root", root)[0] == 1
    assert edge("install", second, "--root", root, "--again")[1]["did"] == "installed"


def test_exit_codes(tmp_path):
    root = tmp_path / "device"
    new_device(root, source_url="http://127.0.0.1:9")
    assert edge("update", "--root", root)[0] == 75
    assert edge("verify", tmp_path / "nothing", "--root", root)[0] == 1
    usage = subprocess.run([sys.executable, "-m", "edge", "fly"], cwd=ROOT, capture_output=True, check=False)
    assert usage.returncode == 2


def ended(child, seconds=300.0):
    """How the child ended."""
    done = []
    until(lambda: (found := child.poll()) is not None and done.append(found) is None, seconds)
    return done[0]


def test_child_that_says_when_to_come_again(tmp_path):
    with servers.serving(lambda client, _: servers.send(client, "503 Busy", {"retry-after": "77"})) as server:
        new_device(tmp_path / "device", source_url=server.url)
        child = Child(tmp_path / "device", SystemClock())
        child.start()
        assert ended(child) == Done(ok=False, retry_after=77.0)


def test_child_that_does_what_is_to_be_done(tmp_path):
    zone = Zone()
    zone.add(FIRST)
    zone.roll_out(Stage(FIRST.id, 100))
    new_device(tmp_path / "device", source_url=f"file://{zone.write(tmp_path / 'zone')}")
    child = Child(tmp_path / "device", SystemClock())
    child.start()
    assert ended(child) == Done(ok=True)
    assert State.read(tmp_path / "device").release == FIRST.id


def test_child_that_takes_too_long_is_ended(tmp_path):
    with servers.serving(servers.silent) as server:
        new_device(tmp_path / "device", source_url=server.url)
        clock = FakeClock()
        child = Child(tmp_path / "device", clock, longest=100.0)
        child.start()
        assert child.poll() is None
        clock.sleep(101)
        assert ended(child) == Done(ok=False)


def test_child_that_is_stopped_is_gone(tmp_path):
    with servers.serving(servers.silent) as server:
        new_device(tmp_path / "device", source_url=server.url)
        child = Child(tmp_path / "device", SystemClock())
        child.start()
        child.stop()
        child.stop()
        assert child.poll() == Done(ok=False)
