"""How good answers are: every metric with an interval, in numpy alone, agreeing with scikit-learn.

Conventions. Binary: the positive class is the last of the sorted classes. Multiclass: f1, precision and recall are
macro averages over the classes that occur in the truth or in the answers; roc_auc and average_precision are macro
averages of one class against the rest, over the classes that the truth has; brier is the sum over classes (0 to 2);
ece is of the probability of the positive class, or of the highest one.
A truth that the model does not know as a class counts as answered wrongly. A metric that the rows cannot determine
(roc_auc with one class, r2 of a constant) is NaN as a number, and absent from `evaluate`.
"""

from __future__ import annotations

from .answers import Answers, LabelAnswers, NumberAnswers, answers
from .bootstrap import RESAMPLES, ROWS, Estimate, estimate, resamples
from .registry import LOWER_IS_BETTER, NAMES, Measure, evaluate, gain_sign, measure, statistic, value

__all__ = [
    "LOWER_IS_BETTER",
    "NAMES",
    "RESAMPLES",
    "ROWS",
    "Answers",
    "Estimate",
    "LabelAnswers",
    "Measure",
    "NumberAnswers",
    "answers",
    "estimate",
    "evaluate",
    "gain_sign",
    "measure",
    "resamples",
    "statistic",
    "value",
]
