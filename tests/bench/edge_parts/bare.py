"""The least that answers: import numpy and onnxruntime, load MODEL.onnx, predict ROWS.json, and wait to be told to end.

Its arguments are the two files; a line on its standard input ends it.
"""

import json
import sys

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
with open(sys.argv[2], encoding="utf-8") as file:  # noqa: PTH123 - pathlib would be one import more
    rows = json.load(file)["instances"]
feeds = {
    node.name: np.array([row[node.name] for row in rows], object if "string" in node.type else np.float32).reshape(
        -1, 1
    )
    for node in session.get_inputs()
}
labels, probabilities = session.run(["label", "probabilities"], feeds)
sys.stdout.write(json.dumps({"label": labels.tolist(), "probabilities": probabilities.tolist()}) + "\n")
sys.stdout.flush()
sys.stdin.readline()
