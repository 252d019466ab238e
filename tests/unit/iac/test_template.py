"""The whole template, as osls makes it for each kind of deployment: linters, least privilege, names, what is closed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.adapters.jobs import open_jobs
from core.declaration import declarations
from core.layout import ZONES
from iac.aws.names import lambda_id, logical
from tests.environments import environment

from .stack import ROOT, packaged, read, resolved

pytestmark = pytest.mark.slow

KEY = "arn:aws:kms:eu-central-1:123456789012:key/00000000-1111-2222-3333-444444444444"
PLACE = {"jobSubnets": "subnet-11111111,subnet-22222222", "jobSecurityGroups": "sg-11111111"}
NETWORK = {"vpcSubnets": "subnet-11111111,subnet-22222222", "vpcSecurityGroups": "sg-11111111"}
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "plain": ("dev", {}),
    "closed": ("prod", {"kmsKey": KEY, **NETWORK, "alerts": "you@example.com", "budget": "20"}),
    "ecs": ("prod", {"jobs": "ecs", "kmsKey": KEY, **PLACE}),
    "batch": ("prod", {"jobs": "batch", **NETWORK, **PLACE}),
    "sagemaker": ("dev", {"jobs": "sagemaker"}),
    "local": ("local", {}),
}
REGION = "eu-central-1"
LONGEST_REGION, LONGEST_STAGE = "ap-southeast-1", "production"
EXCEPTIONS = tomllib.loads((ROOT / "iac" / "aws" / "exceptions.toml").read_text("utf-8"))


@pytest.fixture(params=VARIANTS, scope="module")
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def path(variant: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    stage, parameters = VARIANTS[variant]
    return packaged(tmp_path_factory.mktemp(variant), stage, REGION, parameters)


@pytest.fixture(scope="module")
def stack(path: Path) -> dict[str, Any]:
    """The resources that are deployed."""
    found: dict[str, Any] = resolved(read(path))["Resources"]
    return found


def of_type(stack: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each.get("Properties", {}) for name, each in stack.items() if each["Type"] == kind}


def test_cfn_lint_has_nothing_to_say(path: Path) -> None:
    linter = str(Path(sys.executable).with_name("cfn-lint"))
    command = [linter, "--region", REGION, "--ignore-checks", *EXCEPTIONS["cfn-lint"], "--template", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_checkov_finds_what_is_excepted_and_nothing_else(
    variant: str, path: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    template = tmp_path / "template.json"
    template.write_text(json.dumps(resolved(read(path))), "utf-8")
    python = environment(pytestconfig, "checkov")
    command = [str(python), "-m", "checkov.main", "--skip-download", "--framework", "cloudformation", "--compact"]
    command += ["--quiet", "--output", "json", "--soft-fail", "--file", str(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["summary"]["parsing_errors"] == 0
    assert told["summary"]["resource_count"] > 100
    assert {check["check_id"] for check in told["results"]["failed_checks"]} == set(excepted(variant))


def excepted(variant: str) -> Iterator[str]:
    _, parameters = VARIANTS[variant]
    groups = EXCEPTIONS["checkov"]
    yield from groups["always"]
    if "kmsKey" not in parameters:
        yield from groups["without-key"]
    if "vpcSubnets" not in parameters:
        yield from groups["without-network"]
    yield from groups.get(variant, ())


def test_every_exception_has_its_reason() -> None:
    reasons = [*EXCEPTIONS["cfn-lint"].values(), *EXCEPTIONS["stars"].values()]
    reasons += [reason for group in EXCEPTIONS["checkov"].values() for reason in group.values()]
    assert all(len(reason.split()) > 5 for reason in reasons)


# least privilege ----------------------------------------------------------------------------------------------------

WITHOUT_NAMES = re.compile(
    r"""
      .*:(log-group):[^*]+:\*            # streams of a log
    | .*:network-interface/\*            # Lambda makes them
    | arn:aws:ec2:[^*:]+:\*:(subnet|security-group)/[^*]+
    | .*:training-job/tidemill-[^*]+-\*  # named by what is trained
    | .*:job-definition/[^*]+\*          # revisions of one
    | .*:execution:[^*]+:\*              # of one state machine
    """,
    re.VERBOSE,
)


def statements(stack: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that anybody is allowed or denied, by whatever resource says so."""
    for name, resource in stack.items():
        for document in documents(resource.get("Properties", {})):
            yield from ((name, statement) for statement in document["Statement"])


def documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        for each in value.values():
            yield from documents(each)
    elif isinstance(value, list):
        for each in value:
            yield from documents(each)


def texts(resources: Any) -> list[str]:
    """Each resource of a statement as one text, with the names of what it refers to."""
    if isinstance(resources, dict) and "Fn::Split" in resources:
        (start, ids) = resources["Fn::Split"][1]["Fn::Join"][1]
        return [f"{start}{each}" for each in ids["Fn::Join"][1]["Fn::Split"][1].split(",")]
    return [text_of(each) for each in (resources if isinstance(resources, list) else [resources])]


def text_of(value: Any) -> str:
    match value:
        case str():
            return value
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Join": [_, list(parts)]}:
            return "".join(map(text_of, parts))
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return f"<{name}>"
    raise AssertionError(value)


def test_nothing_that_has_a_name_is_allowed_by_a_star(stack: dict[str, Any]) -> None:
    allowed = [(name, each) for name, each in statements(stack) if each["Effect"] == "Allow"]
    assert len(allowed) > 50
    for name, statement in allowed:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action], name
        assert statement.get("Principal") != "*", name
        for resource in texts(statement.get("Resource", [])):
            if resource == "*":
                assert set(actions) <= set(EXCEPTIONS["stars"]), (name, actions)
            elif "*" in resource:
                objects = re.fullmatch(r"<\w+Bucket>(/_[\w-]+)?/\*", resource)
                assert objects or WITHOUT_NAMES.fullmatch(resource), (name, resource)


def test_every_exception_of_a_star_is_needed() -> None:
    rendered = "".join(path.read_text("utf-8") for path in (ROOT / "iac" / "rendered" / "aws").iterdir())
    assert [action for action in EXCEPTIONS["stars"] if f'"{action}"' not in rendered] == []


# what is closed -----------------------------------------------------------------------------------------------------


def test_tls_is_asked_for_unless_the_cloud_is_on_this_machine(variant: str, stack: dict[str, Any]) -> None:
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    guarded = [
        name
        for kind in kinds
        for name, properties in of_type(stack, kind).items()
        for statement in properties["PolicyDocument"]["Statement"]
        if (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        and name != "ServerlessDeploymentBucketPolicy"
    ]
    policies = (
        {f"{logical(zone)}BucketPolicy" for zone in ZONES} | set(of_type(stack, kinds[1])) | {"AlertsTopicPolicy"}
    )
    assert set(guarded) == (set() if variant == "local" else policies)
    covered = [text_of(queue) for each in of_type(stack, kinds[1]).values() for queue in each["Queues"]]
    assert sorted(covered) == sorted(f"<{name}>" for name in of_type(stack, "AWS::SQS::Queue"))


def test_a_key_of_yours_encrypts_everything_that_is_kept(variant: str, stack: dict[str, Any]) -> None:
    fields = {
        "AWS::S3::Bucket": lambda each: each["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
            "ServerSideEncryptionByDefault"
        ].get("KMSMasterKeyID"),
        "AWS::SQS::Queue": lambda each: each.get("KmsMasterKeyId"),
        "AWS::SNS::Topic": lambda each: each.get("KmsMasterKeyId"),
        "AWS::Logs::LogGroup": lambda each: each.get("KmsKeyId"),
        "AWS::Lambda::Function": lambda each: each.get("KmsKeyArn"),
    }
    expected = VARIANTS[variant][1].get("kmsKey")
    for kind, field in fields.items():
        found = {name: field(each) for name, each in of_type(stack, kind).items()}
        found.pop(BY_OSLS, None)
        assert found
        assert set(found.values()) == {expected}, kind
    with_key = {name for name, statement in statements(stack) if "kms:Decrypt" in statement["Action"]}
    running = {name for name in of_type(stack, "AWS::IAM::Role") if name != "TrainExecutionRole"}
    assert with_key == (running if expected else set())


BY_OSLS = "ServerlessDeploymentBucket"
"""It has archives of code alone; osls makes it before everything else."""


def test_queues_are_encrypted_without_a_key_of_yours_too(variant: str, stack: dict[str, Any]) -> None:
    for name, queue in of_type(stack, "AWS::SQS::Queue").items():
        assert ("KmsMasterKeyId" in queue) is not queue.get("SqsManagedSseEnabled", False), name


def test_functions_are_in_your_network_if_you_say_so(variant: str, stack: dict[str, Any]) -> None:
    places = [each.get("VpcConfig") for each in of_type(stack, "AWS::Lambda::Function").values()]
    inside = "vpcSubnets" in VARIANTS[variant][1]
    assert all(bool(place) is inside for place in places)
    allowed = {name for name, statement in statements(stack) if "ec2:CreateNetworkInterface" in statement["Action"]}
    roles = {f"{logical(name)}Role" for name in declarations() if lambda_id(name) in stack}
    assert allowed == (roles if inside else set())


# what is watched, bounded and named ---------------------------------------------------------------------------------


def test_every_function_has_a_log_dead_letters_and_alarms(variant: str, stack: dict[str, Any]) -> None:
    alarms = set(of_type(stack, "AWS::CloudWatch::Alarm"))
    for name, declared in declarations().items():
        own = logical(name)
        assert f"{own}DeadLetters" in stack
        assert f"{own}HasDeadLetters" in alarms
        if lambda_id(name) in stack:
            assert {f"{own}Errors", f"{own}Throttles"} <= alarms
        elif variant != "sagemaker":
            assert declared.kind == "job"
        assert not declared.is_queued or f"{own}IsLate" in alarms
    for name, group in of_type(stack, "AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == 30, name
    for name in alarms:
        assert stack[name]["Properties"]["AlarmActions"] == [{"Ref": "AlertsTopic"}]


def test_production_keeps_concurrency_free_where_a_burst_would_hurt(variant: str, stack: dict[str, Any]) -> None:
    kept = {
        name: each["ReservedConcurrentExecutions"]
        for name, each in of_type(stack, "AWS::Lambda::Function").items()
        if "ReservedConcurrentExecutions" in each
    }
    expected = {
        lambda_id(name): declared.concurrency
        for name, declared in declarations().items()
        if not declared.is_queued and lambda_id(name) in stack
    }
    assert kept == (expected if VARIANTS[variant][0] == "prod" else {})


def test_a_budget_and_a_mail_are_there_if_asked_for(variant: str, stack: dict[str, Any]) -> None:
    asked = variant == "closed"
    assert ("MonthlyBudget" in stack, "AlertsByMail" in stack) == (asked, asked)


def test_the_url_of_jobs_is_one_that_the_function_takes(variant: str, stack: dict[str, Any]) -> None:
    variables = stack["TrainTriggerLambdaFunction"]["Properties"]["Environment"]["Variables"]
    url = text_of(variables["TIDEMILL_JOBS"]).replace("<", "").replace(">", "")
    kind = VARIANTS[variant][1].get("jobs", "lambda")
    assert url.startswith(f"{kind}://tidemill-{VARIANTS[variant][0]}")
    assert open_jobs(url, {}) is not None
    assert (lambda_id("train") in stack) is (kind == "lambda")


CONTAINERS = {"ecs": "AWS::ECS::TaskDefinition", "batch": "AWS::Batch::JobDefinition"}


def test_containers_run_the_job_as_its_own_entry_point(variant: str, stack: dict[str, Any]) -> None:
    definitions = [each for kind in CONTAINERS.values() for each in of_type(stack, kind).values()]
    assert bool(definitions) is (variant in CONTAINERS)
    for definition in definitions:
        container = definition["ContainerDefinitions"][0] if variant == "ecs" else definition["ContainerProperties"]
        assert container["Command"] == ["-m", "functions.train"]
        assert {each["Name"] for each in container["Environment"]} >= {"TIDEMILL_STORE", "TIDEMILL_SPECS"}
        assert "FARGATE" in json.dumps(definition)


def test_jobs_that_fail_outside_of_lambda_become_dead_letters(variant: str, stack: dict[str, Any]) -> None:
    runner = VARIANTS[variant][1].get("jobs", "lambda")
    assert ("TrainFailed" in stack) is (runner != "lambda")
    if runner != "lambda":
        rule = stack["TrainFailed"]["Properties"]
        assert rule["EventPattern"]["source"] == [f"aws.{runner}"]
        assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["TrainDeadLetters", "Arn"]}


NAMES = ("BucketName", "QueueName", "RoleName", "TopicName", "FunctionName", "LogGroupName", "StateMachineName")
NAMES += ("ClusterName", "JobQueueName", "JobDefinitionName", "Family", "BudgetName")
LONGEST = {"BucketName": 63, "QueueName": 80, "RoleName": 64, "FunctionName": 64, "StateMachineName": 80}
OF_THE_WORLD = ("BucketName", "RoleName", "BudgetName")
"""Names that are known in every region."""


def names(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in NAMES and isinstance(each, (str, dict)) and "Ref" not in each and "Fn::GetAtt" not in each:
                yield name, text_of(each)
            yield from names(each)
    elif isinstance(value, list):
        for each in value:
            yield from names(each)


def test_names_are_short_enough_and_never_meet(variant: str, stack: dict[str, Any]) -> None:
    """Those of two stages differ, and those that every region knows differ in two regions."""
    stage = VARIANTS[variant][0]
    owned = {name: each for name, each in stack.items() if each["Type"] != "AWS::CloudWatch::Alarm"}
    found = set(names(owned))
    assert len(found) > 30
    for kind, name in found:
        assert f"tidemill-{stage}" in name
        assert kind not in OF_THE_WORLD or "${AWS::Region}" in name
        longest = name.replace(f"tidemill-{stage}", f"tidemill-{LONGEST_STAGE}")
        longest = longest.replace("${AWS::Region}", LONGEST_REGION).replace("${AWS::AccountId}", "1" * 12)
        assert len(longest) <= LONGEST.get(kind, 128), longest
