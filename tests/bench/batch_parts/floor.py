"""The floor: what someone would write by hand for this one model and this one file, checking nothing.

Two threads of one intra-op thread each answer what a third one reads; the main thread writes in the order of the file.

`python -m tests.bench.batch_parts.floor ONNX INPUT OUTPUT`
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue
from threading import Thread

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq

from ..realtime_parts.model_names import CATEGORIES, INTEGERS, NUMBERS

ROWS = 16_384
PASSED = ("flight", "scheduled")
SCHEMA = pa.schema(
    {
        "flight": pa.string(),
        "scheduled": pa.timestamp("us", "UTC"),
        "label": pa.string(),
        "probability_0": pa.float32(),
        "probability_1": pa.float32(),
    }
)


def main() -> None:
    """Score the file, and tell how many rows and in what time."""
    onnx, source, output = sys.argv[1:]
    pa.array([0])  # imports pandas where it is installed, which is not to be counted against the floor
    started = time.perf_counter()
    rows = score(onnx, source, output)
    sys.stdout.write(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}) + "\n")


def score(onnx: str, source: str, output: str) -> int:
    """Stream `source` through the model into one Parquet file; returns the number of rows."""
    session = load(onnx)
    batches: Queue[pa.RecordBatch | None] = Queue(4)
    Thread(target=read, args=(source, batches), daemon=True).start()
    waiting: deque[Future[pa.Table]] = deque()
    rows = 0
    with ThreadPoolExecutor(2) as pool, pq.ParquetWriter(output, SCHEMA, compression="zstd") as writer:
        while (batch := batches.get()) is not None:
            waiting.append(pool.submit(answer, session, batch))
            while len(waiting) > 2:
                rows += write(writer, waiting.popleft().result())
        while waiting:
            rows += write(writer, waiting.popleft().result())
    return rows


def write(writer: pq.ParquetWriter, table: pa.Table) -> int:
    """Write the rows; how many they were."""
    writer.write_table(table)
    return len(table)


def load(onnx: str) -> onnxruntime.InferenceSession:
    """A session of one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def read(source: str, batches: Queue[pa.RecordBatch | None]) -> None:
    """Put the batches of the file, and None behind the last."""
    file = pq.ParquetFile(source, memory_map=False, read_dictionary=list(CATEGORIES))
    for batch in file.iter_batches(ROWS, columns=[*PASSED, *CATEGORIES, *INTEGERS, *NUMBERS], use_threads=False):
        batches.put(batch)
    batches.put(None)


def answer(session: onnxruntime.InferenceSession, batch: pa.RecordBatch) -> pa.Table:
    """The rows' id and time, with label and probabilities."""
    feeds = {name: texts(batch.column(name)).reshape(-1, 1) for name in CATEGORIES}
    for name in (*INTEGERS, *NUMBERS):
        numbers = batch.column(name).to_numpy(zero_copy_only=False)
        feeds[name] = numbers.astype(np.float32).reshape(-1, 1)
    labels, shares = session.run(["label", "probabilities"], feeds)
    answers = {"label": pa.array(labels, pa.string())}
    answers |= {f"probability_{at}": pa.array(np.ascontiguousarray(shares[:, at])) for at in range(shares.shape[1])}
    return pa.table({**{name: batch.column(name) for name in PASSED}, **answers})


def texts(column: pa.DictionaryArray) -> np.ndarray:
    """One Python string for each distinct text."""
    names = np.array([*column.dictionary.to_pylist(), "<null>"], dtype=object)
    return names[column.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)]


if __name__ == "__main__":
    main()
