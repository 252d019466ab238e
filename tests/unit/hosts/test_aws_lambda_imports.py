"""What a cold start on Lambda imports until its first answer: every module costs each start, so each is meant."""

import json
import os
import subprocess
import sys
from pathlib import Path

from core.adapters.registry import open_store
from tests import penguins
from tests.penguins import MODEL, ROW

ROOT = Path(__file__).parents[3]
OURS = {
    "core": "code errors layout ports runtime settings telemetry",
    "core.adapters": "keys local_files local_walk registry store_ahead store_local",
    "core.domain": "artefact canonical columns model prediction route schema traffic",
    "core.events": "api_gateway",
    "core.hosts": "aws_lambda exposure",
    "core.inference": "access answers cache call endpoint golden http metrics predictor refusals row_errors row_types "
    "rows routing served service tensors tfserving tracing trials v1_endpoints vertex web",
    "core.usecases": "load_model log_predictions prediction_page prediction_records score_one",
    "functions.realtime_inference": "aws handler",
}
SLOW = {"asyncio", "concurrent.futures", "csv", "email", "http.client", "random", "ssl", "urllib.request"}
"""Modules of the standard library that none of ours needs before it has answered."""
ANSWER = """
import json, sys
import functions.realtime_inference.aws as aws

answer = aws.handler(json.loads(sys.argv[1]), None)
print(json.dumps({"status": answer["statusCode"], "modules": sorted(sys.modules)}))
"""


def modules_of_a_first_answer(folder: Path) -> set[str]:
    url = f"file://{folder}/{{zone}}"
    models = open_store(url, "models")
    penguins.classifier().store(models)
    penguins.route(models, penguins.classifier())
    context = {"http": {"method": "POST"}}
    asked = {"version": "2.0", "rawPath": f"/v1/models/{MODEL}:predict", "headers": {}, "requestContext": context}
    event = json.dumps({**asked, "body": json.dumps({"instances": [ROW]})})
    environ = {"PATH": os.defpath, "TIDEMILL_STORE": url, "TIDEMILL_SERVE": MODEL, "TIDEMILL_ACCESS": "iam"}
    command = [sys.executable, "-c", ANSWER, event]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == 200
    return set(told["modules"])


def test_a_first_answer_imports_what_it_needs_and_no_more(tmp_path: Path) -> None:
    modules = modules_of_a_first_answer(tmp_path)
    ours = {name for name in modules if name.startswith(("core.", "functions.")) and name not in {*OURS, "functions"}}
    assert ours == {f"{package}.{name}" for package, names in OURS.items() for name in names.split()}
    assert not SLOW & modules
