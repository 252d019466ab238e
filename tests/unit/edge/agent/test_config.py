"""device.toml: read as it was written, and every mistake told."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, NotFound
from edge.agent.config import SETTINGS, Device

LEAST = {"device": "pi-7", "model": "pumps"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def read(tmp_path, text):
    (tmp_path / "device.toml").write_text(text)
    return Device.read(tmp_path)


@settings(max_examples=50)
@given(
    st.builds(
        Device,
        st.just("pi-7"),
        st.just("pumps"),
        ring=TEXT,
        source_url=st.none() | TEXT,
        headers=st.dictionaries(TEXT, TEXT, max_size=3),
        bandwidth=st.none() | st.integers(1000, 10**9),
        poll_seconds=st.floats(1, 86400),
        insecure=st.booleans(),
        trial_drift=st.floats(0, 1),
        log_mode=st.sampled_from(["off", "sync"]),
    )
)
def test_round_trip(device):
    assert Device.of(tomllib.loads(device.encode().decode())) == device


def test_what_is_by_default_is_not_written():
    assert Device(**LEAST).encode() == b'device = "pi-7"\nmodel = "pumps"\n'


def test_headers_are_not_shown():
    assert "secret" not in repr(Device(**LEAST, headers={"x-api-key": "secret"}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("device = ", "no TOML"),
        ('device = "pi"', "model is missing"),
        ('device = "pi"\nmodel = "m"\nspeed = 3', "no setting 'speed'"),
        ('device = "pi"\nmodel = "m"\nport = "80"', "port = '80' is not a whole number"),
        ('device = "pi"\nmodel = "m"\nport = true', "port = True is not a whole number"),
        ('device = "pi"\nmodel = "m"\nport = 70000', "between 0 and 65535"),
        ('device = "pi"\nmodel = "m"\ninsecure = 1', "is not true or false"),
        ('device = "pi"\nmodel = "m"\nlog_mode = "loud"', "one of off, sampled, buffered, sync"),
        ('device = "pi"\nmodel = "m"\nheaders = 1', "a table of texts"),
        ('device = "pi"\nmodel = "m"\n[headers]\na = 1', "a table of texts"),
        ('device = "../pi"\nmodel = "m"', "device name"),
        ('device = "pi"\ngroup = "a/b"\nmodel = "m"', "group name"),
        ('device = "pi"\nmodel = "M"', "model name"),
        ('device = "pi"\nmodel = "m"\npoll_seconds = nan', "between"),
    ],
)
def test_mistakes(tmp_path, text, words):
    with pytest.raises(BadInput, match=words):
        read(tmp_path, text)


def test_no_device(tmp_path):
    with pytest.raises(NotFound, match=r"device\.toml"):
        Device.read(tmp_path)


def test_a_whole_number_will_do_for_a_number(tmp_path):
    assert read(tmp_path, 'device = "pi"\nmodel = "m"\npoll_seconds = 60').poll_seconds == 60


def test_settings_are_told():
    assert set(LEAST) <= set(SETTINGS)
