"""Ray Data with onnxruntime in two actors. `python -m … ROWS.csv INPUT OUTPUT ONNX`"""

import json
import os
import sys
import time

import ray

from tests.bench.batch_peers.onnx_answers import COLUMNS, Answers

_, source, output, onnx = sys.argv[1:]
began = time.perf_counter()
environ = {"PYTHONPATH": os.environ["PYTHONPATH"]}
ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": environ})
data = ray.data.read_parquet(source, columns=COLUMNS)
how = {"fn_constructor_args": (onnx,), "concurrency": 2, "batch_size": 65_536, "batch_format": "pandas"}
data.map_batches(Answers, **how).write_parquet(output)
seconds = time.perf_counter() - began
rows = ray.data.read_parquet(output).count()
sys.stdout.write("\n" + json.dumps({"rows": rows, "seconds": seconds}) + "\n")
