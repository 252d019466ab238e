"""Servers that are broken or worse: each costs a bounded number of bytes and of seconds, and changes nothing."""

import tracemalloc
from contextlib import closing, contextmanager

import pytest

from core import layout
from core.errors import Permanent, TidemillError, Transient
from edge.agent.config import Device
from edge.agent.http import Busy, HttpSource, Server, server_of
from edge.agent.network import Network
from edge.agent.state import State, change
from edge.agent.transport import read_whole
from edge.agent.update import Updater
from edge.release import MODEL_ONNX
from edge.rollout import Stage

from . import servers
from .releases import FakeClock, Zone, make, new_device

GOOD, NEXT = make(1), make(2, 3.0, padding=200_000)
BOUND = 20_000_000
"""Bytes of memory that no answer makes a device take."""


@pytest.fixture
def zone():
    zone = Zone()
    zone.add(GOOD)
    zone.roll_out(Stage(GOOD.id, 100))
    return zone


@pytest.fixture
def device(tmp_path, zone):
    """A device with a good release, to which a next one is offered."""
    root = tmp_path / "device"
    Updater(root, new_device(root), FakeClock()).update(zone)
    change(root, lambda state: state.kept())
    zone.add(NEXT)
    zone.roll_out(Stage(NEXT.id, 100))
    return root


@contextmanager
def source(url, clock=None, timeout=5.0):
    with closing(Server(url, {}, clock or FakeClock(), timeout)) as server:
        yield HttpSource(server, chunk=1 << 20)


def read(url):
    with source(url) as reading:
        return read_whole(reading.stream, "x", 10)


def update(root, url, clock=None, timeout=5.0):
    clock = clock or FakeClock()
    with source(url, clock, timeout) as reading:
        return Updater(root, Device.read(root), clock).update(reading)


HOSTILE = {
    "endless": (servers.endless, TidemillError),
    "endless headers": (servers.endless_headers, Transient),
    "promises more": (servers.promises_more, Transient),
    "promises less": (servers.promises_less, Transient),
    "no length": (servers.no_length, TidemillError),
    "another range": (servers.another_range, Permanent),
    "larger range": (servers.larger_range, Permanent),
    "no range": (servers.no_range, Permanent),
    "zipped": (servers.zipped, Permanent),
    "nonsense": (servers.nonsense, Transient),
}


@pytest.mark.parametrize("where", [layout.edge_trust("pumps", 2), layout.MANIFEST, MODEL_ONNX])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answer(device, zone, name, where):
    behaviour, kind = HOSTILE[name]
    with servers.serving(servers.only(where, behaviour, zone.objects)) as server:
        tracemalloc.start()
        try:
            with pytest.raises(kind) as caught:
                update(device, server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < BOUND
    assert "\n" not in str(caught.value)
    state = State.read(device)
    assert (state.release, state.trial) == (GOOD.id, None)
    with servers.serving(servers.objects(zone.objects)) as server:
        assert update(device, server.url).did == "installed"


def test_redirect_is_not_followed_and_takes_no_header_elsewhere(device, zone):
    with servers.serving(servers.objects(zone.objects)) as other:
        behaviour = servers.only(MODEL_ONNX, servers.elsewhere(other.url), zone.objects)
        with servers.serving(behaviour) as server, pytest.raises(Permanent, match="sends elsewhere"):
            update(device, server.url)
        assert not other.asked


def test_drip_is_given_up(device, zone):
    clock = FakeClock()
    behaviour = servers.only(MODEL_ONNX, servers.drips(clock.sleep), zone.objects)
    with servers.serving(behaviour) as server, pytest.raises(Transient, match="are too slow"):
        update(device, server.url, clock)
    assert clock.now < 1000 + 600
    assert len(server.asked) < 20


def test_silence_is_given_up(device, zone):
    with (
        servers.serving(servers.only(MODEL_ONNX, servers.silent, zone.objects)) as server,
        pytest.raises(Transient, match="timed out"),
    ):
        update(device, server.url, timeout=0.2)


def test_nobody_there(device):
    with servers.serving(servers.nonsense) as server:
        pass
    with pytest.raises(Transient, match="does not answer"):
        update(device, server.url)


def test_whole_object_instead_of_its_rest_is_not_put_behind_what_came(device, zone):
    """A server that answers no ranges: what came is given up, and the next attempt takes the object whole."""
    whole = lambda client, asked: servers.send(client, "200 OK", {}, zone.objects[asked.path])  # noqa: E731
    with servers.serving(servers.objects(zone.objects, cut_after=50_000)) as server, pytest.raises(Transient):
        update(device, server.url)
    part = device / "downloads" / NEXT.id / MODEL_ONNX
    assert part.stat().st_size == 50_000
    with servers.serving(servers.only(MODEL_ONNX, whole, zone.objects)) as server:
        with pytest.raises(Permanent, match="cannot go on at byte 50,000"):
            update(device, server.url)
        assert not part.exists()
        assert update(device, server.url).did == "installed"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"])
def test_busy_server_says_when_to_come_again(status):
    with (
        servers.serving(lambda client, _: servers.send(client, status, {"retry-after": "120"})) as server,
        pytest.raises(Busy, match=status[:3]) as caught,
    ):
        read(server.url)
    assert caught.value.retry_after == 120


@pytest.mark.parametrize("said", ["soon", "-5", "Fri, 31 Dec 1999 23:59:59 GMT", "9" * 400, "1e9"])
def test_retry_after_that_says_nothing(said):
    with (
        servers.serving(lambda client, _: servers.send(client, "503 Busy", {"retry-after": said})) as server,
        pytest.raises(Busy) as caught,
    ):
        read(server.url)
    assert caught.value.retry_after == 0


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "416 Range Not Satisfiable", "204 No Content"])
def test_other_answers_are_refused(status):
    with (
        servers.serving(lambda client, _: servers.send(client, status, {})) as server,
        pytest.raises(Permanent, match=f"said {status[:3]}"),
    ):
        read(server.url)


def test_connection_is_kept_and_made_anew_when_it_was_closed(zone):
    """One connection for all objects, also where the server has closed it meanwhile."""
    asked = []

    def answer(client, request):
        asked.append(client.getpeername())
        servers.objects(zone.objects)(client, request)
        if len(asked) == 3:
            servers.close(client)

    with servers.serving(answer) as server, source(server.url) as reading:
        for name in sorted(zone.objects)[:6]:
            assert read_whole(reading.stream, name, 10**6) == zone.objects[name]
    assert len(set(asked)) == 2


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/edge", "not encrypted"),
        ("ftp://example.com/edge", "must be https"),
        ("https://", "must be https"),
        ("http://[::1", "no URL"),
        ("http://host:port/", "no URL"),
    ],
)
def test_urls_that_are_refused(url, words):
    with pytest.raises(Permanent, match=words):
        server_of(url, Device("pump-1", "pumps"), FakeClock())


@pytest.mark.parametrize("url", ["https://example.com", "http://127.0.0.1:80/x", "http://[::1]/", "http://localhost/"])
def test_urls_that_are_not(url):
    assert server_of(url, Device("pump-1", "pumps"), FakeClock()).host in url


def test_insecure_must_be_asked_for():
    assert server_of("http://192.168.0.7/edge", Device("pump-1", "pumps", insecure=True), FakeClock())


def test_network_needs_urls(tmp_path):
    network = Network(tmp_path, Device("pump-1", "pumps"), FakeClock())
    with pytest.raises(Permanent, match="no source_url"):
        network.source()
    with pytest.raises(Permanent, match="no upload_url"):
        network.put("segment", b"")
    with pytest.raises(Permanent, match="absolute path"):
        Network(tmp_path, Device("pump-1", "pumps", source_url="file://relative"), FakeClock()).source()
