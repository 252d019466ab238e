"""Every object key that exists, in one place. See `docs/storage.md` for the tour.

A zone is a bucket (or a folder); a key never leaves its zone. No function writes into the zone whose events
start it, so no event can loop.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal, get_args

from .errors import BadInput

Zone = Literal["landing", "datasets", "quarantine", "models", "predictions", "reports", "edge"]
ZONES: tuple[Zone, ...] = get_args(Zone)

Drop = Literal["rows", "labels", "score"]
DROPS: tuple[Drop, ...] = get_args(Drop)

MODEL_NAME = re.compile(r"[a-z0-9-]{1,63}")
MANIFEST = "manifest.json"
ROUTE = "route.json"


def check_model_name(name: str) -> str:
    """Return `name`; raises BadInput if no model can be called that."""
    if not MODEL_NAME.fullmatch(name):
        raise BadInput(f"model name {name[:80]!r} must be 1 to 63 of a-z, 0-9 and '-'.")
    return name


def check_file_name(name: str) -> str:
    """Return `name`; raises BadInput if it is empty or would climb out of its folder."""
    parts = name.split("/")
    if not name or name.startswith("/") or any(part in {"", ".", ".."} for part in parts) or "\0" in name:
        raise BadInput(f"file name {name[:80]!r} must be a relative path without empty, '.' or '..' parts.")
    return name


def model_of(key: str) -> str:
    """The model that an object of any zone belongs to; raises BadInput if that is no model's name."""
    return check_model_name(key.split("/", 1)[0])


# landing ----------------------------------------------------------------------------------------------------


def landing(model: str, drop: Drop, name: str) -> str:
    """Where a user drops a file."""
    return f"{check_model_name(model)}/{drop}/{check_file_name(name)}"


def drops(model: str, drop: Drop) -> str:
    """Prefix of all files of one kind that were dropped for a model."""
    return f"{model}/{drop}/"


def parse_landing(key: str) -> tuple[str, Drop, str]:
    """(model, drop, file name) of a landing key; raises BadInput for any other key."""
    parts = key.split("/", 2)
    if len(parts) != 3 or parts[1] not in DROPS:  # noqa: PLR2004
        raise BadInput(f"landing key {key[:200]!r} must look like <model>/rows|labels|score/<file name>.")
    return check_model_name(parts[0]), parts[1], check_file_name(parts[2])


def source_id(key: str, version: str, read_as: str = "") -> str:
    """A safe, readable, unique name for one version of one landing object, read in one way.

    >>> source_id("m/rows/May (1).csv", "v1")
    'May-1-.csv-b75517b776e3'
    """
    told = f"{key}\n{version}\n{read_as}" if read_as else f"{key}\n{version}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9._]+", "-", key.rsplit("/", 1)[-1]).lstrip(".-")[:60]
    return f"{readable}-{digest}" if readable else digest


# datasets ---------------------------------------------------------------------------------------------------


def datasets(model: str) -> str:
    """Prefix of all datasets of a model."""
    return f"{model}/"


def dataset(model: str, version: str) -> str:
    """Folder of one immutable dataset."""
    return f"{model}/{version}/"


def dataset_part(model: str, version: str, number: int) -> str:
    """One Parquet file of a dataset; numbered from 0 in the order of the source's rows."""
    return f"{model}/{version}/part-{number:05d}.parquet"


def dataset_manifest(model: str, version: str) -> str:
    """Written last: the dataset exists from then on."""
    return f"{model}/{version}/{MANIFEST}"


# quarantine -------------------------------------------------------------------------------------------------


def quarantine_part(model: str, source: str, number: int, piece: int = 0) -> str:
    """Rejected rows with their reasons, JSON Lines; the first piece of many has no number of its own."""
    more = f"-{piece:03d}" if piece else ""
    return f"{model}/{source}/rows-{number:05d}{more}.jsonl"


def quarantine_report(model: str, source: str) -> str:
    """What was rejected and why, counted."""
    return f"{model}/{source}/report.json"


# reports ----------------------------------------------------------------------------------------------------


def ingest_receipt(model: str, source: str) -> str:
    """Says that this version of this source is done with, and which dataset it became, if any."""
    return f"{model}/ingest/{source}.json"


def ingest_receipts(model: str) -> str:
    """Prefix of a model's ingest receipts."""
    return f"{model}/ingest/"


def validation_report(model: str, dataset_version: str) -> str:
    """A dataset is valid when this says so."""
    return f"{model}/validation/{dataset_version}.json"


def validation_reports(model: str) -> str:
    """Prefix of a model's validation reports."""
    return f"{model}/validation/"


def drift_reports(model: str) -> str:
    """Prefix of a model's drift reports."""
    return f"{model}/drift/"


def drift_reports_of(model: str, version: str) -> str:
    """Prefix of the drift reports on one version."""
    return f"{model}/drift/{version}-"


def drift_report(model: str, window: str) -> str:
    """One drift check of one window."""
    return f"{model}/drift/{window}.json"


def performance_reports(model: str) -> str:
    """Prefix of a model's performance reports."""
    return f"{model}/performance/"


def performance_report(model: str, window: str) -> str:
    """One comparison of a version's answers with what was true."""
    return f"{model}/performance/{window}.json"


def version_of_report(key: str) -> str:
    """The version that a drift or performance report is on.

    >>> version_of_report("m/performance/0f3a5c2e-9b1d.json")
    '0f3a5c2e'
    """
    return key.rpartition("/")[2].partition("-")[0]


def group_of_report(key: str) -> str | None:
    """The group of devices that a drift or performance report is on; None for one on what the cloud answered.

    >>> group_of_report("m/drift/0f3a5c2e-9b1d-north-2.json"), group_of_report("m/drift/0f3a5c2e-9b1d.json")
    ('north-2', None)
    """
    parts = key.rpartition("/")[2].removesuffix(".json").split("-", 2)
    return parts[2] if len(parts) > 2 else None  # noqa: PLR2004


def fairness_report(model: str, window: str) -> str:
    """How alike groups were treated, in the windows of the performance report of the same name."""
    return f"{model}/fairness/{window}.json"


def alerts(model: str) -> str:
    """Prefix of all transitions of a model's alerts."""
    return f"{model}/alerts/"


def alert(model: str, fingerprint: str, number: int) -> str:
    """Transition `number` of one alert, counted from 1; zero-padded so that keys sort in order."""
    return f"{model}/alerts/{fingerprint}/{number:010d}.json"


def fingerprint_of(key: str) -> str:
    """The alert that a key below `alerts` is of."""
    return key.split("/")[2]


SITE_INDEX = "index.html"
"""The page of all models, at the root of the zone; each model's own first page is called the same."""


def site_page(model: str, name: str = SITE_INDEX) -> str:
    """A page of a model's part of the site."""
    return f"{model}/site/{name}"


# models -----------------------------------------------------------------------------------------------------


def route(model: str) -> str:
    """The one mutable object: who serves."""
    return f"{model}/{ROUTE}"


def model_file(model: str, version: str, name: str) -> str:
    """One file of an immutable model version."""
    return f"{model}/versions/{version}/{name}"


def model_manifest(model: str, version: str) -> str:
    """Written last: the version exists from then on."""
    return model_file(model, version, MANIFEST)


def versions(model: str) -> str:
    """Prefix of all versions of a model."""
    return f"{model}/versions/"


def claims(model: str) -> str:
    """Prefix of the claims of a model's trainings."""
    return f"{model}/claims/"


def claim(model: str, training: str) -> str:
    """What this training learns from, who started it, and until when that is believed."""
    return f"{model}/claims/{training}/claim.json"


def is_claim(key: str) -> bool:
    """Whether a key below `claims` is a claim, not a result."""
    return key.endswith("/claim.json")


def is_training_verdict(key: str) -> bool:
    """Whether a key below `claims` is a verdict."""
    return key.endswith("/verdict.json")


def claim_of_verdict(key: str) -> str:
    """The claim of the training that a verdict is about."""
    return f"{key.removesuffix('verdict.json')}claim.json"


def is_training_result(key: str) -> bool:
    """Whether a key below `claims` is a result."""
    return key.endswith("/result.json")


def training_verdict(model: str, training: str) -> str:
    """How the version that this training made was judged, and against which champion."""
    return f"{model}/claims/{training}/verdict.json"


def training_result(model: str, training: str) -> str:
    """Written last: how the training ended, and which version it made."""
    return f"{model}/claims/{training}/result.json"


def rollback_verdict(model: str, report: str) -> str:
    """Whether the serving version was to be relieved after this performance report, and by which."""
    return f"{model}/rollbacks/{report.rpartition('/')[2]}"


def journal(model: str) -> str:
    """Prefix of a model's journal."""
    return f"{model}/journal/"


def journal_number(key: str) -> int:
    """The number of the entry that a key of the journal is of."""
    return int(key.rpartition("/")[2].removesuffix(".json"))


def journal_entry(model: str, number: int) -> str:
    """Entry `number`, counted from 1; zero-padded so that keys sort in order."""
    return f"{model}/journal/{number:010d}.json"


# predictions ------------------------------------------------------------------------------------------------


def realtime_logs(model: str) -> str:
    """Prefix of everything that was answered in realtime."""
    return f"{model}/realtime/"


def realtime_log(model: str, day: str, name: str) -> str:
    """A file of answered requests, JSON Lines; `day` is YYYY-MM-DD in UTC."""
    return f"{model}/realtime/{day}/{name}.jsonl"


def day_of_log(key: str) -> str:
    """The day that a realtime log is of, YYYY-MM-DD in UTC."""
    return key.rsplit("/", 2)[1]


def batches(model: str) -> str:
    """Prefix of all batch runs."""
    return f"{model}/batch/"


def batch(model: str, run: str) -> str:
    """Folder of one batch run."""
    return f"{model}/batch/{run}/"


def batch_part(model: str, run: str, number: int) -> str:
    """Scored rows, Parquet; numbered from 0 in the order of the input."""
    return f"{model}/batch/{run}/part-{number:05d}.parquet"


def batch_done(model: str, run: str, number: int) -> str:
    """What became of one part, written behind it: a run that is tried again passes it over."""
    return f"{model}/batch/{run}/done/{number:05d}.json"


def batch_start(model: str, run: str) -> str:
    """Written first: which model version answers, and the time of answering, for every retry alike."""
    return f"{model}/batch/{run}/start.json"


def batch_success(model: str, run: str) -> str:
    """Written last: counts and hashes of a finished run."""
    return f"{model}/batch/{run}/_SUCCESS"


def batch_refused(model: str, run: str) -> str:
    """Written last instead, when the file as a whole cannot be scored: why not."""
    return f"{model}/batch/{run}/_REFUSED"


def is_batch_success(key: str) -> bool:
    """Whether a key below `batches` says that a run is finished."""
    return key.endswith("/_SUCCESS")


# edge -------------------------------------------------------------------------------------------------------

DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
RELEASE_ID = re.compile(r"[0-9]{10}-[0-9a-f]{12}")
EDGE_TELEMETRY = "telemetry/"
TELEMETRY_SUFFIX = ".jsonl.gz"


def check_device_name(name: str, what: str = "device") -> str:
    """Return `name`; raises BadInput if no device, and no group of devices, can be called that."""
    if not DEVICE_NAME.fullmatch(name):
        raise BadInput(f"{what} name {name[:80]!r} must be 1 to 63 of A-Z, a-z, 0-9, '.', '_' and '-', no sign first.")
    return name


def edge_model(model: str) -> str:
    """Prefix of everything that is released of a model; the releases come first in it, the oldest first."""
    return f"{model}/"


def edge_file(model: str, release: str, name: str) -> str:
    """One file of an immutable release."""
    return f"{model}/{release}/{name}"


def edge_manifest(model: str, release: str) -> str:
    """Written last: the release exists from then on."""
    return edge_file(model, release, MANIFEST)


def release_of(key: str) -> str | None:
    """The release whose manifest a key below `edge_model` is, or None if it is another key.

    >>> release_of("m/0000000001-0f3a5c2e9b1d/manifest.json")
    '0000000001-0f3a5c2e9b1d'
    """
    parts = key.split("/")
    whole = len(parts) == 3 and parts[2] == MANIFEST and RELEASE_ID.fullmatch(parts[1])  # noqa: PLR2004
    return parts[1] if whole else None


def edge_sequences(model: str) -> str:
    """Prefix of the claims of a model's sequence numbers."""
    return f"{model}/sequence/"


def edge_sequence(model: str, number: int) -> str:
    """Who has release `number`, counted from 1: written before the release, create-only."""
    return f"{model}/sequence/{number:010d}.json"


def edge_rollouts(model: str) -> str:
    """Prefix of a model's rollout documents."""
    return f"{model}/rollouts/"


def edge_rollout(model: str, number: int) -> str:
    """Rollout document `number`, counted from 1: which devices are to run which release."""
    return f"{model}/rollouts/{number:010d}.json"


def edge_trusts(model: str) -> str:
    """Prefix of the trust documents that a model's devices follow."""
    return f"{model}/trust/"


def edge_trust(model: str, number: int) -> str:
    """Trust document `number`, counted from 1: whose signatures count."""
    return f"{model}/trust/{number:010d}.json"


def edge_number(key: str) -> int:
    """The number of the sequence claim, rollout or trust document that a key is of."""
    return int(key.rpartition("/")[2].removesuffix(".json"))


def edge_telemetry_of(model: str) -> str:
    """Prefix of what all of a model's devices sent back."""
    return f"{EDGE_TELEMETRY}{model}/"


def edge_telemetry_of_group(model: str, group: str) -> str:
    """Prefix of what one group of devices sent back."""
    return f"{EDGE_TELEMETRY}{model}/{group}/"


def edge_telemetry(model: str, group: str, device: str, segment: str) -> str:
    """One segment of what a device sent back, gzipped JSON Lines."""
    return f"{EDGE_TELEMETRY}{model}/{group}/{device}/{segment}{TELEMETRY_SUFFIX}"


def parse_edge_telemetry(key: str) -> tuple[str, str, str, str]:
    """(model, group, device, segment) of what a device sent back; raises BadInput for any other key."""
    parts = key.removeprefix(EDGE_TELEMETRY).removesuffix(TELEMETRY_SUFFIX).split("/")
    if len(parts) != 4 or not key.startswith(EDGE_TELEMETRY) or not key.endswith(TELEMETRY_SUFFIX):  # noqa: PLR2004
        raise BadInput(
            f"telemetry key {key[:200]!r} must look like telemetry/<model>/<group>/<device>/<segment>.jsonl.gz."
        )
    model, group, device, segment = parts
    check_device_name(segment, "segment")
    return check_model_name(model), check_device_name(group, "group"), check_device_name(device), segment
