"""What the environment says."""

from pathlib import Path

import pytest

from core.errors import BadInput
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


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"TIDEMILL_STORE": "s3://acme"}, "must contain {zone}"),
        ({"TIDEMILL_PREDICTION_LOG": "often"}, "must be one of off, sampled, buffered, sync"),
        ({"TIDEMILL_ROUTE_TTL": "soon"}, "TIDEMILL_ROUTE_TTL is 'soon'; it must be a number"),
        ({"TIDEMILL_ROUTE_TTL": "nan"}, "must be a number"),
        ({"TIDEMILL_MAX_BODY": "-1"}, "must be a number, zero or more"),
        ({"TIDEMILL_PREDICTION_LOG_SHARE": "1.5"}, "must be a share, between 0 and 1"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(environ, sentence):
    with pytest.raises(BadInput) as raised:
        Settings.from_env(environ)
    assert sentence in str(raised.value)
