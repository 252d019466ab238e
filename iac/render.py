"""What the templates of every cloud read, rendered from the functions' declarations and the models' specs.

The rendered files are kept in the repository, so that a change of permissions is seen in its review.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.declaration import Declaration
from core.spec import ModelSpec

from .aws import alarms, buckets, functions, permissions, queues, schedules
from .aws.names import Json

RENDERED = Path(__file__).parent / "rendered"


def rendered(declared: Iterable[Declaration], specs: Iterable[ModelSpec]) -> Mapping[str, str]:
    """Every file by its name below `iac/rendered`."""
    every = list(declared)
    job = next(each for each in every if each.packaging == "image")
    files = {
        "aws/functions.json": _merged(functions.functions(each) for each in every if each.packaging == "zip"),
        "aws/train-zip.json": functions.functions(job),
        "aws/train-image.json": functions.train_image(job),
        "aws/resources.json": {
            "Conditions": alarms.CONDITIONS,
            "Resources": _resources(every, list(specs)),
        },
    }
    return {name: f"{json.dumps(content, indent=2)}\n" for name, content in files.items()}


def stale(files: Mapping[str, str], folder: Path = RENDERED) -> list[str]:
    """The files that are not there as they should be, and those that should not be there."""
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    changed = {name for name, text in files.items() if name not in there or there[name].read_text("utf-8") != text}
    return sorted(changed | (set(there) - set(files)))


def write(files: Mapping[str, str], folder: Path = RENDERED) -> list[str]:
    """Write what is stale; its names."""
    names = stale(files, folder)
    for name in names:
        path = folder / name
        if name not in files:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], "utf-8")
    return names


def _resources(every: list[Declaration], specs: list[ModelSpec]) -> Json:
    watched = {trigger.zone for each in every for trigger in each.triggers}
    queued = [each for each in every if each.is_queued]
    jobs = [each for each in every if each.kind == "job"]
    checks = [each for each in every if each.name == "drift_check"]
    return {
        **buckets.buckets(watched),
        **{permissions.role_id(each.name): permissions.role(each) for each in every},
        **_merged(queues.queues(each) for each in queued),
        **_merged(queues.dead_letters(each) for each in jobs),
        **schedules.schedules(queued, specs),
        **alarms.alerts(),
        **_merged(alarms.alarms(each) for each in every),
        **_merged(alarms.drift(each) for each in checks),
        **alarms.budget(),
    }


def _merged(parts: Iterable[Json]) -> Json:
    whole: Json = {}
    for part in parts:
        whole |= part
    return whole
