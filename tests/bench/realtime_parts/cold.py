"""From process start to first answer: ours under awslambdaric with the model in an S3 emulator, and a bare script."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import boto3

from core.adapters.registry import open_store
from core.adapters.store_local import LocalStore
from tests.servers import programs
from tests.servers.lambda_runtime import process, runtime_api

from .model import MODEL, onnx_file

HANDLER = "functions.realtime_inference.aws.handler"
KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
STORE = "s3://bench-{zone}"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


def cold_start(folder: Path, body: Path, rounds: int) -> dict[str, float]:
    """Medians in milliseconds, taken in turn, and their ratio."""
    ours, bare = [], []
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with programs.moto() as url, mock.patch.dict(os.environ, {**KEYS, "AWS_ENDPOINT_URL": url}):
        _seed(folder)
        environ = {**KEYS, **ONE_THREAD, "AWS_ENDPOINT_URL": url, "TIDEMILL_STORE": STORE, "TIDEMILL_SERVE": MODEL}
        for _ in range(rounds + 1):  # the first one warms the caches of the file system
            bare.append(_bare(folder, body))
            ours.append(_ours(_event(body), {**environ, "TIDEMILL_ACCESS": "iam"}))
    times = [round(median(each[1:]) * 1000, 1) for each in (ours, bare)]
    return {"ours_ms": times[0], "bare_ms": times[1], "ratio": round(times[0] / times[1], 3)}


def _seed(folder: Path) -> None:
    client = boto3.client("s3")
    for zone in ("models", "predictions"):
        client.create_bucket(Bucket=f"bench-{zone}")
    here, there = LocalStore(folder / "models"), open_store(STORE, "models")
    for found in list(here.list("")):
        there.put(found.key, here.get(found.key).data)


def _event(body: Path) -> dict[str, Any]:
    """What a function URL sends."""
    context = {"stage": "$default", "http": {"method": "POST", "path": f"/v1/models/{MODEL}:predict"}}
    head = {"version": "2.0", "rawPath": context["http"]["path"], "rawQueryString": "", "requestContext": context}  # type: ignore[index]
    return {**head, "headers": {"content-type": "application/json"}, "body": body.read_text(), "isBase64Encoded": False}


def _ours(event: dict[str, Any], environ: dict[str, str]) -> float:
    with runtime_api() as api:
        api.events.put(event)
        began = time.perf_counter()
        with process(api, HANDLER, environ):
            kind, answer, arrived = api.answers.get(timeout=60)
    assert kind == "response", answer
    assert answer["statusCode"] == 200, answer
    return arrived - began


def _bare(folder: Path, body: Path) -> float:
    script = Path(__file__).with_name("bare.py")
    environ = {"PATH": os.defpath, **ONE_THREAD}
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, script, onnx_file(folder), body], stdout=subprocess.PIPE, env=environ
    ) as child:
        assert child.stdout is not None
        answer = child.stdout.readline()
        took = time.perf_counter() - began
    assert json.loads(answer)["label"]
    return took
