"""A device in a clean environment that holds the group `edge`, and nothing else."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from core.inference.golden import Golden
from iac.edge_wheel import build
from tests.unit.edge.trained import made

ROOT = Path(__file__).parents[2]
UNWANTED = {
    *("boto3", "core.runtime", "core.spec", "core.tables", "edge.export", "obstore", "onnx", "pandas", "pyarrow"),
    *("pydantic", "scipy", "sklearn", "uvicorn", "yaml"),
}
PREDICT = """
import json, sys
from pathlib import Path
from edge.runtime.model import Model

model = Model.open(Path(sys.argv[1]))
print(json.dumps({"answers": model.predict(json.loads(sys.argv[2])), "modules": sorted(sys.modules)}))
"""
ROW = {"island": "Torgersen", "bill_length_mm": 39.1, "flipper_length_mm": None, "sex": "male"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with a device's requirements alone."""
    folder = tmp_path_factory.mktemp("cold")
    venv.create(folder, with_pip=False)
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--require-hashes"]
    requirements = str(ROOT / "requirements" / "edge.txt")
    subprocess.run([*install, "--only-binary", ":all:", "-r", requirements], check=True, timeout=300)
    return interpreter


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / "trust.json").write_bytes(made().trust.data)
    return made().write(tmp_path / "release")


def run(python: Path, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.slow
def test_a_device_verifies_installs_and_answers_with_its_own_dependencies(python: Path, release: Path) -> None:
    trust, root = release.with_name("trust.json"), release.with_name("device")
    assert run(python, "-m", "edge", "verify", release, "--trust", trust, "--json")
    assert run(python, "-m", "edge", "install", release, "--root", root, "--trust", trust, "--json")
    told = run(python, "-c", PREDICT, root, json.dumps([ROW]))
    assert not UNWANTED & set(told["modules"])
    (answer,) = told["answers"]
    golden = Golden.decode(made().files["golden.json"]).outputs
    assert golden.probabilities is not None
    assert len(answer["probabilities"]) == golden.probabilities.shape[1]
    assert run(python, "-m", "edge", "status", "--root", root, "--json")


@pytest.mark.slow
def test_the_wheel_is_all_of_our_code_that_a_device_needs(python: Path, release: Path, tmp_path: Path) -> None:
    wheel = build(tmp_path).archive
    there = tmp_path / "device-packages"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", there, wheel]
    subprocess.run(install, check=True, timeout=120)
    environ = {"PATH": os.defpath, "PYTHONPATH": str(there)}
    root, elsewhere = release.with_name("device"), tmp_path / "elsewhere"
    elsewhere.mkdir()

    def edge(*arguments: str | Path) -> dict[str, Any]:
        """What pip makes of the wheel's console script, without this project anywhere near."""
        command = [python, there / "bin" / "tidemill-edge", *arguments]
        done = subprocess.run(command, cwd=elsewhere, env=environ, capture_output=True, text=True, check=True)
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    edge("install", release, "--root", root, "--trust", release.with_name("trust.json"), "--json")
    done = subprocess.run(
        [python, "-c", PREDICT, root, json.dumps([ROW])], cwd=elsewhere, env=environ, capture_output=True, check=True
    )
    assert not UNWANTED & set(json.loads(done.stdout)["modules"])
    assert edge("status", "--root", root, "--json")["release"]


@pytest.mark.slow
def test_a_damaged_release_is_refused_with_its_own_dependencies(python: Path, release: Path) -> None:
    data = bytearray((release / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (release / "model.onnx").write_bytes(data)
    trust, root = release.with_name("trust.json"), release.with_name("device")
    for command in (("verify", release), ("install", release, "--root", root)):
        told = run(python, "-m", "edge", *command, "--trust", trust, "--json", code=1)
        assert "model.onnx" in told["error"]
