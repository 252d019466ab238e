"""What the templates of every cloud read, rendered from the functions' declarations and the models' specs.

The rendered files are kept in the repository, so that a change of permissions is seen in its review.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.declaration import Declaration
from core.spec import ModelSpec

from .aws import alarms, buckets, functions, permissions, queues, schedules, scoring
from .aws.conditions import CONDITIONS
from .aws.jobs import on_batch, on_ecs, on_lambda, on_sagemaker
from .aws.names import Json
from .containers import containers
from .knative.manifest import manifest

RENDERED = Path(__file__).parent / "rendered"


def rendered(declared: Iterable[Declaration], specs: Iterable[ModelSpec]) -> Mapping[str, str]:
    """Every file by its name below `iac/rendered`."""
    every, models = list(declared), list(specs)
    job = next(each for each in every if each.kind == "job")
    deployed = [each for each in every if each is not job]
    files = {
        "aws/functions.json": _merged(functions.functions(each) for each in deployed),
        "aws/train-zip.json": functions.functions(job),
        "aws/train-image.json": functions.train_image(job),
        "aws/jobs-lambda.json": on_lambda.jobs(job),
        "aws/jobs-ecs.json": on_ecs.jobs(job),
        "aws/jobs-batch.json": on_batch.jobs(job),
        "aws/jobs-sagemaker.json": on_sagemaker.jobs(job),
        "aws/resources.json": {
            "Conditions": CONDITIONS,
            "Resources": _resources(every, deployed, models),
            "extensions": _merged(functions.extensions(each) for each in deployed),
        },
    }
    files["containers.json"] = containers(every, models)
    files["knative/tidemill.json"] = manifest(every, models)
    files["knative/kustomization.yaml"] = {"resources": ["tidemill.json"]}
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


def _resources(every: list[Declaration], deployed: list[Declaration], specs: list[ModelSpec]) -> Json:
    """Everything but what depends on who runs jobs."""
    watched = {trigger.zone for each in every for trigger in each.triggers}
    queued = [each for each in deployed if each.is_queued]
    named = {each.name: each for each in every}
    return {
        **buckets.buckets(watched),
        **{permissions.role_id(each.name): permissions.role(each) for each in deployed},
        **_merged(queues.queues(each) for each in queued),
        **_merged(queues.dead_letters(each) for each in every if not each.is_queued),
        **schedules.schedules(queued, specs),
        **scoring.scoring(named["batch_inference"]),
        **alarms.alerts(),
        **_merged(alarms.alarms(each) for each in deployed),
        **_merged(alarms.dead_letters(each) for each in every),
        **alarms.drift(named["drift_check"], specs),
        **alarms.budget(),
    }


def _merged(parts: Iterable[Json]) -> Json:
    whole: Json = {}
    for part in parts:
        whole |= part
    return whole
