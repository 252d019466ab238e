"""What rows must be like for a model to be learned from them and judged on them. Each check raises BadInput."""

from __future__ import annotations

import numpy as np

from ..domain.learning import Rows
from ..domain.schema import Schema
from ..errors import BadInput

FEWEST_ROWS = 20
"""Fewer rows than this, training and holdout together, teach nothing."""

_MOST_SHOWN = 5


def check_rows(rows: Rows, schema: Schema) -> None:
    """Enough rows, a target that fits the task, and numbers that float32 holds."""
    if len(rows) < FEWEST_ROWS:
        raise BadInput(f"there are {len(rows)} rows to learn {schema.target!r} from; {FEWEST_ROWS} or more are needed.")
    for feature in schema.features:
        if feature.type != "category" and np.isinf(rows.columns[feature.name]).any():
            raise BadInput(f"feature {feature.name!r} has values beyond ±3.4e38, which float32 cannot hold.")
    if schema.task != "regression":
        _check_classes(rows, schema)
    elif (rows.target == rows.target[0]).all():
        raise BadInput(f"all {len(rows)} rows have {schema.target} {rows.target[0]:g}: there is nothing to learn.")


def check_parts(training: Rows, holdout: Rows, schema: Schema) -> None:
    """Neither part is empty, and the training part has more than one class."""
    if not len(training) or not len(holdout):
        empty = "holdout" if len(training) else "training part"
        raise BadInput(f"the {empty} is empty: the rows are too much alike to be split; add rows or an `id`.")
    if schema.task != "regression" and len(_classes(training)) < 2:  # noqa: PLR2004
        only = _classes(training)[0]
        raise BadInput(
            f"the {len(training)} training rows all have {schema.target} {only!r}, and other values come only in the "
            "holdout: add rows, or split otherwise."
        )


def _check_classes(rows: Rows, schema: Schema) -> None:
    classes = _classes(rows)
    if len(classes) == 1:
        raise BadInput(f"all {len(rows)} rows have {schema.target} {classes[0]!r}: there is nothing to tell apart.")
    if schema.task == "binary" and len(classes) != 2:  # noqa: PLR2004
        shown = ", ".join(map(repr, classes[:_MOST_SHOWN])) + (", …" if len(classes) > _MOST_SHOWN else "")
        raise BadInput(
            f"{schema.target} has {len(classes)} values ({shown}), and a binary task has two: use `task: multiclass`."
        )


def _classes(rows: Rows) -> list[str]:
    return sorted(set(rows.target.tolist()))
