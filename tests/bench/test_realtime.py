"""What the bench promises, at a length that a test run can bear: the soak's checks, and that no peer is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from . import _common, realtime
from .realtime_parts import peers
from .realtime_parts.model import VERSIONS, make
from .realtime_parts.soak import Tally, broken, judge, soak
from .realtime_parts.soak_questions import Question

MINUTES = 0.4


@pytest.mark.slow
def test_no_answer_fails_or_mixes_versions_while_they_are_switched(tmp_path: Path) -> None:
    make(tmp_path)
    found = soak(tmp_path, MINUTES)
    assert found["broken"] == []
    assert found["switches"] > 10
    assert min(found["by_version"].values()) > 0.1 * found["answers"]


# the soak sees what is wrong ---------------------------------------------------------------------------------

ONE, TWO = VERSIONS
EXPECTED = {ONE: (["a", "b"], b"1"), TWO: (["a", "b"], b"2")}


def judged(said: str, named: str | None, values: tuple[list[str], bytes], status: int = 200) -> Tally:
    tally = Tally()
    question = Question("/", b"", lambda _body, _headers: (named, values), 2, EXPECTED)
    judge(tally, question, status, {"x-tidemill-model-version": said}, b"")
    return tally


@pytest.mark.parametrize(
    ("tally", "failed", "mixed"),
    [
        (lambda: judged(ONE, None, EXPECTED[ONE]), 0, 0),
        (lambda: judged(TWO, TWO, EXPECTED[TWO]), 0, 0),
        (lambda: judged(ONE, TWO, EXPECTED[ONE]), 0, 1),
        (lambda: judged(ONE, ONE, EXPECTED[TWO]), 0, 1),
        (lambda: judged(ONE, ONE, (["a", "c"], b"1")), 0, 1),
        (lambda: judged(ONE, ONE, EXPECTED[ONE], 503), 1, 0),
    ],
    ids=["one", "two", "another in the body", "another's values", "another row", "refused"],
)
def test_an_answer_is_whole_or_it_counts(tally: Callable[[], Tally], failed: int, mixed: int) -> None:
    counted = tally()
    assert (counted.answers, counted.failed, counted.mixed) == (1, failed, mixed)
    assert bool(counted.complaint) == bool(failed or mixed)


GOOD = {
    "minutes": 10.0,
    "failed": 0,
    "mixed": 0,
    "rows": 9,
    "recorded": 9,
    "by_version": {ONE: 1, TWO: 1},
    "rss_growth_mb": 0.5,
    "exit_code": 0,
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"failed": 1}, "1 answers failed: why"),
        ({"mixed": 2}, "2 answers were not of one version: why"),
        ({"recorded": 8}, "9 rows were answered and 8 recorded"),
        ({"by_version": {ONE: 2}}, "one version answered alone"),
        ({"rss_growth_mb": 40.0}, "memory grew by 40.0 MB, and 4.0 are allowed"),
        ({"exit_code": 1}, "the process ended with 1"),
    ],
    ids=["failed", "mixed", "recorded", "alone", "memory", "code"],
)
def test_a_broken_promise_is_told(changed: dict[str, Any], said: str) -> None:
    assert broken(GOOD, "") == []
    assert broken({**GOOD, **changed}, "why") == [said]


# no peer is passed over --------------------------------------------------------------------------------------


def test_a_peer_that_cannot_be_installed_is_told_by_name_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unknowable.txt").write_text("== 1\n")
    monkeypatch.setattr(peers, "PINS", tmp_path)
    monkeypatch.setattr(_common, "PEERS", tmp_path / "kept")
    monkeypatch.setattr(realtime, "PEERS", [replace(peers.PEERS[0], name="unknowable")])
    with ExitStack() as stack:
        targets, known = realtime.start_peers(stack, tmp_path, {})
    assert targets == {}
    [told] = realtime.complaints(known)
    assert told.startswith("unknowable WAS NOT MEASURED: unknowable cannot be installed")
    assert "Invalid requirement" in told


def measured(p50: float, per_second: float, failed: int = 0) -> dict[str, dict[str, dict[str, float]]]:
    """Ours takes 1 ms for a row and answers 3,000 a second; MLflow as told."""
    return {
        "1 row": {"ours": {"p50_ms": 1.0}, "mlflow": {"p50_ms": p50, "failed": failed}},
        "16 clients": {"ours": {"per_second": 3000.0}, "mlflow": {"per_second": per_second, "failed": 0}},
    }


def test_both_measures_are_judged_and_the_exit_code_follows_the_throughput() -> None:
    near = {"mlflow": realtime.against(measured(29.0, 99.0), "mlflow")}
    assert near["mlflow"]["met"] == {"p50_ratio": False, "throughput_ratio": True}
    assert realtime.verdicts(near) == [
        "mlflow, wanted 30 times: p50_ratio 29.0, NOT met",
        "mlflow, wanted 30 times: throughput_ratio 30.303, met",
    ]
    assert realtime.complaints(near) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (measured(40.0, 120.0), "ours answers 25.0 times as many requests a second as mlflow, wanted: 30 times."),
        (measured(40.0, 50.0, failed=3), "mlflow failed to answer 3 requests, so that its figures say nothing."),
    ],
    ids=["near", "failing"],
)
def test_a_peer_that_is_too_near_or_fails_is_told(found: Any, said: str) -> None:
    assert realtime.complaints({"mlflow": realtime.against(found, "mlflow")}) == [said]


def test_a_peer_that_nothing_is_promised_of_is_measured_alone() -> None:
    found = measured(1.1, 2900.0)
    renamed = {kind: {"fastapi": each["mlflow"], "ours": each["ours"]} for kind, each in found.items()}
    against = realtime.against(renamed, "fastapi")
    assert against == {"p50_ratio": 1.1, "throughput_ratio": 1.034, "failed": 0}
    assert realtime.complaints({"fastapi": against}) == realtime.verdicts({"fastapi": against}) == []


@pytest.mark.parametrize("peer", peers.PEERS, ids=lambda each: each.name)
def test_every_peer_is_pinned_whole(peer: peers.Peer) -> None:
    lines = (peers.PINS / f"{peer.name}.txt").read_text().splitlines()
    assert any(line.startswith(f"{peer.name}==") for line in lines)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[^*,\s]+", line) for line in lines)
