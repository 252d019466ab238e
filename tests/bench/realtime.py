"""How far the realtime endpoint is from the floor, raw ASGI that only decodes, runs and encodes, and from others.

`python -m tests.bench.realtime --json` prints {"p50_1row_ratio", "p50_100row_ratio", "throughput_16_ratio",
"cold_start_ratio", "unzipped_mb", "peers", "figures"}: ours to the floor's. Rounds are interleaved; figures are medians
of them. `--peers` measures other servers in the same rounds, by two measures: "p50_ratio", a peer's time for a row to
ours, and "throughput_ratio", our requests a second of 16 clients to a peer's; 7 says of either that ours is 7 times as
fast. A peer that is to be beaten has "wanted" and "met": what of the two reaches it. "floor" has the same of the floor.
`--minutes` adds "soak": an endpoint under load for so long while versions are promoted and rolled back.

The exit code is 1 if a peer is not beaten as wanted by its throughput, though what of p50 is not met is told too; if a
promise of the soak is broken; or if a peer cannot be measured.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from ._common import ROOT, Unavailable, parser, show
from .realtime_parts.cold import cold_start
from .realtime_parts.model import make, onnx_file
from .realtime_parts.peers import PEERS, facts, serving
from .realtime_parts.servers import Target, both, in_turn
from .realtime_parts.soak import soak

MIB = 1 << 20
COLD_ROUNDS = 15
WANTED = {"bentoml": 7, "mlserver": 30, "mlflow": 30}
"""How many times as fast as a peer ours is to be."""
MEASURES = ("p50_ratio", "throughput_ratio")

Found = Mapping[str, Mapping[str, float]]


def main() -> int:
    """Make the model, start the servers, ask them in turn."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--seconds", type=float, default=1.0, help="of one round of load on one server")
    options.add_argument("--rounds", type=int, default=9, help="of each kind of load")
    options.add_argument("--peers", action="store_true", help="measure other servers too; installs them once")
    options.add_argument("--minutes", type=float, help="of load while versions are promoted and rolled back")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder)
        result = measure(folder, chosen.seconds, chosen.rounds, peers=chosen.peers)
        if chosen.minutes:
            result["soak"] = soak(folder, chosen.minutes)
    show(result, as_json=chosen.json)
    broken = [*complaints(result["peers"]), *result.get("soak", {"broken": []})["broken"]]
    sys.stderr.writelines(f"{each}\n" for each in (*verdicts(result["peers"]), *broken))
    return int(bool(broken))


def measure(folder: Path, seconds: float, rounds: int, *, peers: bool) -> dict[str, Any]:
    """Everything, with the model in `folder`."""
    rows = json.loads((folder / "rows.json").read_text())
    one, hundred = folder / "one.json", folder / "hundred.json"
    one.write_text(json.dumps({"instances": rows[:1]}))
    hundred.write_text(json.dumps({"instances": rows[:100]}))
    with both(folder) as urls, ExitStack() as stack:
        others, known = start_peers(stack, folder, rows[0]) if peers else ({}, {})
        row = {name: Target(url, one) for name, url in urls.items()}
        found = {
            "1 row": in_turn({**row, **others}, 1, seconds, rounds),
            "100 rows": in_turn({name: Target(url, hundred) for name, url in urls.items()}, 1, seconds, rounds),
            "16 clients": in_turn({**row, **others}, 16, seconds, rounds),
        }
    cold = cold_start(folder, one, COLD_ROUNDS)
    return {
        "p50_1row_ratio": _ratio(found["1 row"], "p50_ms"),
        "p50_100row_ratio": _ratio(found["100 rows"], "p50_ms"),
        "throughput_16_ratio": _ratio(found["16 clients"], "per_second"),
        "cold_start_ratio": cold["ratio"],
        "unzipped_mb": unzipped_mb(),
        "peers": {name: {**each, **against(found, name)} for name, each in known.items()},
        "floor": against(found, "floor"),
        "figures": {**found, "cold start": cold},
    }


def start_peers(stack: ExitStack, folder: Path, row: Mapping[str, Any]) -> tuple[dict[str, Target], dict[str, Any]]:
    """Where each peer is asked, and what is known of it: its release, or why it is not measured."""
    targets: dict[str, Target] = {}
    known: dict[str, Any] = {}
    for peer in PEERS:
        try:
            targets[peer.name], start = stack.enter_context(serving(peer, folder, onnx_file(folder), row))
            known[peer.name] = {**facts(peer), "start_s": round(start, 2)}
        except Unavailable as error:
            known[peer.name] = {"error": str(error)}
    return targets, known


def verdicts(peers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """By which measure ours is as much faster than a peer as is wanted, and by which it is not."""
    return [
        f"{name}, wanted {found['wanted']} times: {measure} {found[measure]}, {'' if met else 'NOT '}met"
        for name, found in peers.items()
        for measure, met in found.get("met", {}).items()
    ]


def complaints(peers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is not as it should be: a peer that was not measured, or failed, or is too near by requests a second."""
    told = []
    for name, found in peers.items():
        if "error" in found:
            told.append(f"{name} WAS NOT MEASURED: {found['error']}")
        elif found["failed"]:
            told.append(f"{name} failed to answer {found['failed']} requests, so that its figures say nothing.")
        elif not found.get("met", {}).get("throughput_ratio", True):
            told.append(
                f"ours answers {found['throughput_ratio']} times as many requests a second as {name}, "
                f"wanted: {found['wanted']} times."
            )
    return told


def against(found: Mapping[str, Found], name: str) -> dict[str, Any]:
    """How many times as fast as a server ours is, and that server's answers that were not 200.

    Nothing for one that was not measured.
    """
    if name not in found["1 row"]:
        return {}
    one, many = found["1 row"], found["16 clients"]
    ratios = {
        "p50_ratio": _ratio(one, "p50_ms", name, "ours"),
        "throughput_ratio": _ratio(many, "per_second", "ours", name),
    }
    failed = {"failed": one[name]["failed"] + many[name]["failed"]}
    if name not in WANTED:
        return {**ratios, **failed}
    wanted = WANTED[name]
    return {**ratios, **failed, "wanted": wanted, "met": {each: ratios[each] >= wanted for each in MEASURES}}


def _ratio(found: Found, figure: str, above: str = "ours", below: str = "floor", digits: int = 3) -> float:
    return round(found[above][figure] / found[below][figure], digits)


def unzipped_mb(group: str = "realtime_inference") -> float:
    """MiB of every file of the packages that a function's lock names, as installed here, without compiled modules."""
    text = (ROOT / "requirements" / f"{group}.txt").read_text().replace("\\\n", " ")
    wanted = [Requirement(line.split("--hash=")[0].strip()) for line in text.splitlines()]
    names = [each.name for each in wanted if each.marker is None or each.marker.evaluate()]
    files = {Path(str(file.locate())) for name in names for file in importlib.metadata.files(name) or ()}
    return round(sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.is_file()) / MIB, 1)


if __name__ == "__main__":
    sys.exit(main())
