"""How numbers go together, of the whole and of parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.correlations import Correlations, correlations_of, merged_correlations
from core.domain.sketch import CategoryCounts, NumberSketch

SEEDS = st.integers(0, 2**32 - 1)


def columns(rng, count):
    x = rng.normal(rng.normal(0, 2), 1, count)
    return {
        "x": x.astype(np.float32),
        "y": (x + rng.normal(size=count)).astype(np.float32),
        "z": rng.exponential(size=count).astype(np.float32),
        "one": np.ones(count, np.float32),
        "name": np.array(["a"] * count, dtype=object),
    }


def summaries(found):
    return {
        name: CategoryCounts.of(values) if name == "name" else NumberSketch.of(values) for name, values in found.items()
    }


@given(SEEDS, st.sampled_from([2, 50, 3_000]))
def test_they_are_numpys(seed, count):
    found = columns(np.random.default_rng(seed), count)
    made = correlations_of(found, summaries(found))
    assert made.names == ("x", "y", "z", "one")
    theirs = np.corrcoef([found[name].astype(float) for name in made.names[:3]])
    assert made.matrix[:3, :3] == pytest.approx(theirs, abs=1e-5)
    assert made.matrix[3].tolist() == [0, 0, 0, 1]


@given(SEEDS, st.integers(1, 5))
def test_those_of_parts_are_those_of_the_whole(seed, count):
    rng = np.random.default_rng(seed)
    parts = [columns(rng, int(rng.integers(5, 400))) for _ in range(count)]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    each = [summaries(part) for part in parts]
    made = merged_correlations([correlations_of(*pair) for pair in zip(parts, each, strict=True)], each)
    assert made.matrix == pytest.approx(correlations_of(whole, summaries(whole)).matrix, abs=1e-4)


@given(SEEDS)
def test_they_survive_storage(seed):
    found = columns(np.random.default_rng(seed), 100)
    made = correlations_of(found, summaries(found))
    assert Correlations.from_json(made.to_json()) == made


def test_nulls_and_infinities_are_borne():
    found = columns(np.random.default_rng(0), 1_000)
    found["x"][::3] = np.nan
    found["z"][5] = np.inf
    made = correlations_of(found, summaries(found))
    assert np.isfinite(made.matrix).all()
    assert 0.5 < made.matrix[0, 1] < 0.71
