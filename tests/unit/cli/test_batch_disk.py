"""`tidemill batch` on a disk that is full, and under a limit of a file's size: told in a sentence, and mended."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench._common import ROOT
from tests.unit.usecases.onnx_site import publish, write

ROWS, GROUP, PARTS = 560_000, 140_000, 4
# two groups are more than a part, so each is one
COMMAND = [sys.executable, "-m", "core.cli", "batch", "m", "--input", "rows.parquet", "--output", "disk/out", "--json"]

ON_A_FULL_DISK = """
mount -t tmpfs -o size=$1 none disk
shift
"$@" 2> full.txt > /dev/null
echo $? > status.txt
ls disk/out/_done 2> /dev/null | wc -l > finished.txt
mount -o remount,size=1g none disk
"$@" > result.json
cp -r disk/out saved
"""
"""In a mount namespace, so that the disk is gone with the process: a small disk, a run, a larger one, another run."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, a file to score, and in `here` what comes of it where there is room."""
    folder = tmp_path_factory.mktemp("site")
    publish(folder)
    write(folder / "rows.parquet", ROWS, GROUP)
    run(folder)
    (folder / "disk" / "out").rename(folder / "here")
    return folder


def run(site: Path, limit: int | None = None) -> dict[str, object]:
    """What `tidemill batch` prints; `limit` are the bytes that a file may have. Raises CalledProcessError."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(COMMAND, cwd=site, env=environ(site), capture_output=True, check=True, preexec_fn=limited)
    return json.loads(done.stdout.splitlines()[-1])


def environ(site: Path) -> dict[str, str]:
    return {**os.environ, "TIDEMILL_STORE": f"{site}/{{zone}}", "TIDEMILL_ENGINE": "", "PYTHONPATH": str(ROOT)}


def written(folder: Path) -> dict[str, bytes]:
    """Everything but when it was answered."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in ("_SUCCESS", "_start.json"):
        files[name] = json.dumps({**json.loads(files[name]), "answered_at": "", "code": ""}).encode()
    return files


@pytest.fixture
def out(site: Path) -> Path:
    shutil.rmtree(site / "disk" / "out", ignore_errors=True)
    return site / "disk" / "out"


def test_a_file_that_may_not_be_so_large_is_told_and_mended(site: Path, out: Path) -> None:
    """The kernel refuses the write in the middle of it (setrlimit(2), RLIMIT_FSIZE)."""
    size = min(path.stat().st_size for path in (site / "here").glob("part-*"))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run(site, limit=size - 1)
    sentence = refused.value.stderr.decode().strip().splitlines()[-1]
    assert refused.value.returncode == 1
    assert "larger than a file may be here; raise the limit (ulimit -f)" in sentence
    assert "part-0000" in sentence
    assert not list(out.glob("part-*"))
    assert not (out / "_SUCCESS").exists()
    assert run(site)["rows"] == ROWS
    assert written(out) == written(site / "here")


@pytest.mark.slow
def test_a_disk_that_is_full_is_told_and_mended(site: Path, out: Path) -> None:
    """A file system of a size of its own is really full in the middle of a part; with room, the run goes on."""
    namespace = ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("this system gives no mount namespace")
    sizes = sum(path.stat().st_size for path in (site / "here").glob("part-*"))
    script = ["sh", "-c", ON_A_FULL_DISK, "sh", str(sizes * 5 // 8)]
    subprocess.run([*namespace, *script, *COMMAND], cwd=site, env=environ(site), check=True)
    assert (site / "status.txt").read_text().strip() == "1"
    assert "cannot be written: the disk or the quota is full" in (site / "full.txt").read_text()
    finished = int((site / "finished.txt").read_text())
    assert 0 < finished < PARTS
    result = json.loads((site / "result.json").read_text().splitlines()[-1])
    assert (result["rows"], result["read"]) == (ROWS, ROWS - finished * GROUP)
    assert written(site / "saved") == written(site / "here")
