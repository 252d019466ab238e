"""Answer the rows of a file at once: for a person at a terminal, and nothing is recorded."""

from __future__ import annotations

from typing import Any

from ..domain.checks.rows import Rejected
from ..errors import BadInput, NotFound
from ..inference.answers import plain
from ..ports import LoadPredictor, ObjectInfo, Reads
from ..tables.checked import checked_batches
from ..tables.columns import to_columns
from .load_model import load_version
from .promote import current_route


def predict_rows(
    models: Reads, load: LoadPredictor, rows: Reads, info: ObjectInfo, *, model: str, version: str | None = None
) -> dict[str, Any]:
    """Answer every row of the object `info` of `rows`, by `version` or by the one that serves.

    Raises NotFound if there is no such version or none serves, BadInput if the file or any of its rows cannot be used.
    """
    loaded = load_version(models, model, version or _serving(models, model), load)
    manifest = loaded.manifest
    answers: list[dict[str, Any]] = []
    for batch in checked_batches(rows, info, manifest.schema, "score"):
        if batch.rejected:
            raise BadInput(_sentence(batch.rejected[0]))
        outputs = loaded.predictor.predict(to_columns(batch.good, manifest.schema))
        answers += plain(outputs, manifest.classes)
    return {"model": model, "version": manifest.version, "predictions": answers}


def _serving(models: Reads, model: str) -> str:
    route = current_route(models, model)
    if route is None:
        raise NotFound(f"no version of model {model} serves yet; drop rows and let it train.")
    return route.champion


def _sentence(rejected: Rejected) -> str:
    reasons = "; ".join(f"{reason.column or 'the row'}: {reason.problem}" for reason in rejected.reasons)
    return f"row {rejected.row} cannot be used: {reasons}."
