"""What the environment says."""

from pathlib import Path

import pytest

from core.errors import BadInput
from core.runtime import Runtime
from core.settings import Settings


def test_defaults_live_under_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.store == f"file://{tmp_path}/.tidemill/{{zone}}"
    assert settings.host == tmp_path / ".tidemill" / ".host"
    assert settings.specs == Path("models")


def test_the_command_line_comes_before_the_environment():
    settings = Settings.from_env({"TIDEMILL_STORE": "s3://a-{zone}"}, store="gs://b-{zone}", specs=Path("x"))
    assert (settings.store, settings.specs) == ("gs://b-{zone}", Path("x"))
    assert settings.host == Path(".tidemill/host")


def test_models_to_serve_are_separated_by_commas_or_spaces():
    assert Settings.from_env({"TIDEMILL_SERVE": "a, b c"}).serve == ("a", "b", "c")


def test_vertex_and_cloud_run_tell_a_container_where_it_is():
    vertex = {
        "AIP_HTTP_PORT": "9000",
        "AIP_PREDICT_ROUTE": "/ask",
        "AIP_HEALTH_ROUTE": "/well",
        "AIP_STORAGE_URI": "gs://copy/models",
    }
    settings = Settings.from_env({**vertex, "PORT": "1"})
    assert (settings.port, settings.predict_route, settings.health_route) == (9000, "/ask", "/well")
    assert settings.models_url == "gs://copy/models"
    assert Settings.from_env({"PORT": "7000"}).port == 7000
    assert Settings.from_env({"PORT": "7000", "TIDEMILL_PORT": "0"}).port == 0
    assert Settings.from_env({"AIP_STORAGE_URI": ""}).models_url is None


def test_the_models_zone_may_be_elsewhere(tmp_path):
    environ = {"TIDEMILL_STORE": "memory://settings-{zone}", "AIP_STORAGE_URI": f"file://{tmp_path}"}
    runtime = Runtime(Settings.from_env(environ))
    runtime.store("models").create("m/route.json", b"{}")
    assert (tmp_path / "m" / "route.json").exists()
    runtime.store("predictions").create("x", b"")
    assert [info.key for info in runtime.store("predictions").list("")] == ["x"]


def test_origins_are_separated_by_commas_or_spaces():
    assert Settings.from_env({}).origins == ()
    given = {"TIDEMILL_CORS_ORIGINS": "https://a.example, http://localhost:3000"}
    assert Settings.from_env(given).origins == ("https://a.example", "http://localhost:3000")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"TIDEMILL_STORE": "s3://acme"}, "must contain {zone}"),
        ({"TIDEMILL_PREDICTION_LOG": "often"}, "must be one of off, sampled, buffered, sync"),
        ({"TIDEMILL_ROUTE_TTL": "soon"}, "TIDEMILL_ROUTE_TTL is 'soon'; it must be a number"),
        ({"TIDEMILL_ROUTE_TTL": "nan"}, "must be a number"),
        ({"TIDEMILL_MAX_BODY": "-1"}, "must be a number, zero or more"),
        ({"AIP_HTTP_PORT": "http"}, "AIP_HTTP_PORT is 'http'; it must be a port, from 0 to 65535."),
        ({"PORT": "65536"}, "PORT is '65536'; it must be a port"),
        ({"TIDEMILL_CORS_ORIGINS": "a.example"}, "TIDEMILL_CORS_ORIGINS has 'a.example'; an origin is * or like"),
        ({"TIDEMILL_CORS_ORIGINS": "https://a.example/"}, "an origin is * or like https://example.org."),
        ({"TIDEMILL_PREDICTION_LOG_SHARE": "1.5"}, "must be a share, between 0 and 1"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(environ, sentence):
    with pytest.raises(BadInput) as raised:
        Settings.from_env(environ)
    assert sentence in str(raised.value)
