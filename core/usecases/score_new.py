"""Score what was dropped to be scored: one file by its own event, or all that wait for a version to serve."""

from __future__ import annotations

from typing import Any

from .. import layout
from ..errors import BadInput
from ..ports import Clock, LoadPredictor, Reads, ReadsCreates, ReadsLists
from .promote import current_route
from .score_batch import is_settled, score_batch


def score_new(
    landing: ReadsLists,
    models: Reads,
    predictions: ReadsCreates,
    quarantine: ReadsCreates,
    *,
    model: str,
    key: str | None,
    load: LoadPredictor,
    clock: Clock,
    code: str,
) -> dict[str, Any]:
    """Score the file `key`, or every file of `model` that is neither scored nor refused if it is None.

    While no version serves the files wait: the first route is an event that scores them. Raises BadInput for a file
    that cannot be scored as a whole, after all others have been.
    """
    if current_route(models, model) is None:
        return {"waiting": f"no version of model {model} serves yet"}
    keys = [key] if key else [info.key for info in landing.list(layout.drops(model, "score"))]
    scored, rows, refused = 0, 0, None
    for waiting in keys:
        if key is None and is_settled(landing, predictions, waiting):
            continue
        try:
            result = score_batch(
                landing, models, predictions, quarantine, key=waiting, load=load, clock=clock, code=code
            )
        except BadInput as error:
            refused = error
            continue
        scored, rows = scored + 1, rows + result.rows
    if refused is not None:
        raise refused
    return {"files": scored, "rows": rows}
