"""MLServer's folder of one model for its own scikit-learn runtime. `python mlserver_prepare.py ROWS.csv FOLDER`"""

import json
import sys
from pathlib import Path

import joblib

from tests.bench.realtime_peers.sklearn_model import fitted

rows, folder = map(Path, sys.argv[1:])
folder.mkdir()
joblib.dump(fitted(rows)[0], folder / "model.joblib")
settings = {
    "name": "flights",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib", "extra": {"predict_fn": "predict_proba"}},
}
(folder / "model-settings.json").write_text(json.dumps(settings))
