"""Whatever functions declare has arrived on every cloud: each template is walked, expanded as its platform would."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from core.declaration import Declaration, declarations
from core.domain.access import KeyRing
from core.specfile import read_spec, spec_files
from iac.clocks import clocks
from iac.knative.manifest import name_of

from .expand import Ref, Resource, expand

IAC = Path(__file__).parents[2] / "iac"
DECLARED = declarations()
CLOCKS = list(clocks(list(DECLARED.values()), [read_spec(path) for path in spec_files(IAC.parent / "models")]))
EVENTS = [each for each in DECLARED.values() if each.kind == "event"]
ANY = "any"


@dataclass
class Arrived:
    """What one cloud's template says, by function: megabytes, seconds, most instances, permissions by zone."""

    triggers: set[tuple[str, str]] = field(default_factory=set)
    schedules: dict[tuple[str, str], str] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    timeout: dict[str, int] = field(default_factory=dict)
    turns: dict[str, tuple[int, int]] = field(default_factory=dict)  # of schedules that run by themselves
    most: dict[str, int] = field(default_factory=dict)
    grants: defaultdict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    starters: set[str] = field(default_factory=set)
    publishers: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Cloud:
    """How to read a template, and what its platform makes of what is declared."""

    read: Callable[[], Arrived]
    memory: Callable[[Declaration], int]
    timeout: Callable[[Declaration], int]
    words: Mapping[str, set[str]]
    zones: bool = True  # whether the platform tells zones apart


def rendered(*path: str) -> Any:
    return json.loads(IAC.joinpath("rendered", *path).read_text("utf-8"))


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def aws() -> Arrived:
    arrived, by_camel = Arrived(), {camel(name): name for name in DECLARED}
    functions = {**rendered("aws", "functions.json"), **rendered("aws", "train-zip.json")}
    for name, each in ((by_camel[key[0].upper() + key[1:]], value) for key, value in functions.items()):
        arrived.memory[name], arrived.timeout[name] = each["memorySize"], each["timeout"]
    resources = rendered("aws", "resources.json")["Resources"]
    resources |= rendered("aws", "jobs-lambda.json")["resources"]["Resources"]
    for id_, each in resources.items():
        if each["Type"] == "AWS::Events::Rule":
            _of_rule(arrived, by_camel, each["Properties"])
        if each["Type"] == "AWS::IAM::Role" and id_.removesuffix("Role") in by_camel:
            declared = [policy for policy in each["Properties"]["Policies"] if policy.get("PolicyName") == "declared"]
            policies = [policy["PolicyDocument"]["Statement"] for policy in declared]
            for statement in chain.from_iterable(policies):
                zone = re.fullmatch(r"([A-Z][a-z]+)Objects", statement.get("Sid", ""))
                if zone:
                    grants = arrived.grants[by_camel[id_.removesuffix("Role")]]
                    grants[zone.group(1).lower()] = set(statement["Action"])
    return arrived


def _of_rule(arrived: Arrived, by_camel: Mapping[str, str], rule: Mapping[str, Any]) -> None:
    (target,) = rule["Targets"]
    function = by_camel[target["Arn"]["Fn::GetAtt"][0].removesuffix("Queue")]
    if "ScheduleExpression" in rule:
        told = json.loads(target["InputTransformer"]["InputTemplate"])
        arrived.schedules[told["schedule"], told["model"]] = rule["ScheduleExpression"]
        assert told["schedule"] == function
    else:
        (bucket,) = rule["EventPattern"]["detail"]["bucket"]["name"]
        arrived.triggers.add((bucket["Fn::Sub"].rpartition("-")[2], function))


def megabytes(text: str) -> int:
    number, unit = re.fullmatch(r"([\d.]+)(Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return round(float(number) * (1024 if unit == "Gi" else 1))


def key_of(ref: object) -> str:
    """The key of the resource that is referred to, such as ingest of google_service_account.function[ingest].email."""
    found = re.search(r"\[([^\]]+)\]", str(ref))
    assert found, ref
    return found.group(1)


def gcp(folder: Path = IAC / "gcp") -> Arrived:
    arrived = Arrived()
    resources = expand(folder)
    roles = {each.key: set(each.body["permissions"]) for each in resources if each.type.endswith("custom_role")}
    for each in resources:
        match each.type, each.name:
            case "google_pubsub_subscription", "trigger":
                (push,) = each.body["push_config"]
                service, _, function = push["push_endpoint"].partition("/events/")
                assert key_of(service) == function
                arrived.triggers.add((key_of(each.body["topic"]), function))
            case "google_cloud_scheduler_job", _:
                (target,) = each.body["http_target"]
                told = json.loads(base64.b64decode(target["body"]))
                assert target["uri"].endswith(f"/events/{told['schedule']}")
                arrived.schedules[told["schedule"], told["model"]] = each.body["schedule"]
            case "google_storage_bucket_iam_member", _:
                function, zone = key_of(each.body["member"]), key_of(each.body["bucket"])
                arrived.grants[function][zone] = roles[key_of(each.body["role"])]
            case "google_cloud_run_v2_job_iam_member", _:
                arrived.starters.add(key_of(each.body["member"]))
            case "google_pubsub_topic_iam_member", "alerts":
                arrived.publishers.add(key_of(each.body["member"]))
            case "google_cloud_run_v2_service" | "google_cloud_run_v2_job", _:
                (template,) = each.body["template"]
                template = template.get("template", [template])[0]
                (container,), function = template["containers"], key_of(template["service_account"])
                arrived.memory[function] = megabytes(container["resources"][0]["limits"]["memory"])
                arrived.timeout[function] = int(template["timeout"].removesuffix("s"))
                if "scaling" in template:
                    arrived.most[function] = template["scaling"][0]["max_instance_count"]
                told = {env["name"] for env in container["env"]}
                assert ("TIDEMILL_ALERTS" in told) is DECLARED[function].publishes
    return arrived


def azure(folder: Path = IAC / "azure") -> Arrived:
    arrived = Arrived()
    resources = expand(folder)
    roles = {
        each.key: set(each.body["permissions"][0]["data_actions"])
        for each in resources
        if (each.type, each.name) == ("azurerm_role_definition", "verbs")
    }
    for each in resources:
        match each.type, each.name:
            case "azurerm_eventgrid_system_topic_event_subscription", _:
                (filtered,), (webhook,) = each.body["subject_filter"], each.body["webhook_endpoint"]
                service, _, function = webhook["url"].partition("/events/")
                assert key_of(service) == function
                zone = re.fullmatch(r"/blobServices/default/containers/(\w+)/", filtered["subject_begins_with"])
                assert zone
                arrived.triggers.add((zone.group(1), function))
            case "azurerm_role_assignment", "grant":
                function, zone = key_of(each.body["principal_id"]), key_of(each.body["scope"])
                arrived.grants[function][zone] = roles[key_of(each.body["role_definition_id"])]
            case "azurerm_role_assignment", "starts":
                arrived.starters.add(key_of(each.body["principal_id"]))
            case "azurerm_container_app" | "azurerm_container_app_job", _:
                _of_container(arrived, each)
    return arrived


def _of_container(arrived: Arrived, resource: Resource) -> None:
    body = resource.body
    (template,), (identity,) = body["template"], body["identity"]
    function = key_of(identity["identity_ids"][0])
    (container,) = template["container"]
    assert container["cpu"] * 2048 == megabytes(container["memory"])
    secrets = {each["name"]: each["value"] for each in body.get("secret", ())}
    if secrets.get("alerts") == Ref("var.alerts"):
        arrived.publishers.add(function)
    told = {env["name"] for env in container["env"]}
    assert ("TIDEMILL_JOBS" in told) is bool(DECLARED[function].starts)
    if "schedule_trigger_config" in body:
        module, of, model = container["args"][1:]
        assert (module, of) == ("core.hosts.scheduled", function)
        arrived.schedules[of, model] = body["schedule_trigger_config"][0]["cron_expression"]
        arrived.turns[of] = megabytes(container["memory"]), body["replica_timeout_in_seconds"]
        assert re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{0,30}[a-z0-9]", body["name"]), body["name"]
        return
    arrived.memory[function] = megabytes(container["memory"])
    arrived.most |= {function: template["max_replicas"]} if "max_replicas" in template else {}
    grace = template.get("termination_grace_period_seconds")
    arrived.timeout[function] = grace if grace is not None else body["replica_timeout_in_seconds"]


def knative() -> Arrived:
    arrived, by_name = Arrived(), {name_of(name): name for name in DECLARED}
    for item in rendered("knative", "tidemill.json")["items"]:
        name, spec = item["metadata"]["name"], item.get("spec", {})
        match item["kind"]:
            case "Trigger":
                function = by_name[spec["subscriber"]["ref"]["name"]]
                assert spec["subscriber"]["uri"] == f"/events/{function}"
                arrived.triggers.add((ANY, function))
            case "Service":
                pod = spec["template"]["spec"]
                arrived.timeout[by_name[name]] = pod["timeoutSeconds"]
                arrived.memory[by_name[name]] = _limit(pod)
                most = spec["template"]["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"]
                arrived.most[by_name[name]] = int(most)
                assert pod["serviceAccountName"] == name
            case "RoleBinding":
                arrived.starters |= {by_name[each["name"]] for each in item["subjects"]}
            case "InferenceService":
                arrived.memory[by_name[name]] = _limit(spec["predictor"])
            case "CronJob":
                job = spec["jobTemplate"]["spec"]
                pod = job["template"]["spec"]
                if spec.get("suspend"):
                    arrived.memory[by_name[name]] = _limit(pod)
                    continue
                function, model = pod["containers"][0]["command"][3:]
                arrived.schedules[function, model] = spec["schedule"]
                arrived.turns[function] = _limit(pod), job["activeDeadlineSeconds"]
    return arrived


def _limit(pod: Mapping[str, Any]) -> int:
    (container,) = pod["containers"]
    return megabytes(container["resources"]["limits"]["memory"])


BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
OBJECTS = "storage.objects"
CLOUDS = {
    "aws": Cloud(
        aws,
        lambda each: each.memory,
        lambda each: min(900, each.timeout),
        {"read": {"s3:GetObject"}, "list": set(), "create": {"s3:PutObject"}, "replace": {"s3:PutObject"}},
    ),
    "azure": Cloud(
        azure,
        lambda each: math.ceil(each.memory / 512) * 512,
        lambda each: min(600, each.timeout) if each.kind != "job" else each.timeout,
        {
            "read": {f"{BLOBS}/read"},
            "list": {f"{BLOBS}/read"},
            "create": {f"{BLOBS}/add/action"},
            "replace": {f"{BLOBS}/write"},
        },
    ),
    "gcp": Cloud(
        gcp,
        lambda each: max(512, each.memory),
        lambda each: each.timeout,
        {
            "read": {f"{OBJECTS}.get"},
            "list": {f"{OBJECTS}.list"},
            "create": {f"{OBJECTS}.create"},
            "replace": {f"{OBJECTS}.create", f"{OBJECTS}.delete"},
        },
    ),
    "knative": Cloud(knative, lambda each: max(512, each.memory), lambda each: min(600, each.timeout), {}, zones=False),
}
each_cloud = pytest.mark.parametrize("cloud", CLOUDS)


@cache
def told_by(cloud: str) -> Arrived:
    return CLOUDS[cloud].read()


@each_cloud
def test_every_trigger_has_arrived(cloud: str) -> None:
    zones = CLOUDS[cloud].zones
    wanted = {(trigger.zone if zones else ANY, each.name) for each in EVENTS for trigger in each.triggers}
    if not zones:
        wanted |= {(ANY, each.name) for each in EVENTS}  # a broker tells everybody of everything
    assert told_by(cloud).triggers == wanted


@each_cloud
def test_every_schedule_has_arrived(cloud: str) -> None:
    told = told_by(cloud).schedules
    assert set(told) == {(each["function"], each["model"]) for each in CLOCKS}
    if cloud != "aws":  # which says intervals as they are
        assert told == {(each["function"], each["model"]): each["cron"] for each in CLOCKS}


@each_cloud
def test_memory_and_timeouts_have_arrived(cloud: str) -> None:
    told, how = told_by(cloud), CLOUDS[cloud]
    assert told.memory == {name: how.memory(each) for name, each in DECLARED.items()}
    wanted = {name: how.timeout(each) for name, each in DECLARED.items() if name in told.timeout}
    assert told.timeout == wanted
    assert {each.name for each in EVENTS} <= set(told.timeout)
    assert told.turns == {name: (how.memory(DECLARED[name]), DECLARED[name].timeout) for name in told.turns}
    if cloud in {"azure", "knative"}:
        assert set(told.turns) == {each["function"] for each in CLOCKS}


@pytest.mark.parametrize("cloud", [name for name, each in CLOUDS.items() if each.words])
def test_every_permission_has_arrived_and_no_other(cloud: str) -> None:
    words = CLOUDS[cloud].words
    for name, each in DECLARED.items():
        wanted = {zone: set().union(*(words[verb] for verb in verbs)) for zone, verbs in each.zones.items()}
        assert told_by(cloud).grants[name] == wanted, name


@pytest.mark.parametrize("cloud", ["azure", "gcp", "knative"])
def test_how_many_at_once_and_who_starts_jobs_has_arrived(cloud: str) -> None:
    told = told_by(cloud)
    assert {each.name: each.concurrency or 10 for each in EVENTS}.items() <= told.most.items()
    assert told.starters == {name for name, each in DECLARED.items() if each.starts}


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_only_what_publishes_knows_who_is_told(cloud: str) -> None:
    assert told_by(cloud).publishers == {name for name, each in DECLARED.items() if each.publishes}


def test_event_grid_shows_a_key_that_opens_every_function() -> None:
    resources = expand(IAC / "azure")
    (shown,) = {
        each.body["delivery_property"][0]["value"] for each in resources if each.type.endswith("event_subscription")
    }
    apps = [each for each in resources if (each.type, each.name) == ("azurerm_container_app", "function")]
    for app in apps:
        (ring,) = [secret["value"] for secret in app.body["secret"] if secret["name"] == "keys"]
        found = KeyRing.decode(ring).find(str(shown), datetime.now(UTC))
        assert found is not None
        assert found.models is None
    assert len(apps) == len(EVENTS)


def copied(cloud: str, folder: Path, line: str = "", wrong: str = "") -> Path:
    """The templates of a cloud beside the rendered file, with another line in place of one."""
    for part in (cloud, "rendered"):
        (folder / part).mkdir()
    for path in (IAC / cloud).glob("*.tf"):
        (folder / cloud / path.name).write_text(path.read_text("utf-8").replace(line or wrong, wrong), "utf-8")
    (folder / "rendered" / "containers.json").write_text(json.dumps(rendered("containers.json")))
    return folder / cloud


@pytest.mark.parametrize(
    ("cloud", "line", "wrong", "what"),
    [
        ("azure", "for name in each.events :", 'for name in ["ingest"] :', "triggers"),
        ("azure", "cron_expression = each.value.cron", 'cron_expression = "0 0 * * *"', "schedules"),
        ("azure", "ceil(each.memory / 512) * 0.25", "max(1, 1)", "memory"),
        ("azure", "min(600, each.value.timeout)", "60", "timeout"),
        ("azure", "/add/action", "/write", "grants"),
        ("azure", "coalesce(each.value.concurrency, 10)", "1", "most"),
        ("gcp", "for name in each.events :", 'for name in ["ingest"] :', "triggers"),
        ("gcp", "schedule  = each.value.cron", 'schedule  = "0 0 * * *"', "schedules"),
        ("gcp", "max(512, each.value.memory)", "512", "memory"),
        ("gcp", "${each.value.timeout}s", "60s", "timeout"),
        ("gcp", '"storage.objects.delete"', '"storage.buckets.delete"', "grants"),
        ("gcp", "coalesce(each.value.concurrency, 10)", "1", "most"),
    ],
)
def test_what_has_not_arrived_is_missed(cloud: str, line: str, wrong: str, what: str, tmp_path: Path) -> None:
    read = {"azure": azure, "gcp": gcp}[cloud]
    told = read(copied(cloud, tmp_path, line, wrong))
    assert getattr(told, what) != getattr(told_by(cloud), what)


def with_another(cloud: str, folder: Path) -> Path:
    """The templates of a cloud beside a rendered file that has a function and a schedule more."""
    copied(cloud, folder)
    document = rendered("containers.json")
    document["functions"]["extra"] = {**document["functions"]["ingest"], "grants": {"edge": ["read"]}}
    document["zones"]["edge"]["events"].append("extra")
    document["schedules"]["extra-m"] = {"name": "extra-m", "function": "extra", "model": "m", "cron": "0 0 * * *"}
    (folder / "rendered" / "containers.json").write_text(json.dumps(document))
    return folder / cloud


ADDED = {
    "azure": {
        "azurerm_container_app.function.extra",
        "azurerm_container_app_job.schedule.extra-m",
        "azurerm_eventgrid_system_topic_event_subscription.trigger.edge.extra",
        "azurerm_monitor_metric_alert.failures.extra",
        "azurerm_role_assignment.grant.extra.edge",
        "azurerm_role_assignment.pull.extra",
        "azurerm_user_assigned_identity.function.extra",
    },
    "gcp": {
        "google_cloud_run_v2_service.function.extra",
        "google_cloud_run_v2_service_iam_member.caller.extra",
        "google_cloud_scheduler_job.schedule.extra-m",
        "google_monitoring_alert_policy.dead_letters.extra",
        "google_monitoring_alert_policy.failures.extra",
        "google_project_iam_custom_role.grant.extra.edge",
        "google_pubsub_subscription.dead_letters.extra",
        "google_pubsub_subscription.trigger.edge.extra",
        "google_pubsub_subscription_iam_member.trigger.edge.extra",
        "google_pubsub_topic.dead_letters.extra",
        "google_pubsub_topic.zone.edge",
        "google_pubsub_topic_iam_member.dead_letters.extra",
        "google_pubsub_topic_iam_member.storage.edge",
        "google_service_account.function.extra",
        "google_storage_bucket_iam_member.grant.extra.edge",
        "google_storage_notification.zone.edge",
    },
}


@pytest.mark.parametrize("cloud", ADDED)
def test_another_function_and_schedule_need_no_change_by_hand(cloud: str, tmp_path: Path) -> None:
    before, after = (
        {f"{each.type}.{each.name}.{each.key}" for each in expand(folder)}
        for folder in (IAC / cloud, with_another(cloud, tmp_path))
    )
    assert after - before == ADDED[cloud]
    assert before <= after
