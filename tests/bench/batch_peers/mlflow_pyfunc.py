"""MLflow's pyfunc around the same pipeline, with its signature. `python -m … ROWS.csv INPUT OUTPUT ONNX`"""

import json
import sys
import tempfile
import time
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

from tests.bench.realtime_peers.sklearn_model import COLUMNS, fitted

rows, source, output, _ = sys.argv[1:]
pipeline, inputs = fitted(Path(rows))
trusted = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
with tempfile.TemporaryDirectory() as place:
    folder = f"{place}/model"
    signature = infer_signature(inputs, pipeline.predict_proba(inputs))
    how = {"pyfunc_predict_fn": "predict_proba", "skops_trusted_types": trusted}
    mlflow.sklearn.save_model(pipeline, folder, signature=signature, **how)
    model = mlflow.pyfunc.load_model(folder)
began = time.perf_counter()
frame = pd.read_parquet(source, columns=["flight", "scheduled", *COLUMNS])
shares = model.predict(frame[COLUMNS])
answers = frame[["flight", "scheduled"]].assign(probability_0=shares[:, 0], probability_1=shares[:, 1])
answers.to_parquet(output, compression="zstd")
sys.stdout.write(json.dumps({"rows": len(frame), "seconds": time.perf_counter() - began}) + "\n")
