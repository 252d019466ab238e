"""What is wrong now, what somebody knows of, and what is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...domain.alert import LEVELS, Alert, State
from ..facts import ModelFacts
from ..wording import plural, when

HEADINGS: Mapping[State, str] = {"open": "Open", "acknowledged": "Acknowledged", "resolved": "Resolved"}
KINDS = {"critical": "bad", "warning": "note", "info": "plain"}


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of alerts shows."""
    return {
        "finding": finding(facts),
        "groups": [(title, [_row(alert) for alert in _worst_first(facts, state)]) for state, title in HEADINGS.items()],
        "any": bool(facts.alerts),
        "hidden": facts.alerts_known - len(facts.alerts),
    }


def finding(facts: ModelFacts) -> str:
    """How much is wrong; a sentence."""
    opened, known = (_worst_first(facts, state) for state in ("open", "acknowledged"))
    if not facts.alerts:
        return "No alert has been raised yet"
    if not opened and not known:
        return f"Nothing is wrong now; {plural(len(facts.alerts), 'alert is', 'alerts are')} resolved"
    told = [plural(len(opened), "alert is", "alerts are") + " open"] if opened else []
    told += [f"{plural(len(known), 'alert is', 'alerts are')} acknowledged"] if known else []
    worst = (opened or known)[0]
    return f"{', '.join(told)}; the worst is {worst.kind}"


def _worst_first(facts: ModelFacts, state: str) -> list[Alert]:
    """The alerts in this state; of those as grave, the newest first."""
    found = [alert for alert in facts.alerts if alert.state == state]
    return found if state == "resolved" else sorted(found, key=lambda alert: -LEVELS.index(alert.level))


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.fingerprint,
        "level": alert.level,
        "look": KINDS[alert.level] if alert.state != "resolved" else "plain",
        "kind": alert.kind,
        "subject": alert.subject,
        "summary": alert.summary,
        "raised": when(alert.raised),
        "changed": f"{alert.change} {when(alert.at)}" if alert.number > 1 else "",
        "by": alert.by,
    }
