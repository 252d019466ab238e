"""Data quality: what was dropped, what was rejected and why, and which datasets are valid."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...domain.receipt import Receipt
from ...domain.validation import ValidationReport
from ..facts import ModelFacts
from ..wording import count, percent, plural

REASONS = 20
"""Reasons that are told, the most frequent ones."""


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of data shows."""
    reasons: Counter[str] = Counter()
    for found in facts.rejected.values():
        reasons.update(found)
    most = max(reasons.values(), default=1)
    return {
        "finding": finding(facts),
        "files": [_file(receipt) for receipt in facts.receipts],
        "reasons": [(reason, rows, rows / most) for reason, rows in reasons.most_common(REASONS)],
        "more_reasons": max(len(reasons) - REASONS, 0),
        "datasets": [_dataset(facts, report) for report in facts.validations],
    }


def finding(facts: ModelFacts) -> str:
    """How much of the data can be used; a sentence."""
    if not facts.receipts and not facts.validations:
        return "No data has been dropped yet"
    rejected = sum(receipt.rejected for receipt in facts.receipts)
    rows = sum(receipt.rows for receipt in facts.receipts) + rejected
    refused = sum(receipt.outcome == "refused" for receipt in facts.receipts)
    invalid = sum(not report.valid for report in facts.validations)
    told = [plural(invalid, "dataset") + " cannot be learned from"] if invalid else []
    told += [f"{plural(refused, 'file was', 'files were')} refused"] if refused else []
    told += [f"{count(rejected)} of {plural(rows, 'row')} rejected ({percent(rejected / rows)})"] if rejected else []
    return "; ".join(told) if told else f"All {plural(rows, 'row')} can be used"


def _file(receipt: Receipt) -> dict[str, Any]:
    return {
        "name": receipt.key.partition("/")[2],
        "outcome": receipt.outcome,
        "rows": receipt.rows,
        "rejected": receipt.rejected,
        "told": receipt.reason or ("dropped before with the same content" if receipt.duplicate else ""),
    }


def _dataset(facts: ModelFacts, report: ValidationReport) -> dict[str, Any]:
    manifest = facts.datasets.get(report.dataset)
    warnings = [check.detail for check in report.checks if not check.passed and check.severity == "warning"]
    return {
        "version": report.dataset,
        "source": manifest.source.key.rpartition("/")[2] if manifest else "",
        "rows": report.rows,
        "valid": report.valid,
        "checks": len(report.checks),
        "problems": report.problems,
        "warnings": warnings,
    }
