"""Learn each preset on real rows and print the SHA-256 of everything that is stored of it: run as a process."""

from __future__ import annotations

import hashlib
import json
import sys
import warnings

from core.training.learner import SklearnLearner
from tests.unit.training import real

SEARCHED = {
    "space": {"max_leaf_nodes": [5, 9, 15], "learning_rate": {"low": 0.05, "high": 0.3, "log": True}},
    "budget": 3,
}


def main() -> None:
    """One JSON object: preset and task -> hashes."""
    warnings.simplefilter("error")
    plans = {f"{preset} {task}": real.plan("penguins", "mixed", task, preset) for preset, task in real.CASES}
    searched = real.plan("penguins", "mixed", "binary", "hist-gradient-boosting", params={}, search=SEARCHED)
    found = {}
    for name, plan in {**plans, "searched": searched}.items():
        halves = real.halves(real.rows("penguins", "mixed", plan.schema.task))
        learned = SklearnLearner().learn(plan, *halves, lambda _step: None)
        parts = (learned.onnx, learned.estimator, learned.golden, repr((learned.parity, learned.params)).encode())
        found[name] = [hashlib.sha256(part).hexdigest() for part in parts]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
