"""Every decision and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...domain.journal import Entry
from ..facts import ModelFacts
from ..wording import brief, decimal, metric_name, plural, signed, when

KEY = re.compile(r"\S+/drift/(\w{8})\w*-(\w{8})\w*\.json")
"""A drift report, told by the version that it is of and its own hash."""


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of the journal shows."""
    return {
        "finding": finding(facts),
        "rows": [row(entry) for entry in facts.entries],
        "hidden": facts.entries_known - len(facts.entries),
        "broken": facts.broken,
    }


def finding(facts: ModelFacts) -> str:
    """How much was decided, and whether the record is whole; a sentence."""
    if not facts.entries:
        return "Nothing has been decided yet"
    if facts.broken is not None:
        return f"The journal is broken at entry {facts.broken}"
    return f"{plural(facts.entries_known, 'decision')}, each chained to the one before"


def row(entry: Entry) -> dict[str, Any]:
    """One decision, as a table has it."""
    return {"number": entry.number, "at": when(entry.at), "kind": entry.kind, "why": why(entry), "code": entry.code}


def why(entry: Entry) -> str:
    """The evidence, in a sentence."""
    evidence = entry.evidence
    told = [_subject(evidence), *_reasons(evidence)]
    return ". ".join(text.rstrip(".") for text in told if text) or entry.decision


def _subject(evidence: Mapping[str, Any]) -> str:
    champion, version = evidence.get("champion"), evidence.get("version")
    if champion:
        return f"{brief(champion)} serves"
    return f"version {brief(version)}" if version else ""


def _reasons(evidence: Mapping[str, Any]) -> list[str]:
    if evidence.get("reason"):
        return [KEY.sub(r"check \2 of \1", str(evidence["reason"]))]
    if evidence.get("reasons"):
        return [str(reason) for reason in evidence["reasons"]]
    if evidence.get("comparison"):
        return [_compared(evidence["comparison"])]
    gates = [gate["detail"] for gate in evidence.get("gates", ()) if gate["gate"] == "regression"]
    return gates or ([f"by {evidence['cause']}"] if evidence.get("cause") else [])


def _compared(found: Mapping[str, Any]) -> str:
    values = f"{decimal(found['candidate'])} against {decimal(found['champion'])}"
    difference = f"{signed(found['difference'])} ({signed(found['low'])} to {signed(found['high'])})"
    return f"{metric_name(found['metric'])} {values} on the same {plural(found['rows'], 'row')}: {difference}"
