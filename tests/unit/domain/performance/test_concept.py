"""Concept drift is found, and rows of another kind are not taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.metrics import LabelAnswers, evaluate
from core.domain.performance.concept import ALPHA, of_labels
from core.domain.performance.judged import Judged, kept
from core.domain.performance.measuring import Yardstick
from core.domain.performance.reference import Reference, learn

NAMES = ("accuracy", "roc_auc", "log_loss")


def answers(rows: int, seed: int, *, shift: float = 0.0, slope: float = 1.0, flip: float = 0.0) -> LabelAnswers:
    """A model that is sure beyond measure; `shift` moves the rows, `slope` and `flip` change what is true of them."""
    random = np.random.default_rng(seed)
    x = random.normal(shift, 1, rows)
    score = 1 / (1 + np.exp(-2 * x))
    truth = random.random(rows) < 1 / (1 + np.exp(-(slope * x - flip)))
    return LabelAnswers(truth.astype(int), (score > 0.5).astype(int), np.stack([1 - score, score], axis=1))


def reference(rows: int = 4_000, seed: int = 1) -> Reference:
    known = answers(rows, seed)
    return learn({}, known, evaluate(known, seed=1, metrics=["accuracy"], most=1_000), seed=1)


def p_of(known: Reference, found: LabelAnswers) -> float:
    p = of_labels(found, known.curves, known.strata)
    assert p is not None
    return p


def judged(found: LabelAnswers) -> Judged:
    records = np.zeros(len(found), kept(found.probabilities.shape[1], 0))
    records["truth"], records["label"], records["probabilities"] = found.truth, found.labels, found.probabilities
    return Judged(records, len(records), len(records))


@pytest.mark.parametrize("shift", [0.0, 0.8, -1.5])
def test_rows_of_another_kind_are_no_concept_drift(shift):
    """Of 100 windows at most 5 (p < 0.001 of more if 1 of 100 is found by chance)."""
    windows = ((reference(seed=seed), answers(1_500, 10_000 + seed, shift=shift)) for seed in range(100))
    assert sum(p_of(known, found) < ALPHA for known, found in windows) <= 5


@pytest.mark.parametrize("change", [{"slope": 0.5}, {"slope": 1.6}, {"flip": 0.5}, {"slope": -1.0}])
@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_rows_that_come_true_otherwise_are(change, shift):
    assert p_of(reference(), answers(1_500, 7, shift=shift, **change)) < ALPHA


def test_too_few_rows_tell_nothing():
    known = reference()
    few = answers(20, 3)
    assert of_labels(few, known.curves, known.strata) is None


def cause(**change: float) -> str:
    known = reference(20_000)
    yard = Yardstick("binary", "accuracy", 1, 50, known)
    rows = judged(answers(8_000, 5, **change))
    found = yard.change(rows, yard.realised(rows, NAMES), yard.expected(rows, NAMES))
    assert found is not None
    assert found.realised.value - found.reference.value == pytest.approx(found.data.value + found.concept.value)
    return found.cause


def harder(rows: int, seed: int) -> LabelAnswers:
    """Rows near the border alone: each kind comes true as before, and more of them are hard."""
    found = answers(20 * rows, seed)
    near = np.flatnonzero(np.abs(found.probabilities[:, 1] - 0.5) < 0.3)[:rows]
    return found.take(near)


def test_the_cause_is_named():
    assert cause() == "none"
    assert cause(slope=0.4) == "concept"


def test_harder_rows_are_data_drift():
    known = reference(20_000)
    yard = Yardstick("binary", "accuracy", 1, 50, known)
    rows = judged(harder(4_000, 5))
    found = yard.change(rows, yard.realised(rows, NAMES), yard.expected(rows, NAMES))
    assert found is not None
    assert (found.cause, found.concept_drifted) == ("data", False)
    assert found.data.value == pytest.approx(found.realised.value - found.reference.value, abs=0.02)


def three(rows: int, seed: int, *, wrong: bool = False) -> LabelAnswers:
    """Three classes whose probabilities come true, unless the last is often the first."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(3), rows)
    truth = (random.random((rows, 1)) > np.cumsum(probabilities, axis=1)[:, :-1]).sum(axis=1)
    if wrong:
        truth = np.where((truth == 2) & (random.random(rows) < 0.3), 0, truth)
    return LabelAnswers(truth, probabilities.argmax(axis=1), probabilities)


def test_of_several_classes_each_is_looked_at():
    """By chance at most 4 of 60 are found (p < 0.001 of more)."""
    known = [learn({}, three(4_000, seed), {}, seed=1) for seed in range(60)]
    assert len(known[0].strata) == 3
    assert sum(p_of(each, three(2_000, 100 + seed)) < ALPHA for seed, each in enumerate(known)) <= 4
    assert all(p_of(each, three(2_000, 100 + seed, wrong=True)) < ALPHA for seed, each in enumerate(known))


def test_the_reference_is_kept_as_json():
    known = reference()
    assert Reference.decode(known.encode()) == known
    assert len(known.encode()) < 20_000
