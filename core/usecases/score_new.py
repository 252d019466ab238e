"""Score what was dropped to be scored: one file by its own event, or all that wait for a version to serve."""

from __future__ import annotations

from typing import Any

from .. import layout
from ..domain.batch import Options
from ..errors import BadInput, TimeUp, VersionMismatch
from ..ports import Reads, ReadsCreates, ReadsLists
from .batch_time import TooLittleTime
from .promote import current_route
from .score_batch import Means, is_settled, score_batch


def score_new(
    landing: ReadsLists,
    models: Reads,
    predictions: ReadsCreates,
    quarantine: ReadsCreates,
    *,
    model: str,
    key: str | None,
    means: Means,
    version: str | None = None,
    keep: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Score the file `key` if it is still `version`, or every file that is neither scored nor refused if it is None.

    While no version of the model serves the files wait: the first route is an event that scores them. A file that was
    replaced since is passed over: what is there now has an event of its own. `keep` are columns that are
    passed through. Raises BadInput for a file that cannot be scored as a whole, after all others have been; TimeUp near
    the end of the host's time.
    """
    if current_route(models, model) is None:
        return {"waiting": f"no version of model {model} serves yet"}
    keys = [key] if key else [info.key for info in landing.list(layout.drops(model, "score"))]
    scored, rows, replaced, refused = 0, 0, 0, None
    for waiting in keys:
        try:
            if key is None and is_settled(landing, predictions, waiting):
                continue
            result = score_batch(
                landing,
                models,
                predictions,
                quarantine,
                key=waiting,
                means=means,
                options=Options(keep=keep),
                version=version if key else None,
            )
        except TooLittleTime as error:
            if not scored:
                raise
            raise TimeUp(f"time is up: {scored} files of model {model} are scored, the others go on.") from error
        except VersionMismatch:
            replaced += 1
            continue
        except BadInput as error:
            refused = error
            continue
        scored, rows = scored + 1, rows + result.rows
    if refused is not None:
        raise refused
    return {"files": scored, "rows": rows, **({"replaced": replaced} if replaced else {})}
