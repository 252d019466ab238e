from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from core.domain import profile
from core.domain.columns import Columns, Outputs
from core.domain.profile import Profile
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.errors import Corrupt
from core.inference.answers import encodable
from core.inference.rows import Rows
from core.usecases.prediction_records import Answered
from edge.telemetry import watch as watching
from edge.telemetry.watch import AT_ONCE, NOTHING, Watch

SCHEMA = Schema("m", "binary", "y", (Feature("x", "number"), Feature("kind", "category"), Feature("on", "boolean")))
CLASSES = ("no", "yes")


def columns(noise: np.random.Generator, rows: int, shift: float = 0.0, kinds: tuple[str, ...] = ("a", "b")) -> Columns:
    return {
        "x": (noise.normal(size=rows) + shift).astype(np.float32),
        "kind": noise.choice(np.array(kinds, object), rows),
        "on": noise.integers(0, 2, rows).astype(np.float32),
    }


def outputs(noise: np.random.Generator, rows: int, high: float = 1.0) -> Outputs:
    yes = (noise.random(rows) * high).astype(np.float32)
    shares = np.stack([1 - yes, yes], axis=1)
    return Outputs(np.array([CLASSES[int(each > 0.5)] for each in yes], object), shares)


@pytest.fixture(scope="module")
def known() -> Profile:
    noise = np.random.default_rng(1)
    return profile.build(SCHEMA, columns(noise, 5000), outputs(noise, 2000), CLASSES)


def see(watch: Watch, given: Columns, answered: Outputs, error: str = "") -> None:
    """As the endpoint tells it, [n, 1] each."""
    rows = Rows(len(answered), {name: values.reshape(-1, 1) for name, values in given.items()}, ())
    watch.see(Answered("m", "1", "r", rows, encodable(answered, CLASSES), error=error))


def watched(known: Profile, requests: int, **changes: Any) -> Watch:
    noise, watch = np.random.default_rng(2), Watch(lambda: known)
    high = changes.pop("high", 1.0)
    for _ in range(requests):
        see(watch, columns(noise, 50, **changes), outputs(noise, 50, high))
        watch.update()
    return watch


def test_the_same_rows_as_ever_do_not_drift(known: Profile) -> None:
    figures = watched(known, 200).figures()
    assert figures.drifted == ()
    assert set(figures.features) == {"x", "kind", "on"}
    assert set(figures.outputs) == {"label", "probability_yes"}
    assert max((*figures.features.values(), *figures.outputs.values())) < 0.05


@pytest.mark.parametrize(
    ("changes", "drifted"),
    [
        ({"shift": 0.5}, {"x"}),
        ({"kinds": ("a", "b", "b", "b")}, {"kind"}),
        ({"kinds": ("a", "b", "never seen")}, {"kind"}),
        ({"kinds": ("a", "b", NULL_CATEGORY)}, {"kind"}),
        ({"high": 0.6}, {"label", "probability_yes"}),
    ],
)
def test_what_changes_drifts_and_nothing_else(known: Profile, changes: dict[str, Any], drifted: set[str]) -> None:
    assert set(watched(known, 60, **changes).figures().drifted) == drifted


def test_few_rows_prove_nothing(known: Profile) -> None:
    figures = watched(known, 9, shift=3.0).figures()
    assert figures.features["x"] > 0.5
    assert figures.drifted == ()


def test_figures_are_of_the_newest_rows(known: Profile) -> None:
    noise, watch = np.random.default_rng(3), watched(known, 100, shift=2.0)
    assert "x" in watch.figures().drifted
    for _ in range(220):
        see(watch, columns(noise, 50), outputs(noise, 50))
        watch.update()
    assert watch.figures().drifted == ()


def test_of_many_rows_at_once_some_are_counted(known: Profile) -> None:
    noise, watch = np.random.default_rng(4), Watch(lambda: known)
    for _ in range(100):
        see(watch, columns(noise, 10_000), outputs(noise, 10_000))
    assert sum(len(part.answers) for part in watch._waiting) <= AT_ONCE
    watch.update()
    assert watch.figures().features["x"] < 0.1


def test_categories_without_end_take_no_memory(known: Profile) -> None:
    noise, watch = np.random.default_rng(5), Watch(lambda: known)
    for request in range(100):
        kinds = tuple(f"{request}-{each}" for each in range(50))
        see(watch, columns(noise, 50, kinds=kinds), outputs(noise, 50))
        watch.update()
    counts = watch._counts
    assert counts is not None
    window = counts._features["kind"]
    assert window._newer is None or len(window._newer.counts) <= 3  # type: ignore[union-attr]
    assert sys.getsizeof(watch._waiting) < 10_000
    assert watch.figures().features["kind"] > 0.9


def test_failures_and_a_profile_that_is_broken_are_passed_over(known: Profile) -> None:
    noise = np.random.default_rng(6)
    watch = Watch(lambda: known)
    see(watch, columns(noise, 5), outputs(noise, 5), error="Fail")
    watch.update()
    assert watch.figures() == NOTHING

    def broken() -> Profile:
        raise Corrupt("profile cannot be read.")

    blind = Watch(broken)
    for _ in range(2):
        see(blind, columns(noise, 5), outputs(noise, 5))
        blind.update()
    assert blind.figures() == NOTHING
    assert watching.log.name
