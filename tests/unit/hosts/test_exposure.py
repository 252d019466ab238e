"""An endpoint that others can reach says who may ask."""

import pytest

from core.errors import BadInput, Refused
from core.hosts.exposure import check_exposure
from core.hosts.local.up import endpoint
from core.runtime import Runtime
from core.settings import AccessSettings, Settings
from functions.realtime_inference.container import app

ELSEWHERE = ["0.0.0.0", "::", "", "10.0.0.7", "example.org"]


@pytest.mark.parametrize("host", ELSEWHERE)
def test_what_others_can_reach_is_refused_until_access_is_decided(host):
    with pytest.raises(Refused, match="set TIDEMILL_ACCESS to"):
        check_exposure(host, AccessSettings())
    check_exposure(host, AccessSettings(modes=("none",)))
    check_exposure(host, AccessSettings(modes=("keys",)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_open(host):
    check_exposure(host, AccessSettings())


def test_up_and_container_refuse(tmp_path, monkeypatch):
    environ = {"TIDEMILL_STORE": f"file://{tmp_path}/{{zone}}"}
    with pytest.raises(Refused, match="set TIDEMILL_ACCESS"):
        endpoint(Runtime(Settings.from_env(environ)), "0.0.0.0", 0)
    monkeypatch.setenv("TIDEMILL_STORE", environ["TIDEMILL_STORE"])
    monkeypatch.delenv("TIDEMILL_ACCESS", raising=False)
    with pytest.raises(Refused, match="a container can be reached"):
        app()
    monkeypatch.setenv("TIDEMILL_ACCESS", "none")
    assert app()


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"TIDEMILL_ACCESS": "open"}, "must be none, iam, keys, jwt, or keys and jwt together"),
        ({"TIDEMILL_ACCESS": "none,keys"}, "must be none, iam, keys, jwt"),
        ({"TIDEMILL_ACCESS": "keys"}, "has keys, which needs TIDEMILL_KEYS too"),
        ({"TIDEMILL_ACCESS": "jwt", "TIDEMILL_JWT_KEYS": "x"}, "needs TIDEMILL_JWT_ISSUER too"),
        ({"TIDEMILL_JWT_ALGORITHMS": "HS256"}, "has 'HS256'; use some of RS256"),
        ({"TIDEMILL_RATE": "fast"}, "must be a number"),
    ],
)
def test_access_that_cannot_be_is_one_clear_sentence(environ, sentence):
    with pytest.raises(BadInput) as raised:
        AccessSettings.from_env(environ)
    assert sentence in str(raised.value)


def test_access_is_read_whole():
    named = {"TIDEMILL_KEYS": "keys.json", "TIDEMILL_JWT_KEYS": "jwks.json", "TIDEMILL_JWT_ISSUER": "i"}
    more = {"TIDEMILL_JWT_AUDIENCE": "a", "TIDEMILL_RATE": "5", "TIDEMILL_JWT_ALGORITHMS": "ES256"}
    found = AccessSettings.from_env({"TIDEMILL_ACCESS": "keys, jwt", **named, **more})
    assert found == AccessSettings(("keys", "jwt"), "keys.json", "jwks.json", "i", "a", ("ES256",), 5.0, 10)
    assert "keys.json" not in repr(found)
