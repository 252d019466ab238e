from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters import obstore_credentials
from core.adapters.obstore_credentials import azure_config, boto3_credentials
from core.errors import BadInput, Unsupported


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    path = tmp_path / "credentials"
    path.write_text("[acme]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path), "HOME": str(tmp_path)}


def test_a_profile_is_read_by_boto3(profiles: dict[str, str]) -> None:
    provider = boto3_credentials({**profiles, "AWS_PROFILE": "acme"})
    assert provider is not None
    credential = provider()
    assert isinstance(credential, dict)
    assert credential["access_key_id"] == "AKIA"


def test_a_profile_that_is_not_there(profiles: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="'nobody'"):
        boto3_credentials({**profiles, "AWS_PROFILE": "nobody"})


def test_profiles_of_which_none_is_named_or_default(profiles: dict[str, str]) -> None:
    assert boto3_credentials(profiles) is None


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"])
def test_what_obstore_finds_itself_is_left_to_it(profiles: dict[str, str], name: str) -> None:
    assert boto3_credentials({**profiles, "AWS_PROFILE": "nobody", name: "x"}) is None


def test_without_profiles(tmp_path: Path) -> None:
    assert boto3_credentials({"HOME": str(tmp_path)}) is None


def test_without_boto3(profiles: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obstore_credentials, "find_spec", lambda name: None)
    assert boto3_credentials(profiles) is None
    with pytest.raises(Unsupported, match="pip install boto3"):
        boto3_credentials({**profiles, "AWS_PROFILE": "acme"})


def test_a_connection_string() -> None:
    said = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5==;BlobEndpoint=https://x.example/acme"
    assert azure_config({"AZURE_STORAGE_CONNECTION_STRING": said}) == {
        "account_name": "acme",
        "account_key": "a2V5==",
        "endpoint": "https://x.example/acme",
    }
    assert azure_config({}) == {}
    signed = azure_config({"AZURE_STORAGE_CONNECTION_STRING": "AccountName=a;SharedAccessSignature=sv=1&sig=x%3D"})
    assert signed == {"account_name": "a", "sas_key": "sv=1&sig=x%3D"}
