"""Commands that look and do not touch: lineage, audit, doctor."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.tree import Tree

from ..hosts.local.doctor import Finding, examine
from ..usecases.audit import audit_model
from ..usecases.lineage import Node
from ..usecases.lineage import lineage as lineage_of
from .command import Result, Session, command


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, example="tidemill lineage 0f3a5c2e9b1d4e77")(lineage)
    command(app, example="tidemill audit churn")(audit)
    command(app, example="tidemill doctor")(doctor)


def lineage(
    session: Session,
    identifier: Annotated[
        str, typer.Argument(metavar="VERSION|PREDICTION_ID", help="A model version or a prediction.")
    ],
) -> Result:
    """Tell what made a version or a prediction, down to the files that were dropped."""
    runtime = session.runtime
    found = lineage_of(runtime.store("models"), runtime.store("datasets"), runtime.store("predictions"), identifier)
    return Result(found.to_json(), _tree(found))


def _tree(node: Node) -> RenderableType:
    tree = Tree(f"{node.kind} {node.id}")
    _grow(tree, node)
    return tree


def _grow(tree: Tree, node: Node) -> None:
    for parent in node.parents:
        _grow(tree.add(f"{parent.kind} {parent.id}"), parent)


def audit(session: Session, model: Annotated[str, typer.Argument(help="The model.")]) -> Result:
    """Check that the journal of a model is whole: no entry missing, none altered."""
    found = audit_model(session.runtime.store("models"), model)
    data: dict[str, Any] = {
        "model": model,
        "entries": found.entries,
        "intact": found.intact,
        "first_break": found.first_break,
    }
    verdict = "is whole" if found.intact else f"is broken at entry {found.first_break}"
    return Result(data, f"The journal of {model} ({found.entries} entries) {verdict}.", ok=found.intact)


def doctor(session: Session) -> Result:
    """Tell whether this machine and this store are ready, what was given up, and what to mend."""
    findings: list[Finding] = examine(session.runtime, session.queue)
    ok = all(finding.ok for finding in findings)
    lines = [f"{'ok  ' if finding.ok else 'mend'}  {finding.check}: {finding.detail}" for finding in findings]
    return Result({"ok": ok, "checks": [finding.to_json() for finding in findings]}, "\n".join(lines), ok=ok)
