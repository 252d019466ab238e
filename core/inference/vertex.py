"""Vertex AI's contract with a container: row format in, `predictions` and `metadata` out.

Source: https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
The container is asked on the routes that AIP_PREDICT_ROUTE and AIP_HEALTH_ROUTE name; these are the default ones.
"""

from __future__ import annotations

from typing import Any

from ..domain.prediction import MODEL_VERSION
from ..usecases.score_one import Answer
from .tfserving import PREDICTION_IDS, row_answer

HEALTH = "/v1/endpoints/{endpoint}/deployedModels/{deployed_model}"
PREDICT = f"{HEALTH}:predict"


def encode(answer: Answer) -> dict[str, Any]:
    """The body of the answer; Vertex AI hands `predictions` and `metadata` on, and nothing else."""
    body = row_answer(answer.answers, answer.prediction_ids)
    facts = {"model": answer.manifest.model, MODEL_VERSION: answer.manifest.version}
    return {"predictions": body["predictions"], "metadata": {**facts, PREDICTION_IDS: body[PREDICTION_IDS]}}


def aliases(predict_route: str | None, health_route: str | None) -> dict[str, str]:
    """Routes as they are set -> the paths that answer them."""
    routes = {predict_route: PREDICT, health_route: HEALTH}
    return {route: path.format(endpoint="0", deployed_model="0") for route, path in routes.items() if route}
