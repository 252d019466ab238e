"""Whatever functions declare has arrived on every cloud: each template is walked, expanded as its platform would."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from core.declaration import Declaration, Trigger, declarations
from core.hosts import queued
from core.spec import ModelSpec
from core.specfile import read_spec, spec_files
from iac.clocks import clocks
from iac.knative.manifest import name_of
from iac.render import rendered as rendered_files

from .expand import Resource, expand

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
    most: dict[str, float] = field(default_factory=dict)
    grants: defaultdict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    starters: set[str] = field(default_factory=set)
    publishers: set[str] = field(default_factory=set)
    attempts: dict[str, int] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)  # whose dead letters are
    alarmed: set[str] = field(default_factory=set)  # of whose dead letters somebody is told
    budget: bool = False


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
        environment = each["environment"]
        arrived.starters |= {name} if "TIDEMILL_JOBS" in environment else set()
        arrived.publishers |= {name} if "TIDEMILL_ALERTS" in environment else set()
        mapped = [event["sqs"] for event in each.get("events", ()) if "sqs" in event]
        for queue in mapped:
            arrived.most[name] = queue.get("maximumConcurrency", math.inf)
    resources = rendered("aws", "resources.json")["Resources"]
    resources |= rendered("aws", "jobs-lambda.json")["resources"]["Resources"]
    for id_, each in resources.items():
        if each["Type"] == "AWS::Events::Rule":
            _of_rule(arrived, by_camel, each["Properties"])
        if each["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in each["Properties"]:
            function, redrive = id_.removesuffix("Queue"), each["Properties"]["RedrivePolicy"]
            arrived.attempts[by_camel[function]] = redrive["maxReceiveCount"]
            assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{function}DeadLetters", "Arn"]}
            arrived.kept.add(by_camel[function])
        if each["Type"] == "AWS::CloudWatch::Alarm" and id_.endswith("HasDeadLetters"):
            arrived.alarmed.add(by_camel[id_.removesuffix("HasDeadLetters")])
        arrived.budget |= each["Type"] == "AWS::Budgets::Budget"
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


def gcp(folder: Path = IAC / "gcp", **variables: Any) -> Arrived:
    arrived = Arrived()
    resources = expand(folder, **variables)
    roles = {each.key: set(each.body["permissions"]) for each in resources if each.type.endswith("custom_role")}
    for each in resources:
        _of_google_events(arrived, each)
        _of_google_permissions(arrived, each, roles)
        _of_google_functions(arrived, each)
        match each.type, each.name:
            case "google_monitoring_alert_policy", "dead_letters":
                arrived.alarmed.add(str(each.key))
            case "google_billing_budget", _:
                arrived.budget = True
    return arrived


def _of_google_events(arrived: Arrived, each: Resource) -> None:
    match each.type, each.name:
        case "google_pubsub_subscription", "trigger":
            (push,) = each.body["push_config"]
            service, _, function = push["push_endpoint"].partition("/events/")
            assert key_of(service) == function
            arrived.triggers.add((key_of(each.body["topic"]), function))
            (policy,), (retry,) = each.body["dead_letter_policy"], each.body["retry_policy"]
            assert key_of(policy["dead_letter_topic"]) == function
            assert retry == {"minimum_backoff": "10s", "maximum_backoff": "600s"}
            arrived.attempts[function] = policy["max_delivery_attempts"]
        case "google_pubsub_subscription", "dead_letters":
            assert key_of(each.body["topic"]) == each.key
            arrived.kept.add(str(each.key))
        case "google_cloud_scheduler_job", _:
            (target,) = each.body["http_target"]
            told = json.loads(base64.b64decode(target["body"]))
            assert target["uri"].endswith(f"/events/{told['schedule']}")
            assert each.body["attempt_deadline"] == f"{DECLARED[told['schedule']].timeout}s"
            arrived.schedules[told["schedule"], told["model"]] = each.body["schedule"]


def _of_google_permissions(arrived: Arrived, each: Resource, roles: Mapping[str | None, set[str]]) -> None:
    match each.type, each.name:
        case "google_storage_bucket_iam_member", _:
            function, zone = key_of(each.body["member"]), key_of(each.body["bucket"])
            arrived.grants[function][zone] = roles[key_of(each.body["role"])]
        case "google_cloud_run_v2_job_iam_member", _:
            arrived.starters.add(key_of(each.body["member"]))
        case "google_pubsub_topic_iam_member", "alerts":
            arrived.publishers.add(key_of(each.body["member"]))


def _of_google_functions(arrived: Arrived, each: Resource) -> None:
    match each.type:
        case "google_cloudfunctions2_function":
            (service,), function = each.body["service_config"], str(each.key)
            assert key_of(service["service_account_email"]) == function
            arrived.memory[function] = megabytes(service["available_memory"])
            arrived.timeout[function] = service["timeout_seconds"]
            arrived.most[function] = service["max_instance_count"]
            _knows(function, service["environment_variables"])
        case "google_cloud_run_v2_service" | "google_cloud_run_v2_job":
            (template,) = each.body["template"]
            template = template.get("template", [template])[0]
            (container,), function = template["containers"], key_of(template["service_account"])
            arrived.memory[function] = megabytes(container["resources"][0]["limits"]["memory"])
            arrived.timeout[function] = int(template["timeout"].removesuffix("s"))
            if "scaling" in template:
                arrived.most[function] = template["scaling"][0]["max_instance_count"]
            _knows(function, [env["name"] for env in container["env"]])


def _knows(function: str, environment: Collection[str]) -> None:
    """Only who tells people knows whom, and only who starts jobs knows how."""
    assert ("TIDEMILL_ALERTS" in environment) is DECLARED[function].publishes
    assert ("TIDEMILL_JOBS" in environment) is bool(DECLARED[function].starts)


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
                (filtered,), (queue,) = each.body["subject_filter"], each.body["storage_queue_endpoint"]
                zone = re.fullmatch(r"/blobServices/default/containers/(\w+)/", filtered["subject_begins_with"])
                assert zone
                arrived.triggers.add((zone.group(1), key_of(queue["queue_name"])))
                assert each.body["retry_policy"] == [{"event_time_to_live": 1440, "max_delivery_attempts": 30}]
                assert "storage_blob_dead_letter_destination" in each.body
            case "azurerm_role_assignment", "grant":
                function, zone = key_of(each.body["principal_id"]), key_of(each.body["scope"])
                arrived.grants[function][zone] = roles[key_of(each.body["role_definition_id"])]
            case "azurerm_role_assignment", "starts":
                arrived.starters.add(key_of(each.body["principal_id"]))
            case "azurerm_role_assignment", "alerts":
                arrived.publishers.add(key_of(each.body["principal_id"]))
            case "azurerm_container_app" | "azurerm_container_app_job", _:
                _of_container(arrived, each)
            case "azurerm_monitor_scheduled_query_rules_alert_v2", _ if each.key == "dead-letters":
                (criteria,) = each.body["criteria"]
                assert "'dead letter: '" in criteria["query"]  # as core.hosts.queued has it
                assert criteria["dimension"] == [{"name": "function", "operator": "Include", "values": ["*"]}]
                arrived.alarmed |= {each.name for each in EVENTS}
            case "azurerm_consumption_budget_resource_group", _:
                arrived.budget = True
    return arrived


def _of_container(arrived: Arrived, resource: Resource) -> None:
    body = resource.body
    (template,), (identity,) = body["template"], body["identity"]
    function = key_of(identity["identity_ids"][0])
    (container,) = template["container"]
    memory, told = megabytes(container["memory"]), {env["name"]: env.get("value") for env in container["env"]}
    assert container["cpu"] * 2048 == memory
    assert ("TIDEMILL_ALERTS" in told) is bool(body.get("secret"))
    _knows(function, told)
    if body.get("schedule_trigger_config"):
        module, of, model = container["args"][1:]
        assert (module, of) == ("core.hosts.scheduled", function)
        arrived.schedules[of, model] = body["schedule_trigger_config"][0]["cron_expression"]
        arrived.turns[of] = memory, body["replica_timeout_in_seconds"]
        assert re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{0,30}[a-z0-9]", body["name"]), body["name"]
        return
    arrived.memory[function] = memory
    if body.get("event_trigger_config"):
        (scale,) = body["event_trigger_config"][0]["scale"]
        arrived.most[function] = scale["max_executions"]
        _of_reader(function, scale, told)
        arrived.attempts[function] = queued.ATTEMPTS
        arrived.kept.add(function)
    arrived.most |= {function: template["max_replicas"]} if "max_replicas" in template else {}
    grace = template.get("termination_grace_period_seconds")
    arrived.timeout[function] = grace if grace is not None else body["replica_timeout_in_seconds"]


def _of_reader(function: str, scale: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """It reads the queue that it is started by, and no other; what it gives up is kept in the one beside it."""
    (rule,) = scale["rules"]
    assert (scale["min_executions"], rule["custom_rule_type"]) == (0, "azure-queue")
    assert key_of(rule["metadata"]["queueName"]) == key_of(rule["identity_id"]) == function
    assert told["TIDEMILL_FUNCTION"] == function
    assert told["TIDEMILL_QUEUE"].endswith(f"azurerm_storage_queue.events[{function}].name")
    assert told["TIDEMILL_DEAD_LETTERS"].endswith(f"azurerm_storage_queue.dead_letters[{function}].name")


def knative() -> Arrived:
    arrived, by_name = Arrived(), {name_of(name): name for name in DECLARED}
    for item in rendered("knative", "tidemill.json")["items"]:
        name, spec = item["metadata"]["name"], item.get("spec", {})
        match item["kind"]:
            case "Trigger":
                function = by_name[spec["subscriber"]["ref"]["name"]]
                assert spec["subscriber"]["uri"] == f"/events/{function}"
                arrived.triggers.add((ANY, function))
                assert spec["delivery"]["backoffPolicy"] == "exponential"
                arrived.attempts[function] = spec["delivery"]["retry"] + 1
            case "Service":
                pod = spec["template"]["spec"]
                arrived.timeout[by_name[name]] = pod["timeoutSeconds"]
                arrived.memory[by_name[name]] = _limit(pod)
                most = spec["template"]["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"]
                arrived.most[by_name[name]] = int(most)
                assert pod["serviceAccountName"] == name
                told = {env["name"] for env in pod["containers"][0]["env"]}
                assert ("TIDEMILL_JOBS" in told) is bool(DECLARED[by_name[name]].starts)
            case "RoleBinding":
                arrived.starters |= {by_name[each["name"]] for each in item["subjects"]}
            case "InferenceService":
                predictor, function = spec["predictor"], by_name[name]
                arrived.memory[function], arrived.timeout[function] = _limit(predictor), predictor["timeout"]
                arrived.most[function] = predictor["maxReplicas"]
            case "CronJob":
                job = spec["jobTemplate"]["spec"]
                pod = job["template"]["spec"]
                if spec.get("suspend"):
                    arrived.memory[by_name[name]] = _limit(pod)
                    arrived.timeout[by_name[name]] = job["activeDeadlineSeconds"]
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
        lambda each: 2 * each.timeout if each.kind == "event" else each.timeout,
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
    "knative": Cloud(
        knative,
        lambda each: max(512, each.memory),
        lambda each: each.timeout if each.kind == "job" else min(600, each.timeout),
        {},
        zones=False,
    ),
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
    assert told.timeout == {name: how.timeout(each) for name, each in DECLARED.items()}
    assert told.turns == {name: (how.memory(DECLARED[name]), DECLARED[name].timeout) for name in told.turns}
    if cloud in {"azure", "knative"}:
        assert set(told.turns) == {each["function"] for each in CLOCKS}


@pytest.mark.parametrize("cloud", [name for name, each in CLOUDS.items() if each.words])
def test_every_permission_has_arrived_and_no_other(cloud: str) -> None:
    words = CLOUDS[cloud].words
    for name, each in DECLARED.items():
        wanted = {zone: set().union(*(words[verb] for verb in verbs)) for zone, verbs in each.zones.items()}
        assert told_by(cloud).grants[name] == wanted, name


@each_cloud
def test_how_many_at_once_and_who_starts_jobs_has_arrived(cloud: str) -> None:
    told, most = told_by(cloud), {each.name: float(each.concurrency or 10) for each in EVENTS}
    if cloud == "aws":  # where the others are bounded by the account
        most = {each.name: each.concurrency or math.inf for each in EVENTS}
    assert most.items() <= told.most.items()
    assert told.starters == {name for name, each in DECLARED.items() if each.starts}


ATTEMPTS = {"aws": 3, "azure": 5, "gcp": 5, "knative": 6}
"""As docs/clouds.md tells."""


@each_cloud
def test_what_fails_is_tried_again(cloud: str) -> None:
    triggered = {each.name: ATTEMPTS[cloud] for each in EVENTS if each.triggers}
    assert triggered.items() <= told_by(cloud).attempts.items()
    assert set(told_by(cloud).attempts.values()) == {ATTEMPTS[cloud]}


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_what_is_given_up_is_kept_and_told_and_money_is_watched(cloud: str) -> None:
    told, names = told_by(cloud), {each.name for each in EVENTS}
    assert told.kept == names
    assert told.alarmed >= names
    assert told.budget


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_only_what_publishes_knows_who_is_told(cloud: str) -> None:
    assert told_by(cloud).publishers == {name for name, each in DECLARED.items() if each.publishes}


def test_what_runs_from_source_on_google_cloud_is_declared_alike(tmp_path: Path) -> None:
    archive = tmp_path / "source.zip"
    archive.write_bytes(b"")
    assert gcp(sources={each.name: str(archive) for each in EVENTS}) == told_by("gcp")
    assert gcp(sources={"ingest": str(archive)}) == told_by("gcp")


def test_on_azure_a_queue_stands_between_event_grid_and_each_function() -> None:
    """Who fills it, who reads it, and who keeps what is given up, is granted on that queue alone."""
    resources = expand(IAC / "azure")
    names = {each.name for each in EVENTS}
    roles = {"delivers": "events", "queue": "events", "gives_up": "dead_letters"}
    for role, queues in roles.items():
        granted = [each for each in resources if (each.type, each.name) == ("azurerm_role_assignment", role)]
        assert {each.key for each in granted} == names
        for each in granted:
            assert str(each.body["scope"]) == f"azurerm_storage_queue.{queues}[{each.key}].id"
            if role != "delivers":
                assert key_of(each.body["principal_id"]) == each.key
    exposed = [each for each in resources if each.body.get("ingress") or each.body.get("webhook_endpoint")]
    assert [each.key for each in exposed] == [each.name for each in DECLARED.values() if each.kind == "http"]


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
        ("azure", "= each.cron", '= "0 0 * * *"', "schedules"),
        ("azure", "ceil(each.memory / 512) * 0.25", "max(1, 1)", "memory"),
        ("azure", "2 * each.timeout", "60", "timeout"),
        ("azure", "/add/action", "/write", "grants"),
        ("azure", "coalesce(local.functions[each.value.function].concurrency, 10)", "1", "most"),
        ("gcp", "for name in each.events :", 'for name in ["ingest"] :', "triggers"),
        ("gcp", "max_delivery_attempts = 5", "max_delivery_attempts = 6", "attempts"),
        ("gcp", "schedule         = each.value.cron", 'schedule         = "0 0 * * *"', "schedules"),
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
        "azurerm_container_app_job.job.extra",
        "azurerm_container_app_job.job.extra-m",
        "azurerm_eventgrid_system_topic_event_subscription.trigger.edge.extra",
        "azurerm_role_assignment.delivers.extra",
        "azurerm_role_assignment.gives_up.extra",
        "azurerm_role_assignment.grant.extra.edge",
        "azurerm_role_assignment.pull.extra",
        "azurerm_role_assignment.queue.extra",
        "azurerm_storage_queue.dead_letters.extra",
        "azurerm_storage_queue.events.extra",
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


def test_another_function_is_rendered_for_the_clouds_that_are_not_terraforms() -> None:
    """Neither a template nor a line of the code that renders them names it."""
    specs = [read_spec(path) for path in spec_files(IAC.parent / "models")]
    triggers = (Trigger("edge", ("telemetry/**",)),)
    extra = replace(
        DECLARED["ingest"], name="extra", triggers=triggers, schedule="drift.every", zones={"edge": ("read",)}
    )
    before, after = (files(each, specs) for each in (DECLARED.values(), [*DECLARED.values(), extra]))
    functions, resources, items = (after[name] - before[name] for name in before)
    assert functions == {"extra"}
    assert {"ExtraRole", "ExtraQueue", "ExtraDeadLetters", "ExtraHasDeadLetters"} <= resources
    kinds = {("ServiceAccount", "tidemill-extra"), ("Service", "tidemill-extra"), ("Trigger", "tidemill-extra")}
    assert items == kinds | {("CronJob", f"tidemill-extra-{spec.model}") for spec in specs}


def files(declared: Iterable[Declaration], specs: list[ModelSpec]) -> dict[str, set[Any]]:
    """What is in the files of AWS and Kubernetes, by what it is called."""
    found = rendered_files(declared, specs)
    items = json.loads(found["knative/tidemill.json"])["items"]
    return {
        "functions": set(json.loads(found["aws/functions.json"])),
        "resources": set(json.loads(found["aws/resources.json"])["Resources"]),
        "items": {(item["kind"], item["metadata"]["name"]) for item in items},
    }
