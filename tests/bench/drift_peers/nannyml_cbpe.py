"""NannyML: confidence-based estimates of each month from the answers in an .npz. `nannyml_cbpe FILE`"""

import json
import sys
import time

import numpy as np
import pandas as pd
from nannyml import CBPE

METRICS = ["accuracy", "f1", "roc_auc"]


def frame(records: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "proba": records["probabilities"][:, 1].astype(float),
            "label": records["label"].astype(int),
            "truth": records["truth"].astype(int),
        }
    )


parts = {name: frame(records) for name, records in np.load(sys.argv[1]).items()}
holdout = parts.pop("holdout")
columns = {"y_pred_proba": "proba", "y_pred": "label", "y_true": "truth"}
estimator = CBPE(problem_type="classification_binary", metrics=METRICS, chunk_number=1, **columns)
began = time.perf_counter()
estimator.fit(holdout)
months = {}
for month, rows in parts.items():
    found = estimator.estimate(rows).filter(period="analysis").to_df()
    months[month] = {name: float(found[(name, "value")].iloc[0]) for name in METRICS}
sys.stdout.write(json.dumps({"months": months, "seconds": round(time.perf_counter() - began, 2)}) + "\n")
