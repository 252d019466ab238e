"""Each function under exactly its role: every declared verb passes on its zone, and every other one is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError

from core.declaration import Declaration, declarations
from core.layout import ZONES
from localstack.cloud import REGION, Cloud

from .stack import DEAD, PREFIX, queue_url

PROBE = "probe/of/grants"
LINE = {"timestamp": int(time.time() * 1000), "message": "a probe of grants"}
ENTRY = {"Source": "probe", "DetailType": "probe", "Detail": "{}"}
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}

Call = Callable[[], object]


def each_function_may_do_what_it_declares_and_nothing_else(cloud: Cloud) -> None:
    """As the role of each function: every verb on every zone, its own queues and others', and the jobs."""
    for zone in ZONES:
        cloud.client("s3").put_object(Bucket=cloud.bucket(zone), Key=PROBE, Body=b"{}")
    wrong = [line for declared in declarations().values() for line in _wrong(cloud, declared)]
    for zone in ZONES:
        cloud.client("s3").delete_object(Bucket=cloud.bucket(zone), Key=PROBE)
    for url in _urls(cloud, *(f"{_name(name).removeprefix(PREFIX)}{DEAD}" for name in declarations())):
        cloud.client("sqs").purge_queue(QueueUrl=url)
    assert not wrong, "\n".join(wrong)


def _wrong(cloud: Cloud, declared: Declaration) -> Iterator[str]:
    session = _as(cloud, declared)
    for what, granted, call in [*_objects(cloud, session, declared), *_others(cloud, session, declared)]:
        if _passes(call) != granted:
            yield f"{declared.name}: {what} is {'refused' if granted else 'allowed'}"


def _as(cloud: Cloud, declared: Declaration) -> Callable[[str], Any]:
    """Clients with the credentials that the function has."""
    function = cloud.client("lambda").get_function_configuration(FunctionName=_name(declared.name))
    found = cloud.client("sts").assume_role(RoleArn=function["Role"], RoleSessionName="probe")["Credentials"]
    session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], REGION)
    return lambda service: session.client(service, endpoint_url=cloud.url)


def _name(function: str) -> str:
    return f"{PREFIX}{function.replace('_', '-')}"


def _passes(call: Call) -> bool:
    """Whether it is allowed, whatever else comes of it."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] not in DENIED
    return True


Checks = list[tuple[str, bool, Call]]


def _objects(cloud: Cloud, session: Callable[[str], Any], declared: Declaration) -> Checks:
    """Objects of every zone. S3 has one right to write, whether only what is new or in place of something."""
    client = session("s3")
    checks: Checks = []
    for zone in ZONES:
        verbs = set(declared.zones.get(zone, ()))
        place = {"Bucket": cloud.bucket(zone)}
        checks += [
            (f"reading {zone}", "read" in verbs, partial(client.get_object, **place, Key=PROBE)),
            (f"listing {zone}", bool(verbs & {"read", "list"}), partial(client.list_objects_v2, **place)),
            (
                f"writing {zone}",
                bool(verbs & {"create", "replace"}),
                partial(client.put_object, **place, Key=PROBE, Body=b"{}"),
            ),
            (f"deleting from {zone}", False, partial(client.delete_object, **place, Key=PROBE)),
            (f"reading versions of {zone}", False, partial(client.list_object_versions, **place)),
            (f"reading the policy of {zone}", False, partial(client.get_bucket_policy, **place)),
        ]
    return checks


def _others(cloud: Cloud, session: Callable[[str], Any], declared: Declaration) -> Checks:
    """Everybody's queues, dead letters, logs and functions, the topic, and what nobody was given."""
    checks = [check for other in declarations() for check in _of_function(cloud, session, declared, other)]
    topics = cloud.client("sns").list_topics()["Topics"]
    for topic in topics:
        publish = partial(session("sns").publish, TopicArn=topic["TopicArn"], Message="a probe of grants")
        checks.append(("publishing", declared.publishes, publish))
    return [*checks, *((what, False, call) for what, call in _beyond(session).items())]


def _of_function(cloud: Cloud, session: Callable[[str], Any], declared: Declaration, other: str) -> Checks:
    own, sqs, name = other == declared.name, session("sqs"), _name(other).removeprefix(PREFIX)
    group = {"logGroupName": f"/aws/lambda/{_name(other)}", "logStreamName": f"probe-of-{declared.name}"}
    cloud.client("logs").create_log_stream(**group)
    starts = other in declared.starts
    checks: Checks = [
        (
            f"calling {other}",
            starts,
            partial(session("lambda").invoke, FunctionName=_name(other), InvocationType="DryRun"),
        ),
    ]
    if not own:  # the local AWS takes a stream for its group, so that it refuses a function's own too
        checks.append(
            (f"logging as {other}", False, partial(session("logs").put_log_events, **group, logEvents=[LINE]))
        )
    for url in _urls(cloud, name, f"{name}{DEAD}"):
        is_dead = url.endswith(DEAD)
        checks += [
            (
                f"sending to {url}",
                own and (is_dead or declared.goes_on),
                partial(sqs.send_message, QueueUrl=url, MessageBody="{}"),
            ),
            (f"receiving from {url}", own and not is_dead, partial(sqs.receive_message, QueueUrl=url)),
            (f"purging {url}", False, partial(sqs.purge_queue, QueueUrl=url)),
        ]
    return checks


def _urls(cloud: Cloud, *names: str) -> Iterator[str]:
    client = cloud.client("sqs")
    for name in names:
        with suppress(client.exceptions.QueueDoesNotExist):
            yield queue_url(cloud, name)


def _beyond(session: Callable[[str], Any]) -> Mapping[str, Call]:
    """What no function was given."""
    return {
        "listing buckets": session("s3").list_buckets,
        "making a bucket": partial(session("s3").create_bucket, Bucket="tidemill-probe"),
        "listing queues": session("sqs").list_queues,
        "listing functions": session("lambda").list_functions,
        "reading roles": session("iam").list_roles,
        "changing a role": partial(session("iam").put_role_policy, RoleName="r", PolicyName="p", PolicyDocument="{}"),
        "sending events": partial(
            session("events").put_events, Entries=[{"Source": "probe", "DetailType": "probe", "Detail": "{}"}]
        ),
        "reading the stack": session("cloudformation").describe_stacks,
        "assuming a role": partial(
            session("sts").assume_role, RoleArn="arn:aws:iam::000000000000:role/r", RoleSessionName="probe"
        ),
    }
