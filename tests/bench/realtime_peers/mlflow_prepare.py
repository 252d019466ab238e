"""A model as MLflow saves it, with its signature. `python mlflow_prepare.py ROWS.csv FOLDER`"""

import sys
from pathlib import Path

import mlflow.sklearn
from mlflow.models import infer_signature

from tests.bench.realtime_peers.sklearn_model import fitted

rows, folder = sys.argv[1:]
pipeline, inputs = fitted(Path(rows))
signature = infer_signature(inputs, pipeline.predict_proba(inputs))
trusted = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
how = {"pyfunc_predict_fn": "predict_proba", "skops_trusted_types": trusted}
mlflow.sklearn.save_model(pipeline, folder, signature=signature, **how)
