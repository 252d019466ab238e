"""Kubernetes with Knative, rendered from the declarations: services, triggers, clocks, the job, and who may start it.

References: https://knative.dev/docs/serving/reference/serving-api/, https://knative.dev/docs/eventing/triggers/,
https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/custom-predictor
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.declaration import Declaration
from core.spec import ModelSpec

from ..clocks import clocks

Json = dict[str, Any]

IMAGE = "tidemill"
"""A name for kustomize to replace."""
ENVIRONMENT = "tidemill"
"""The ConfigMap and the Secret that every container reads its settings and credentials from."""
LONGEST = 600
"""Seconds that Knative gives a request unless its operator allows more (max-revision-timeout-seconds)."""
LEAST_MEMORY = 512
PORT = 8080


def manifest(declared: Iterable[Declaration], specs: Iterable[ModelSpec]) -> Json:
    """Everything as one List."""
    every, models = list(declared), list(specs)
    events = [each for each in every if each.kind == "event"]
    items = [
        *(_account(each) for each in every),
        *(_service(each) for each in events),
        *(_trigger(each) for each in events),
        *(_endpoint(each) for each in every if each.kind == "http"),
        *(_clock(clock, every) for clock in clocks(events, models)),
        *(_job(each) for each in every if each.kind == "job"),
        *_may_start(every),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def name_of(function: str) -> str:
    """What a function's resources are called.

    >>> name_of("drift_check")
    'tidemill-drift-check'
    """
    return f"tidemill-{function.replace('_', '-')}"


def _meta(name: str) -> Json:
    return {"name": name, "labels": {"app.kubernetes.io/part-of": "tidemill"}}


def _account(declared: Declaration) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(name_of(declared.name))}


def _container(declared: Declaration, **more: Any) -> Json:  # noqa: ANN401 - fields of a container are of any shape
    memory = f"{max(LEAST_MEMORY, declared.memory)}Mi"
    return {
        "image": IMAGE,
        "envFrom": [{"configMapRef": {"name": ENVIRONMENT}}, {"secretRef": {"name": ENVIRONMENT, "optional": True}}],
        "resources": {"requests": {"memory": memory, "cpu": "250m"}, "limits": {"memory": memory}},
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
        **more,
    }


def _service(declared: Declaration) -> Json:
    environment = [{"name": "TIDEMILL_FUNCTION", "value": declared.name}, *_starting(declared)]
    annotations = {"autoscaling.knative.dev/max-scale": str(declared.concurrency or 10)}
    spec = {
        "serviceAccountName": name_of(declared.name),
        "containerConcurrency": 1,
        "timeoutSeconds": min(declared.timeout, LONGEST),
        "containers": [_container(declared, env=environment, ports=[{"containerPort": PORT}])],
    }
    labels = {"networking.knative.dev/visibility": "cluster-local"}
    meta = _meta(name_of(declared.name))
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {**meta, "labels": {**meta["labels"], **labels}},
        "spec": {"template": {"metadata": {"annotations": annotations}, "spec": spec}},
    }


def _starting(declared: Declaration) -> list[Json]:
    """How a function that starts jobs does: from the CronJob beside it."""
    return [{"name": "TIDEMILL_JOBS", "value": f"kubernetes:///{name_of(job)}"} for job in declared.starts]


def _trigger(declared: Declaration) -> Json:
    """Every event of the broker: the function itself knows which it declared."""
    service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name_of(declared.name)}
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": _meta(name_of(declared.name)),
        "spec": {
            "broker": "default",
            "subscriber": {"ref": service, "uri": f"/events/{declared.name}"},
            "delivery": {"retry": 5, "backoffPolicy": "exponential", "backoffDelay": "PT10S"},
        },
    }


def _endpoint(declared: Declaration) -> Json:
    """KServe's contract for a predictor of one's own: a container that answers on 8080."""
    command = ["python", "-m", f"functions.{declared.name}.container"]
    container = _container(declared, name="kserve-container", command=command, ports=[{"containerPort": PORT}])
    ready = {"httpGet": {"path": "/v2/health/ready", "port": PORT}}
    predictor = {
        "serviceAccountName": name_of(declared.name),
        "timeout": min(declared.timeout, LONGEST),
        "maxReplicas": declared.concurrency or 10,
        "containers": [{**container, "readinessProbe": ready}],
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": _meta(name_of(declared.name)),
        "spec": {"predictor": predictor},
    }


def _clock(clock: dict[str, str], every: list[Declaration]) -> Json:
    """One turn at a time; a turn that was missed is made up for by the next."""
    (declared,) = [each for each in every if each.name == clock["function"]]
    command = ["python", "-m", "core.hosts.scheduled", clock["function"], clock["model"]]
    name, environment = declared.name.replace("_", "-"), _starting(declared)
    pod = _pod(
        declared, _container(declared, name=name, command=command, **{"env": environment} if environment else {})
    )
    job = {"spec": {"backoffLimit": 3, "activeDeadlineSeconds": declared.timeout, "template": pod}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _meta(f"tidemill-{clock['name']}"[:52]),
        "spec": {"schedule": clock["cron"], "concurrencyPolicy": "Forbid", "jobTemplate": job},
    }


def _job(declared: Declaration) -> Json:
    """Never runs by itself: jobs are made from it."""
    pod = _pod(declared, _container(declared, name=declared.name, command=["python"]))
    limits = {"backoffLimit": 1, "activeDeadlineSeconds": declared.timeout, "ttlSecondsAfterFinished": 86400}
    job = {"spec": {**limits, "template": pod}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _meta(name_of(declared.name)),
        "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": job},
    }


def _pod(declared: Declaration, container: Json) -> Json:
    account = name_of(declared.name)
    return {"spec": {"serviceAccountName": account, "restartPolicy": "Never", "containers": [container]}}


def _may_start(every: list[Declaration]) -> Iterator[Json]:
    """Who starts jobs may read the templates and create jobs, and nothing else."""
    for declared in every:
        if not declared.starts:
            continue
        name = f"{name_of(declared.name)}-starts"
        templates = {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get"]}
        rules = [
            {**templates, "resourceNames": [name_of(job) for job in declared.starts]},
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]},
        ]
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": _meta(name), "rules": rules}
        yield role
        yield {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": _meta(name),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name_of(declared.name)}],
        }
