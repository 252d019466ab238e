"""The templates say what the functions declare, in words that the providers know."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from core.declaration import declarations
from core.specfile import read_spec, spec_files
from iac.clocks import clocks, cron, interval

from .terraform import mistakes, unformatted

ROOT = Path(__file__).parents[2]
TERRAFORM = {cloud: ROOT / "iac" / cloud for cloud in ("azure", "gcp")}
KUBERNETES = "1.34"
RENDERED = json.loads((ROOT / "iac" / "rendered" / "containers.json").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", TERRAFORM)
def test_the_provider_knows_every_type_and_argument(cloud: str) -> None:
    assert mistakes(TERRAFORM[cloud]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cloud", "line", "wrong", "words"),
    [
        ("gcp", "ack_deadline_seconds = 600", "ack_deadline = 600", "there is no argument ack_deadline"),
        ("gcp", "ack_deadline_seconds = 600", 'ack_deadline_seconds = "soon"', "must be a number"),
        ("gcp", 'resource "google_pubsub_topic" "zone"', 'resource "google_pubsub_topics" "zone"', "no such type"),
        ("gcp", "topic          = each.value.id", "", "topic is missing"),
        ("gcp", "google_pubsub_topic.dead_letters[each.key].id", "google_pubsub_topic.dead[each.key].id", "not there"),
        ("gcp", "var.image", "var.picture", "var.picture"),
        ("azure", "cron_expression = schedule", "cron = schedule", "there is no argument cron"),
        ("azure", "min_executions              = 0", 'min_executions = "few"', "must be a number"),
        ("azure", 'resource "azurerm_container_app" "endpoint"', 'resource "azurerm_app" "endpoint"', "no such type"),
        ("azure", "data_actions =", "data_verbs =", "there is no argument data_verbs"),
        ("azure", "azurerm_storage_container.zone[", "azurerm_storage_container.zones[", "not there"),
        ("azure", "local.triggers", "local.trigger", "local.trigger is referred to"),
    ],
)
def test_a_wrong_file_is_caught(tmp_path: Path, cloud: str, line: str, wrong: str, words: str) -> None:
    for path in TERRAFORM[cloud].glob("*.tf"):
        text = path.read_text("utf-8")
        (tmp_path / path.name).write_text(text.replace(line, wrong), "utf-8")
    assert any(words in each for each in mistakes(tmp_path))


@pytest.mark.parametrize("cloud", TERRAFORM)
def test_terraform_is_formatted(tmp_path: Path, cloud: str) -> None:
    assert [each for path in sorted(TERRAFORM[cloud].glob("*.tf")) for each in unformatted(path)] == []
    wrong = shutil.copy(TERRAFORM[cloud] / "outputs.tf", tmp_path)
    Path(wrong).write_text(Path(wrong).read_text("utf-8").replace("  value       =", "    value ="), "utf-8")
    assert unformatted(Path(wrong)) != []


def test_every_declared_thing_is_rendered() -> None:
    declared = declarations()
    specs = [read_spec(path) for path in spec_files(ROOT / "models")]
    assert set(RENDERED["functions"]) == set(declared)
    for name, each in declared.items():
        told = RENDERED["functions"][name]
        assert (told["memory"], told["timeout"], told["kind"]) == (each.memory, each.timeout, each.kind)
        assert told["grants"] == {zone: list(verbs) for zone, verbs in each.zones.items()}
        zones = {zone for zone, watched in RENDERED["zones"].items() if name in watched["events"]}
        assert zones == {trigger.zone for trigger in each.triggers}
        timed = [spec.model for spec in specs if interval(each, spec) is not None]
        assert [clock["model"] for clock in RENDERED["schedules"].values() if clock["function"] == name] == timed
    assert list(RENDERED["schedules"].values()) == list(clocks(list(declared.values()), specs))


MANIFEST = json.loads((ROOT / "iac" / "rendered" / "knative" / "tidemill.json").read_text("utf-8"))["items"]
CUSTOM = {"serving.knative.dev/v1", "eventing.knative.dev/v1", "serving.kserve.io/v1beta1"}
"""Kinds that Kubernetes itself does not know; their pods are checked, the rest of them is not."""


@pytest.mark.parametrize("item", MANIFEST, ids=lambda item: f"{item['kind']}-{item['metadata']['name']}")
def test_kubernetes_takes_every_item(item: dict[str, Any]) -> None:
    if item["apiVersion"] not in CUSTOM:
        kubernetes_validate.validate(item, KUBERNETES, strict=True)
        return
    for spec in pods_in(item):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": item["metadata"], "spec": spec}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


OF_CONTROLLERS = {"containerConcurrency", "timeoutSeconds", "timeout", "maxReplicas"}
"""Fields that Knative and KServe put beside those of a pod."""


def pods_in(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The pods of a custom resource, with the names that its controller gives and without what is its own."""
    spec = item["spec"].get("predictor") or item["spec"].get("template", {}).get("spec")
    if spec is None:
        return []
    plain = {name: value for name, value in spec.items() if name not in OF_CONTROLLERS}
    return [{**plain, "containers": [{"name": "user-container", **each} for each in plain["containers"]]}]


def test_the_endpoint_keeps_the_contract_of_a_custom_predictor() -> None:
    """https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/custom-predictor"""
    (item,) = [item for item in MANIFEST if item["kind"] == "InferenceService"]
    (container,) = item["spec"]["predictor"]["containers"]
    assert (container["name"], container["ports"]) == ("kserve-container", [{"containerPort": 8080}])
    assert container["command"] == ["python", "-m", "functions.realtime_inference.container"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/v2/health/ready", "port": 8080}


def test_a_wrong_manifest_is_caught() -> None:
    item = next(item for item in MANIFEST if item["kind"] == "CronJob")
    wrong = {**item, "spec": {**item["spec"], "schedules": "* * * * *"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_cron_is_never_slower_than_what_was_asked_for() -> None:
    assert cron(timedelta(minutes=90)) == "0 * * * *"
    assert cron(timedelta(seconds=1)) == "*/1 * * * *"
    assert cron(timedelta(hours=36)) == "0 0 * * *"
    assert cron(timedelta(hours=7)) == "0 */6 * * *"
