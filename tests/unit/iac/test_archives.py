"""Every archive, unpacked, answers its events with nothing else at hand: together they do the whole loop.

The base interpreter runs without its site-packages; what each function writes to S3 is what starts the next one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from core.code import code_version
from core.declaration import declarations
from core.layout import ZONES
from iac.package import package
from tests.functions.loop import FEATURES, MODEL, SPEC, birds, csv_of
from tests.unit.hosts.test_aws_events import golden
from tests.unit.hosts.test_aws_lambda import PAYLOAD_2

pytestmark = pytest.mark.slow

ANSWER = """
import json, os, sys
sys.path.insert(0, os.getcwd())
from importlib import import_module
from core.code import code_version
module, event = sys.argv[1:]
class Context:
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    def get_remaining_time_in_millis(self): return 60000
reply = import_module(module).handler(json.loads(event), Context())
outside = sorted(
    name for name, module in sys.modules.items()
    if getattr(module, "__file__", None) and "site-packages" in module.__file__
)
print(json.dumps({"reply": reply, "outside": outside, "code": code_version()}))
"""
HANDLED = {"batchItemFailures": []}
BEYOND = {"train"}
"""Those that are deployed as an image: their archive holds the same, and is over the limit."""


class Cloud:
    """Buckets, and functions that run from where their archives were unpacked."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        self.environ = {**self.keys, "AWS_ENDPOINT_URL": url, "TIDEMILL_STORE": "s3://acme-{zone}"}
        self.s3 = boto3.client("s3", endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test")
        for zone in ZONES:
            self.s3.create_bucket(Bucket=f"acme-{zone}")
        self.specs = folder / "models"
        self.specs.mkdir()
        (self.specs / f"{MODEL}.yaml").write_text(SPEC)

    def drop(self, key: str, data: bytes) -> str:
        self.s3.put_object(Bucket="acme-landing", Key=key, Body=data)
        return key

    def found(self, zone: str, *parts: str) -> list[str]:
        """The keys of a zone that hold all the parts."""
        keys = [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=f"acme-{zone}").get("Contents", ())]
        return [key for key in keys if all(part in key for part in parts)]

    def call(self, name: str, event: Any, **environ: str) -> Any:
        """What a function says to an event, in a fresh process."""
        declared = declarations()[name]
        module = f"functions.{name}.aws" if declared.kind == "http" else "core.hosts.aws_events"
        command = [sys._base_executable, "-I", "-S", "-c", ANSWER, module, json.dumps(event)]
        told = self.environ | {"TIDEMILL_FUNCTION": name} | environ
        done = subprocess.run(
            command, cwd=self.unpacked(name), env=told, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        assert (answer["outside"], answer["code"]) == ([], code_version())
        return answer["reply"]

    def unpacked(self, name: str) -> Path:
        task = self.folder / name
        if not task.is_dir():
            made = package(declarations()[name], self.specs, self.folder, lambda text: None)
            assert made.fits is (name not in BEYOND)
            zipfile.ZipFile(made.archive).extractall(task)
            Path(made.archive).unlink()
            assert made.unzipped == sum(path.stat().st_size for path in task.rglob("*") if path.is_file())
        return task


def created(zone: str, key: str) -> Any:
    event = golden("eventbridge_created")
    event["detail"]["bucket"]["name"] = f"acme-{zone}"
    event["detail"]["object"]["key"] = key
    return event


def queued(event: Any) -> Any:
    record = golden("sqs_eventbridge")["Records"][0]
    return {"Records": [{**record, "body": json.dumps(event)}]}


def struck(name: str) -> Any:
    return {**golden("schedule_input"), "schedule": name, "model": MODEL}


@pytest.fixture
def cloud(moto_url: str, tmp_path: Path) -> Iterator[Cloud]:
    yield Cloud(moto_url, tmp_path)
    shutil.rmtree(tmp_path)


def test_the_archives_do_the_whole_loop_with_nothing_else_at_hand(cloud: Cloud) -> None:
    key = cloud.drop(f"{MODEL}/rows/birds 1+é.csv", csv_of(birds()[:240], ("bird", *FEATURES, "species", "observer")))
    assert cloud.call("ingest", queued(created("landing", key))) == HANDLED
    (dataset,) = cloud.found("datasets", "manifest.json")
    assert cloud.call("validate", created("datasets", dataset)) == HANDLED
    (verdict,) = cloud.found("reports", "/validation/")
    train_by_its_claim(cloud, verdict)
    assert json.loads(ask(cloud)["body"])["predictions"][0]["label"] in {"Adelie", "Chinstrap", "Gentoo"}
    later = cloud.drop(f"{MODEL}/score/later.csv", csv_of(birds()[240:], ("bird", *FEATURES)))
    assert cloud.call("batch_inference", {"zone": "landing", "key": later}) == HANDLED
    assert cloud.found("predictions", "/batch/", "_SUCCESS")
    assert cloud.call("drift_check", queued(struck("drift_check"))) == HANDLED
    (drift,) = cloud.found("reports", "/drift/")
    assert cloud.call("rollback", queued(created("reports", drift))) == HANDLED
    for name in ("report", "alert"):
        assert cloud.call(name, struck(name), TIDEMILL_ALERTS="log://") == HANDLED
    assert cloud.found("reports", ".html")
    assert {path.name for path in cloud.folder.iterdir()} - {"models"} == set(declarations())


def train_by_its_claim(cloud: Cloud, verdict: str) -> None:
    """The trigger claims a training and cannot start it, since there is no such function; the job is called by hand."""
    asked = queued(created("reports", verdict))
    failed = cloud.call("train_trigger", asked, TIDEMILL_JOBS="lambda://nowhere", AWS_DEFAULT_REGION="us-east-1")
    assert failed["batchItemFailures"]
    (claim,) = cloud.found("models", "/claims/", "claim.json")
    training = json.loads(cloud.s3.get_object(Bucket="acme-models", Key=claim)["Body"].read())["training"]
    assert cloud.call("train", {**golden("training"), "model": MODEL, "training": training}) == HANDLED
    assert cloud.found("models", "route.json")


def ask(cloud: Cloud) -> Any:
    path = f"/v1/models/{MODEL}:predict"
    row = {name: birds()[0][name] for name in FEATURES}
    numbers = {name: float(value) if name.endswith("_mm") else value for name, value in row.items()}
    event = {**PAYLOAD_2, "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json"}}
    event |= {"body": json.dumps({"instances": [numbers]}), "isBase64Encoded": False, "cookies": []}
    event["requestContext"] = {
        **PAYLOAD_2["requestContext"],
        "http": {**PAYLOAD_2["requestContext"]["http"], "path": path},
    }
    answer = cloud.call("realtime_inference", event, TIDEMILL_ACCESS="none")
    assert answer["statusCode"] == 200, answer
    return answer
