"""Archives: the same bytes each time, nothing that is not needed, and enough to answer with nothing else at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from core.code import code_version
from core.declaration import declarations
from core.errors import Refused
from iac import package as packing
from iac.archive import write_zip
from iac.package import LIMIT, package
from iac.slim import is_needed
from tests.unit.hosts.test_aws_events import golden

SPEC = """
model: flights-delay
task: binary
target: late
features: [{name: distance, type: number}, {name: origin, type: category}]
estimator: logistic-regression
"""

ANSWER = """
import json, os, sys
sys.path.insert(0, os.getcwd())
from core.code import code_version
from core.hosts.aws_events import handler
reply = handler(json.loads(sys.argv[1]), None)
outside = sorted(
    name for name, module in sys.modules.items()
    if getattr(module, "__file__", None) and "site-packages" in module.__file__
)
print(json.dumps({"reply": reply, "outside": outside, "code": code_version()}))
"""


def silent(text: str) -> None:
    pass


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("b.py", "a.py"):
        (tmp_path / name).write_text(name)
    write_zip(tmp_path / "1.zip", {name: tmp_path / name for name in ("a.py", "b.py")})
    os.utime(tmp_path / "a.py", (1, 1))
    (tmp_path / "a.py").chmod(0o755)
    write_zip(tmp_path / "2.zip", {name: tmp_path / name for name in ("b.py", "a.py")})
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("numpy/__init__.py", True),
        ("numpy/tests/test_a.py", False),
        ("numpy/testing/__init__.py", True),
        ("numpy/_core/include/numpy/arrayobject.h", False),
        ("numpy-2.4.dist-info/METADATA", True),
        ("numpy-2.4.dist-info/RECORD", False),
        ("numpy.libs/libscipy_openblas64_-ff651d7f.so", True),
        ("onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so", True),
        ("onnxruntime/capi/libonnxruntime.so.1.32.0", False),
        ("onnxruntime/transformers/a/b.py", False),
        ("pyarrow/libarrow.so.2600", True),
        ("pyarrow/libarrow_python.so.2600", True),
        ("pyarrow/libarrow_python.so.2600.1.0", False),
        ("pyarrow/libarrow_flight.so.2600", False),
        ("pyarrow/_flight.cpython-311-x86_64-linux-gnu.so", False),
        ("pyarrow/fs.py", True),
        ("typing_extensions.pyi", False),
    ],
)
def test_what_is_left_out(name: str, needed: bool) -> None:
    assert is_needed(name) is needed


def test_a_dependency_may_not_own_our_names(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    with pytest.raises(Refused, match="owns the import name 'core'"):
        packing._check_names(tmp_path)


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("specs")
    (folder / "flights-delay.yaml").write_text(SPEC)
    return folder


@pytest.mark.slow
def test_an_archive_is_reproducible_from_an_empty_folder(
    tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = set()
    for build in ("one", "two"):
        monkeypatch.setattr(packing, "BUILD", tmp_path / build)
        made = package(declarations()["train_trigger"], specs, tmp_path / build, silent)
        hashes.add(made.sha256)
        names = set(zipfile.ZipFile(made.archive).namelist())
    assert len(hashes) == 1
    assert {"core/code.py", "functions/train_trigger/function.toml", "models/flights-delay.yaml"} <= names
    assert not [name for name in names if "/tests/" in name or name.endswith((".pyi", ".h"))]
    folders = {name.split("/")[1] for name in names if name.startswith("functions/") and name.count("/") > 1}
    assert folders == {"train_trigger", "__pycache__"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ingest", "batch_inference"])
def test_an_unpacked_archive_answers_its_event_with_nothing_else_at_hand(
    name: str, tmp_path: Path, specs: Path, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = package(declarations()[name], specs, tmp_path, silent)
    assert made.unzipped <= made.limit == LIMIT
    task = tmp_path / "task"
    zipfile.ZipFile(made.archive).extractall(task)
    assert made.unzipped == sum(path.stat().st_size for path in task.rglob("*") if path.is_file())
    environ = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": moto_url,
        "TIDEMILL_STORE": "s3://acme-tidemill-{zone}",
        "TIDEMILL_FUNCTION": name,
    }
    client = boto3.client("s3", endpoint_url=moto_url, aws_access_key_id="test", aws_secret_access_key="test")
    for zone in ("landing", "datasets", "quarantine", "reports", "models", "predictions"):
        client.create_bucket(Bucket=f"acme-tidemill-{zone}")
    event = golden("eventbridge_created")
    if name == "batch_inference":
        event["detail"]["object"]["key"] = event["detail"]["object"]["key"].replace("/rows/", "/score/")
    key = event["detail"]["object"]["key"]
    rows = b"distance,origin,late\n100,EWR,true\n200,JFK,false\n"
    client.put_object(Bucket="acme-tidemill-landing", Key=key, Body=rows)
    told = answered(task, environ, event)
    assert told == {"reply": {"batchItemFailures": []}, "outside": [], "code": code_version()}
    if name == "ingest":
        kept = client.list_objects_v2(Bucket="acme-tidemill-datasets")["Contents"]
        assert [entry["Key"].rsplit("/", 1)[-1] for entry in kept] == ["manifest.json", "part-00000.parquet"]
    shutil.rmtree(task)


def answered(task: Path, environ: dict[str, str], event: Any) -> dict[str, Any]:
    """What the base interpreter, without its site-packages, says in the folder of an unpacked archive."""
    command = [sys._base_executable, "-I", "-S", "-c", ANSWER, json.dumps(event)]
    done = subprocess.run(command, cwd=task, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
