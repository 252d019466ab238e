"""pandas and scikit-learn: the whole file as a frame. `python -m … ROWS.csv INPUT OUTPUT ONNX`"""

import json
import sys
import time
from pathlib import Path

import pandas as pd

from tests.bench.realtime_peers.sklearn_model import COLUMNS, fitted

rows, source, output, _ = sys.argv[1:]
pipeline, _ = fitted(Path(rows))
began = time.perf_counter()
frame = pd.read_parquet(source, columns=["flight", "scheduled", *COLUMNS])
shares = pipeline.predict_proba(frame[COLUMNS])
labels = pipeline.classes_[shares.argmax(axis=1)]
answers = frame[["flight", "scheduled"]].assign(label=labels, probability_0=shares[:, 0], probability_1=shares[:, 1])
answers.to_parquet(output, compression="zstd")
sys.stdout.write(json.dumps({"rows": len(frame), "seconds": time.perf_counter() - began}) + "\n")
