"""How far the realtime endpoint is from the floor: raw ASGI that only decodes, runs onnxruntime and encodes.

`python -m tests.bench.realtime --json` prints {"p50_1row_ratio", "p50_100row_ratio", "throughput_16_ratio",
"cold_start_ratio", "unzipped_mb", "peers", "figures"}. Rounds are interleaved; figures are medians of them.
"""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from ._common import ROOT, parser, show
from .realtime_parts.cold import cold_start
from .realtime_parts.model import make
from .realtime_parts.servers import both, in_turn

MIB = 1 << 20
COLD_ROUNDS = 15


def main() -> None:
    """Make the model, start the servers, ask them in turn."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--seconds", type=float, default=1.0, help="of one round of load on one server")
    options.add_argument("--rounds", type=int, default=9, help="of each kind of load")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder)
        show(measure(folder, chosen.seconds, chosen.rounds), as_json=chosen.json)


def measure(folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Everything, with the model in `folder`."""
    rows = json.loads((folder / "rows.json").read_text())
    one, hundred = folder / "one.json", folder / "hundred.json"
    one.write_text(json.dumps({"instances": rows[:1]}))
    hundred.write_text(json.dumps({"instances": rows[:100]}))
    with both(folder) as urls:
        kinds = {"1 row": (one, 1), "100 rows": (hundred, 1), "16 clients": (one, 16)}
        found = {kind: in_turn(urls, body, clients, seconds, rounds) for kind, (body, clients) in kinds.items()}
    cold = cold_start(folder, one, COLD_ROUNDS)
    return {
        "p50_1row_ratio": _ratio(found["1 row"], "p50_ms"),
        "p50_100row_ratio": _ratio(found["100 rows"], "p50_ms"),
        "throughput_16_ratio": _ratio(found["16 clients"], "per_second"),
        "cold_start_ratio": cold["ratio"],
        "unzipped_mb": unzipped_mb(),
        "peers": {},
        "figures": {**found, "cold start": cold},
    }


def _ratio(found: dict[str, dict[str, float]], figure: str) -> float:
    return round(found["ours"][figure] / found["floor"][figure], 3)


def unzipped_mb(group: str = "realtime_inference") -> float:
    """MiB of every file of the packages that a function's lock names, as installed here, without compiled modules."""
    text = (ROOT / "requirements" / f"{group}.txt").read_text().replace("\\\n", " ")
    wanted = [Requirement(line.split("--hash=")[0].strip()) for line in text.splitlines()]
    names = [each.name for each in wanted if each.marker is None or each.marker.evaluate()]
    files = {Path(str(file.locate())) for name in names for file in importlib.metadata.files(name) or ()}
    return round(sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.is_file()) / MIB, 1)


if __name__ == "__main__":
    main()
