"""AWS's shape on this machine: archives and serverless.yml on ministack, and S3's own events through EventBridge."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.registry import open_store
from core.declaration import declarations
from core.layout import ZONES
from iac.package import BUILD, package
from localstack.cloud import ROOT, deploy, running
from localstack.demo import STORE

from .scenario import play, reference, write_spec


@pytest.fixture
def packages() -> Iterator[Path]:
    """A folder for archives, below the project: osls takes none from elsewhere."""
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scenario-", dir=BUILD))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_rows_dropped_into_s3_become_predictions(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = write_spec(tmp_path)
    for declared in declarations().values():
        package(declared, specs, packages, lambda text: None)
    expected = reference(tmp_path / "reference")
    with running() as cloud:
        deploy(cloud, f"--param=packages={packages.relative_to(ROOT)}")
        for name, value in cloud.environ.items():
            monkeypatch.setenv(name, value)
        client, bucket = cloud.client("s3"), cloud.bucket("landing")
        told = play(
            lambda key, data: client.put_object(Bucket=bucket, Key=key, Body=data),
            {zone: open_store(STORE, zone, cloud.environ) for zone in ZONES},
            cloud.endpoint,
        )
    assert told == expected
