"""What a profile knows of seasons, and the reference in a window's seasons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.drift.seasonal import LEAST_ROWS, adjusted, mix_of
from core.domain.schema import NULL_CATEGORY
from core.domain.seasons import BINS, PLACES, SEASONS, Seasons, season_places, season_rows, seasons_of
from core.domain.sketch import CategoryCounts, NumberSketch
from tests.mixed_rows import START, times

SEEDS = st.integers(0, 2**32 - 1)


@given(st.datetimes())
def test_seasons_are_those_of_the_calendar(when):
    hour, day, month = (int(places[0]) for places in season_places(np.array([when], "M8[us]")))
    assert hour == when.hour
    assert day - PLACES["week"].start == when.weekday()
    assert month - PLACES["year"].start == when.month - 1


@given(SEEDS)
def test_every_row_with_a_time_is_in_one_season_of_each_cycle(seed):
    rng = np.random.default_rng(seed)
    when = times(rng, 500, 400)
    when[::7] = np.datetime64("NaT")
    rows = season_rows(when)
    assert [int(rows[place].sum()) for place in PLACES.values()] == [int((~np.isnat(when)).sum())] * 3


def known(rng, count=9_000):
    """Numbers, few whole numbers, categories, booleans and nulls that all are otherwise at weekends."""
    when = times(rng, count, 28)
    weekend = (when.astype("M8[D]").astype(np.int64) + 3) % 7 >= 5
    columns = {
        "number": (rng.normal(size=count) + 2 * weekend).astype(np.float32),
        "whole": (rng.integers(0, 5, count) + 3 * weekend).astype(np.float32),
        "category": np.where(weekend, rng.choice(["a", "b"], count), "c").astype(object),
        "flag": (rng.random(count) < 0.2 + 0.5 * weekend).astype(np.float32),
    }
    columns["number"][rng.random(count) < 0.1 * weekend] = np.nan
    columns["category"][rng.random(count) < 0.1 * weekend] = NULL_CATEGORY
    kinds = {"number": NumberSketch, "whole": NumberSketch, "category": CategoryCounts, "flag": CategoryCounts}
    summaries = {name: kinds[name].of(values) for name, values in columns.items()}
    return columns, summaries, when, weekend


@given(SEEDS)
def test_seasons_survive_storage(seed):
    columns, summaries, when, _ = known(np.random.default_rng(seed), 300)
    made = seasons_of(columns, summaries, when)
    assert Seasons.from_json(made.to_json()) == made
    assert all(shares.shape == (SEASONS, BINS + 1) for shares in made.shares.values())


def test_the_reference_of_a_weekend_is_that_of_the_weekends_before():
    rng = np.random.default_rng(0)
    columns, summaries, when, weekend = known(rng)
    seasons = seasons_of(columns, summaries, when)
    mix = mix_of("week", seasons, season_rows(when[weekend]))
    assert mix is not None
    assert mix.effective == pytest.approx(weekend.sum(), rel=1e-3)
    found = adjusted(summaries, seasons, mix)
    for name in ("category", "flag"):
        of_weekends = CategoryCounts.of(columns[name][weekend])
        assert found[name].null_share == pytest.approx(of_weekends.null_share, abs=2e-3)
        for category, rows in found[name].counts.items():
            assert rows == pytest.approx(of_weekends.counts.get(category, 0), abs=3)
    for name, allowed in (("number", 1.2 / BINS), ("whole", 2e-3)):
        of_weekends = NumberSketch.of(columns[name][weekend])
        ours, edges = found[name], of_weekends.edges
        there = np.searchsorted(ours.edges, edges, "right") - 1
        assert np.abs(ours.upto[there] / ours.count - of_weekends.upto / of_weekends.count).max() < allowed
        assert ours.null_share == pytest.approx(of_weekends.null_share, abs=2e-3)


@given(SEEDS)
def test_the_mix_of_the_reference_itself_changes_nothing(seed):
    columns, summaries, when, _ = known(np.random.default_rng(seed), 3_000)
    seasons = seasons_of(columns, summaries, when)
    mix = mix_of("week", seasons, season_rows(when))
    assert mix is not None
    assert mix.effective == pytest.approx(3_000)
    found = adjusted(summaries, seasons, mix)
    for name in ("number", "whole"):
        assert np.abs(found[name].upto - summaries[name].upto).max() <= 2
    assert sum(found["category"].counts.values()) == pytest.approx(summaries["category"].count, abs=2)


def test_a_season_that_is_hardly_known_is_not_known():
    columns, summaries, when, _ = known(np.random.default_rng(1))
    seasons = seasons_of(columns, summaries, when)
    monday = season_rows(np.full(500, START))
    assert mix_of("week", seasons, monday) is not None
    june = season_rows(np.full(500, np.datetime64("2025-06-02", "us")))
    assert mix_of("week", seasons, june) is not None
    assert mix_of("year", seasons, june) is None
    few = seasons_of({}, {}, when[: LEAST_ROWS - 1])
    assert mix_of("week", few, monday) is None


def test_without_history_or_times_there_is_no_season():
    _, _, when, _ = known(np.random.default_rng(2), 50)
    assert mix_of("week", None, season_rows(when)) is None
    assert mix_of(None, seasons_of({}, {}, when), season_rows(when)) is None
    assert mix_of("week", seasons_of({}, {}, when), np.zeros(SEASONS, np.int64)) is None


def test_categories_that_are_compared_by_hash_stay_as_they_are():
    rng = np.random.default_rng(3)
    users = np.array([f"user {number}" for number in rng.integers(0, 20_000, 9_000)], dtype=object)
    when = times(rng, 9_000, 28)
    summaries = {"user": CategoryCounts.of(users)}
    seasons = seasons_of({"user": users}, summaries, when)
    mix = mix_of("week", seasons, season_rows(np.full(500, START)))
    assert adjusted(summaries, seasons, mix)["user"] is summaries["user"]
