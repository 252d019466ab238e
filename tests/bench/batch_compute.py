"""What a batch run computes beside all that it reads and writes: one row through onnxruntime and through scikit-learn.

`python -m tests.bench.batch_compute --json` prints, in microseconds a row of the batch bench's model and rows,
{"onnxruntime", "onnxruntime_like_together", "encoders", "trees"}, each with {"1", "2"} threads. The first answers rows
as they come, the second as a batch run puts them (`core.tables.window`); encoders and trees are the two steps of
scikit-learn's pipeline. Rounds are interleaved; figures are medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from core.adapters.store_local import LocalStore
from core.domain.alike import like_together
from core.domain.columns import Columns
from core.inference.predictor import load_predictor
from core.tables.columns import coded_columns, to_columns, to_features
from core.tables.window import LOT, ROWS
from core.usecases.load_model import load_version

from ._common import parser, show
from .batch_parts import model as flights
from .realtime_parts.model_names import CATEGORIES
from .realtime_peers.sklearn_model import COLUMNS, fitted

THREADS = (1, 2)
Program = Callable[[int], Any]


def main() -> None:
    """Make the model and the rows, compute in turn, tell."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--rows", type=int, default=262_144, help="that are computed")
    options.add_argument("--rounds", type=int, default=5, help="of each program")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        flights.make_model(folder)
        flights.flights._flights().to_csv(folder / "flights.csv", index=False)
        flights.make_rows(folder / "rows.parquet", chosen.rows)
        programs = {**onnxruntime(folder), **scikit_learn(folder)}
        found = {name: {str(threads): [] for threads in THREADS} for name in programs}
        for _ in range(chosen.rounds):
            for name, program in programs.items():
                for threads in THREADS:
                    found[name][str(threads)].append(seconds(program, threads) / chosen.rows * 1e6)
    medians = {name: {key: round(statistics.median(each), 2) for key, each in of.items()} for name, of in found.items()}
    show(medians, as_json=chosen.json)


def seconds(program: Program, threads: int) -> float:
    """How long it takes on so many threads."""
    began = time.perf_counter()
    program(threads)
    return time.perf_counter() - began


def onnxruntime(folder: Path) -> dict[str, Program]:
    """The exported graph, asked for one batch after the other."""
    loaded = load_version(LocalStore(folder / "models"), flights.MODEL, flights.VERSION, load_predictor)
    schema = loaded.manifest.schema
    file = pq.ParquetFile(folder / "rows.parquet", read_dictionary=list(CATEGORIES))
    batches: list[pa.RecordBatch] = list(file.iter_batches(LOT, columns=list(schema.feature_names)))
    plain = [to_columns(batch, schema) for batch in batches]
    like = list(like_lots([to_features(batch, schema) for batch in batches]))
    predict = loaded.predictor.predict

    def through(columns: Iterable[Any]) -> Program:
        def run(threads: int) -> None:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(predict, columns))

        return run

    return {"onnxruntime": through(plain), "onnxruntime_like_together": through(like)}


def like_lots(features: list[pa.RecordBatch]) -> Iterator[Columns]:
    """As a batch run asks: window by window, each in lots of like rows."""
    for start in range(0, len(features), ROWS // LOT):
        coded = coded_columns(features[start : start + ROWS // LOT])
        order = like_together(coded.values.values(), len(next(iter(coded.values.values()))))
        if order is not None:
            yield from (coded.take(order[lot : lot + LOT]) for lot in range(0, len(order), LOT))


def scikit_learn(folder: Path) -> dict[str, Program]:
    """The two steps of the pipeline that it would have without us."""
    pipeline, _ = fitted(folder / "flights.csv")
    encoders, trees = (step for _, step in pipeline.steps)
    frame = pd.read_parquet(folder / "rows.parquet", columns=COLUMNS)
    matrix = encoders.transform(frame)

    def limited(step: Callable[[Any], Any], given: Any) -> Program:
        def run(threads: int) -> None:
            with threadpool_limits(threads):
                step(given)

        return run

    return {"encoders": limited(encoders.transform, frame), "trees": limited(trees.predict_proba, matrix)}


if __name__ == "__main__":
    main()
