"""How far batch scoring is from the floor: a hand-written stream of the same file through the same model.

`python -m tests.bench.batch --json` prints {"floor_ratio", "peak_mb", "rows", "peers", "remote_ratio", "figures"}.
`floor_ratio` is our rows a second over the floor's, `remote_ratio` the time from and to an S3 emulator over the time
on local files. Rounds are interleaved; figures are medians of them. `--peers` adds {peer: {"ratio", "seconds"}}, each
installed in its own environment: `ratio` is our rows a second over theirs. `--memory` adds `peaks_mb`, our peak for
files of one, ten and fifty million rows.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ._common import Measured, measure, parser, show

PARTS = "tests.bench.batch_parts"
REMOTE_ROWS = 1_000_000
SIZES = (1_000_000, 10_000_000, 50_000_000)
"""Rows of the files for which `--memory` tells the peak; the last takes 3.2 GB of disk."""


def main() -> None:
    """Make the model and the file, score it in turn, tell."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--rows", type=int, default=1_000_000, help="of the file")
    options.add_argument("--rounds", type=int, default=5, help="of each program")
    options.add_argument("--peers", action="store_true", help="measure the peers too")
    options.add_argument("--no-remote", action="store_true", help="leave out the S3 emulator")
    options.add_argument("--memory", action="store_true", help="measure the peak for large files too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, "rows.parquet", chosen.rows)
        found = in_turn({"floor": floor(folder), "ours": ours(folder)}, chosen.rounds)
        result = told(found, chosen.rows)
        if not chosen.no_remote:
            result["remote_ratio"] = remote(folder, min(chosen.rows, REMOTE_ROWS), chosen.rounds)
        if chosen.peers:
            from .batch_parts.peers import peers  # noqa: PLC0415 - makes environments

            result["peers"] = peers(folder, ours(folder), chosen.rounds)
        if chosen.memory:
            result["peaks_mb"] = {str(rows): peak(folder, rows) for rows in SIZES}
    show(result, as_json=chosen.json)


def told(found: dict[str, list[Measured]], rows: int) -> dict[str, Any]:
    """The public keys, and what they were made of."""
    speeds = {name: round(rows / seconds(measured)) for name, measured in found.items()}
    ratios = [one.result["seconds"] / two.result["seconds"] for one, two in zip(*found.values(), strict=True)]
    peaks = {name: max(each.peak_mb for each in measured) for name, measured in found.items()}
    figures = {"rows_per_second": speeds, "peak_mb": peaks, "ratios": [round(ratio, 3) for ratio in ratios]}
    ratio = round(speeds["ours"] / speeds["floor"], 3)
    return {"floor_ratio": ratio, "peak_mb": peaks["ours"], "rows": rows, "peers": {}, "figures": figures}


def in_turn(programs: dict[str, Callable[[], Measured]], rounds: int) -> dict[str, list[Measured]]:
    """Every program once a round."""
    found: dict[str, list[Measured]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            found[name].append(program())
    return found


def seconds(measured: list[Measured]) -> float:
    """The median of what the programs say of themselves."""
    return statistics.median(each.result["seconds"] for each in measured)


def make(folder: Path, name: str, rows: int) -> None:
    """The model, if it is not there yet, and a file: in another process, since a child's peak includes its parent."""
    measure(f"{PARTS}.model", [str(folder), name, str(rows)])


def floor(folder: Path) -> Callable[[], Measured]:
    """The hand-written stream."""
    (onnx,) = folder.glob("models/*/versions/*/model.onnx")
    arguments = [str(onnx), str(folder / "rows.parquet"), str(folder / "floor.parquet")]
    return lambda: measure(f"{PARTS}.floor", arguments)


def ours(folder: Path, url: str | None = None, name: str = "rows.parquet") -> Callable[[], Measured]:
    """Ours, from and to the folder or the URL."""
    place = url or f"file://{folder}"

    def run() -> Measured:
        shutil.rmtree(folder / "scored", ignore_errors=True)
        output = f"{place}/scored" if url is None else f"{place}/{os.urandom(4).hex()}"
        return measure(f"{PARTS}.ours", [f"file://{folder}/models", f"{place}/{name}", output])

    return run


def peak(folder: Path, rows: int) -> float:
    """Of our memory in MB, for a file of so many rows."""
    make(folder, "large.parquet", rows)
    found = ours(folder, None, "large.parquet")()
    assert found.result["rows"] == rows
    (folder / "large.parquet").unlink()
    return found.peak_mb


def remote(folder: Path, rows: int, rounds: int) -> float:
    """The time from and to an S3 emulator over HTTP, over that on local files; both of `rows` rows."""
    make(folder, "remote.parquet", rows)
    with bucket(folder / "remote.parquet") as url:
        programs = {"remote": ours(folder, url, "remote.parquet"), "local": ours(folder, None, "remote.parquet")}
        found = in_turn(programs, rounds)
    return round(seconds(found["remote"]) / seconds(found["local"]), 3)


@contextlib.contextmanager
def bucket(file: Path) -> Iterator[str]:
    """A bucket with the file, of an emulator in a process of its own; whoever is started inside finds it."""
    import boto3  # noqa: PLC0415 - after what is measured without it

    from ..servers.programs import ministack  # noqa: PLC0415 - as above

    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
    with ministack() as endpoint, patch.dict(os.environ, {**keys, "AWS_ENDPOINT_URL": endpoint}):
        client = boto3.client("s3")
        client.create_bucket(Bucket="bench")
        client.upload_file(str(file), "bench", file.name)
        yield "s3://bench"


if __name__ == "__main__":
    main()
