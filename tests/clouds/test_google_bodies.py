"""What the templates would send to Google's APIs, held against the discovery documents that Google publishes of them.

Terraform's blocks are the messages of the APIs in other letters: names with underscores for those in camel case, a
block for each object. So a body is made of each resource as it is expanded, and all of it must be documented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.declaration import declarations

from .expand import Ref, Resource, expand
from .provider_schema import discovery, json_schema

GCP = Path(__file__).parents[2] / "iac" / "gcp"
MESSAGES = {
    "google_cloud_run_v2_service": ("run.v2", "GoogleCloudRunV2Service"),
    "google_cloud_run_v2_job": ("run.v2", "GoogleCloudRunV2Job"),
    "google_cloudfunctions2_function": ("cloudfunctions.v2", "Function"),
    "google_cloud_scheduler_job": ("cloudscheduler.v1", "Job"),
    "google_pubsub_subscription": ("pubsub.v1", "Subscription"),
}
TERRAFORMS = {"deletion_protection", "depends_on", "location"}
"""Arguments that say where or how, and are in no body."""


def body(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """What Terraform sends of a block, by the message that is wanted."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if isinstance(value, Ref):
        return str(value)
    if schema.get("type") == "object" and isinstance(value, list):
        (value,) = value  # a block that comes once
    if isinstance(value, Mapping):
        if "additionalProperties" in schema:
            return {name: body(each, schema["additionalProperties"], schemas) for name, each in value.items()}
        known = schema.get("properties", {})
        return {camel(name): body(each, known.get(camel(name), {}), schemas) for name, each in value.items()}
    if isinstance(value, list):
        return [body(each, schema.get("items", {}), schemas) for each in value]
    return value


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def sent(resource: Resource) -> Any:
    api, name = MESSAGES[resource.type]
    told = {key: value for key, value in resource.body.items() if key not in TERRAFORMS and value != []}
    schemas = discovery(api)["schemas"]
    return body(told, schemas[name], schemas)


def resources(tmp_path: Path) -> list[Resource]:
    """Of both hosts that functions can have."""
    archive = tmp_path / "source.zip"
    archive.write_bytes(b"")
    sources = {name: str(archive) for name, each in declarations().items() if each.kind == "event"}
    return [each for given in ({}, sources) for each in expand(GCP, sources=given) if each.type in MESSAGES]


@pytest.mark.slow
@pytest.mark.parametrize("type_", MESSAGES)
def test_what_is_sent_is_documented(tmp_path: Path, type_: str) -> None:
    schema = json_schema(*MESSAGES[type_])
    found = [each for each in resources(tmp_path) if each.type == type_]
    assert found
    for each in found:
        jsonschema.validate(sent(each), schema)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("type_", "path", "value"),
    [
        ("google_cloud_run_v2_service", ["template", 0, "concurrency"], 1),
        ("google_cloud_run_v2_service", ["template", 0, "containers", 0, "image"], 7),
        ("google_cloud_run_v2_service", ["ingress"], "INTERNAL"),
        ("google_cloud_run_v2_job", ["template", 0, "template", 0, "retries"], 1),
        ("google_cloudfunctions2_function", ["service_config", 0, "memory"], "1Gi"),
        ("google_cloudfunctions2_function", ["service_config", 0, "ingress_settings"], "INTERNAL"),
        ("google_cloudfunctions2_function", ["build_config", 0, "handler"], "http"),
        ("google_cloud_scheduler_job", ["http_target", 0, "url"], "x"),
        ("google_pubsub_subscription", ["ack_deadline"], 600),
    ],
)
def test_what_is_not_documented_is_caught(tmp_path: Path, type_: str, path: list[Any], value: Any) -> None:
    resource = next(each for each in resources(tmp_path) if each.type == type_)
    inner: Any = resource.body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(sent(resource), json_schema(*MESSAGES[type_]))
