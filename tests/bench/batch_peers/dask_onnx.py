"""Dask's frames with onnxruntime in two worker processes. `python -m … ROWS.csv INPUT OUTPUT ONNX`"""

import json
import sys
import time
from functools import cache

import dask.dataframe as dd
import pandas as pd
from distributed import Client, LocalCluster

from tests.bench.batch_peers.onnx_answers import COLUMNS, Answers


@cache
def model(onnx: str) -> Answers:
    """One a process."""
    return Answers(onnx)


def answer(frame: pd.DataFrame, onnx: str) -> pd.DataFrame:
    """The answers to a partition."""
    return model(onnx)(frame)


def main() -> None:
    """Score the file, and tell how many rows and in what time."""
    _, source, output, onnx = sys.argv[1:]
    began = time.perf_counter()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        frame = dd.read_parquet(source, columns=COLUMNS, split_row_groups=True)
        frame.map_partitions(answer, onnx, meta=answer(frame.head(1), onnx)).to_parquet(output)
        seconds = time.perf_counter() - began
        rows = len(dd.read_parquet(output, columns=["flight"]))
    sys.stdout.write(json.dumps({"rows": rows, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
