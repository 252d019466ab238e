"""Credentials that obstore does not find by itself: AWS profiles and single sign-on, Azure connection strings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput, Unsupported

if TYPE_CHECKING:
    from obstore.store import AzureConfig, S3CredentialProvider

_FOUND_BY_OBSTORE = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def boto3_credentials(environ: Mapping[str, str]) -> S3CredentialProvider | None:
    """What boto3 finds in the profiles of this machine; None where obstore finds credentials without it.

    boto3 is slow to import, and present on AWS Lambda, where it is not needed: so it is asked only when there are
    profiles. Raises Unsupported when a profile is named and boto3 is not installed, BadInput when there is no such one.
    """
    if any(environ.get(name) for name in _FOUND_BY_OBSTORE) or not _has_profiles(environ):
        return None
    if find_spec("boto3") is None:
        if environ.get("AWS_PROFILE"):
            raise Unsupported("AWS_PROFILE is set, which needs boto3 to be read; pip install boto3.")
        return None
    return _from_profile(environ.get("AWS_PROFILE"))


def _has_profiles(environ: Mapping[str, str]) -> bool:
    if environ.get("AWS_PROFILE"):
        return True
    home = Path(environ.get("HOME", "~")) / ".aws"
    credentials = environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"
    config = environ.get("AWS_CONFIG_FILE") or home / "config"
    return Path(credentials).is_file() or Path(config).is_file()


def _from_profile(profile: str | None) -> S3CredentialProvider | None:
    from boto3.session import Session  # noqa: PLC0415 - slow, see above
    from botocore.exceptions import ProfileNotFound  # noqa: PLC0415
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    try:
        session = Session(profile_name=profile)
    except ProfileNotFound as error:
        raise BadInput(f"AWS_PROFILE is {profile!r}, which is no profile of this machine; mend or unset it.") from error
    return Boto3CredentialProvider(session) if session.get_credentials() else None


def azure_config(environ: Mapping[str, str]) -> AzureConfig:
    """What AZURE_STORAGE_CONNECTION_STRING says, if it is set; obstore reads every other AZURE_STORAGE_* itself.

    Format: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    """
    pairs = [part.partition("=") for part in environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";")]
    said = {name.strip(): value for name, _, value in pairs}
    config: AzureConfig = {}
    if account := said.get("AccountName"):
        config["account_name"] = account
    if key := said.get("AccountKey"):
        config["account_key"] = key
    if signature := said.get("SharedAccessSignature"):
        config["sas_key"] = signature
    if endpoint := said.get("BlobEndpoint"):
        config["endpoint"] = endpoint
    return config
