"""The template of the release before this one: serverless.yml and what it reads, as `tidemill iac` had rendered it.

`python -m tests.cloud.previous REVISION` takes them from a revision of git; do so when a release is made.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from localstack.cloud import ROOT

ARCHIVE = Path(__file__).parent / "previous.tar.gz"
FILES = ("serverless.yml", "iac/rendered/aws")


def unpack(folder: Path) -> Path:
    """A folder from which osls deploys the release before this one, with the archives of today; where it is."""
    with tarfile.open(ARCHIVE) as files:
        files.extractall(folder, filter="data")
    (folder / "build").symlink_to(ROOT / "build")
    return folder


def main() -> None:
    """Write the archive anew."""
    command = ["git", "archive", "--format=tar.gz", sys.argv[1], *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        assert "serverless.yml" in files.getnames()
    ARCHIVE.write_bytes(done.stdout)


if __name__ == "__main__":
    main()
