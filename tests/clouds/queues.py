"""Queues of Azure Storage on azurite, opened to us by a shared access signature as the adapter takes it."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from tests.contracts.test_azure import ACCOUNT, KEY


def make_queue(server: str, name: str) -> str:
    """The URL of a new queue, signed."""
    url = f"{server}/{ACCOUNT}/{name}?{_signature()}"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10).close()
    return url


def waiting(url: str) -> int:
    """How many messages a queue has, hidden ones too: what Container Apps looks at."""
    with urllib.request.urlopen(f"{url}&comp=metadata", timeout=10) as answer:
        return int(answer.headers["x-ms-approximate-messages-count"])


def seen(url: str) -> list[str]:
    """What the messages say that nobody has taken; they stay."""
    place, _, signature = url.partition("?")
    with urllib.request.urlopen(f"{place}/messages?peekonly=true&numofmessages=32&{signature}", timeout=10) as answer:
        return [each.findtext("MessageText", "") for each in ET.fromstring(answer.read()).iter("QueueMessage")]


def _signature() -> str:
    return generate_account_sas(
        account_name=ACCOUNT,
        account_key=KEY,
        resource_types=ResourceTypes(service=True, container=True, object=True),
        permission=AccountSasPermissions(
            read=True, write=True, delete=True, list=True, add=True, create=True, update=True, process=True
        ),
        expiry=datetime.now(UTC) + timedelta(days=1),
        services=Services(queue=True),
        protocol="https,http",
    )
