"""On premises: SeaweedFS for S3, whose own notifications start the functions in one container. No cloud, no Docker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from core.adapters.registry import open_store
from core.layout import ZONES
from core.usecases.audit import audit_model
from core.usecases.lineage import lineage
from tests.servers.process import free_port

from .azurite import Account
from .hosts import ROOT, container
from .scenario import MODEL, answered_here, play, reference, write_spec
from .seaweedfs import seaweedfs

STORE = "s3://acme-{zone}"
COPY = [sys.executable, "-m", "core.cli", "models", "copy"]


@pytest.mark.slow
def test_rows_dropped_into_seaweedfs_become_predictions_and_the_model_moves_to_azure(
    tmp_path: Path, azurite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, buckets = free_port(), [f"acme-{zone}" for zone in ZONES]
    events = f"http://127.0.0.1:{port}/events"
    with seaweedfs(tmp_path, buckets, events, "none") as s3:
        aws = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
        aws |= {"AWS_ENDPOINT_URL": s3, "AWS_DEFAULT_REGION": "us-east-1"}
        ours = {"TIDEMILL_STORE": STORE, "TIDEMILL_SPECS": str(write_spec(tmp_path)), "TIDEMILL_JOBS": "process://"}
        ours |= {"TIDEMILL_ACCESS": "none", "TIDEMILL_HOST_FOLDER": str(tmp_path / "host"), "TIDEMILL_ROUTE_TTL": "0.5"}
        for name, value in aws.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        stores = {zone: open_store(STORE, zone, aws) for zone in ZONES}
        with container(port, {**aws, **ours}) as endpoint:
            told = play(
                lambda key, data: client.put_object(Bucket="acme-landing", Key=key, Body=data), stores, endpoint
            )
        assert told == reference(tmp_path / "reference")
        elsewhere, account = "az://moved-{zone}", Account(azurite_url)
        account.make_containers("moved")
        for name, value in account.environ.items():
            monkeypatch.setenv(name, value)
        subprocess.run([*COPY, MODEL, "--store", STORE, "--to", elsewhere], cwd=ROOT, check=True)
        moved = {zone: open_store(elsewhere, zone, account.environ) for zone in ZONES}
        assert answered_here(moved)["predictions"] == told.predictions
        assert audit_model(moved["models"], MODEL).intact
        made = [
            lineage(each["models"], each["datasets"], each["predictions"], told.version) for each in (stores, moved)
        ]
        assert made[0] == made[1]
