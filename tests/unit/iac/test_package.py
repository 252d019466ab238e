"""Archives: the same bytes each time, and nothing that is not needed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from core.declaration import declarations
from core.errors import Refused
from iac import package as packing
from iac.archive import write_zip
from iac.package import package
from iac.slim import is_needed, needed

SPEC = """
model: flights-delay
task: binary
target: late
features: [{name: distance, type: number}, {name: origin, type: category}]
estimator: logistic-regression
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
    ("name", "kept"),
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
def test_what_is_left_out(name: str, kept: bool) -> None:
    assert is_needed(name) is kept


@pytest.mark.parametrize("beside", ["", "scipy"])
def test_what_scipy_imports_of_numpy_is_left_out_without_it(tmp_path: Path, beside: str) -> None:
    for name in ("numpy/f2py/__init__.py", "numpy/__init__.py", f"{beside or 'onnx'}/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert ("numpy/f2py/__init__.py" in needed(tmp_path)) is bool(beside)
    assert "numpy/__init__.py" in needed(tmp_path)


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
