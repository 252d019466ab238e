"""What `tidemill batch` does, timed from inside: `python -m tests.bench.batch_parts.ours STORE INPUT OUTPUT`.

STORE and the folders of INPUT and OUTPUT are URLs.
"""

from __future__ import annotations

import json
import os
import sys
import time

from core.adapters.registry import open_url
from core.inference.predictor import load_predictor
from core.runtime import SystemClock
from core.usecases.score_batch import File, Means, score_files

MODEL = "flights"


def main() -> None:
    """Score the file, and tell how many rows and in what time."""
    models, source, output = sys.argv[1:]
    folder, _, name = source.rpartition("/")
    began = time.perf_counter()
    store = open_url(folder, os.environ)
    result = score_files(
        [File(store, store.head(name))],
        name,
        open_url(output, os.environ),
        "",
        models=open_url(models, os.environ),
        model=MODEL,
        means=Means(load_predictor, SystemClock(), "bench"),
    )
    sys.stdout.write(json.dumps({"rows": result.rows, "seconds": time.perf_counter() - began}) + "\n")


if __name__ == "__main__":
    main()
