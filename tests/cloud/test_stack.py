"""The very archives and the very template, deployed by osls on a local AWS that enforces IAM; then only boto3 and HTTP
talk to them.

One stack is deployed once, by the release before this one, updated, and everything that can be shown on it is shown in
turn, in one test: a second worker would deploy a second stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.declaration import declarations
from iac.package import package
from localstack.cloud import ROOT, Cloud, deploy, running

from . import arrivals, drifting, faults, grants, previous, releases

STEPS = (
    releases.the_template_is_one_that_cloudformation_takes,
    releases.rows_dropped_with_boto3_alone_become_a_prediction_over_http,
    releases.an_update_from_the_release_before_keeps_the_data_and_who_serves,
    arrivals.bad_input_is_refused_over_http_in_a_sentence,
    arrivals.a_file_to_score_is_answered,
    drifting.the_clock_finds_drift_and_a_retrained_version_is_promoted,
    arrivals.many_files_dropped_at_once_are_all_processed_exactly_once,
    arrivals.every_event_delivered_twice_changes_nothing,
    faults.a_poison_file_becomes_a_dead_letter_with_its_reason_and_the_others_pass,
    faults.what_fails_for_a_while_is_tried_again_then_kept_with_its_reason_and_passes_once_mended,
    faults.a_function_that_runs_out_of_time_midway_is_retried_to_the_same_end_state,
    grants.each_function_may_do_what_it_declares_and_nothing_else,
    releases.what_is_removed_leaves_the_data_alone,
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    for declared in declarations().values():
        package(declared, ROOT / "models", ROOT / "build" / "packages", lambda text: None)
    folder: Path = tmp_path_factory.mktemp("previous")
    with running(AUTH="true") as started:
        deploy(started, folder=previous.unpack(folder))
        yield started


@pytest.mark.slow
def test_the_stack(cloud: Cloud) -> None:
    for step in STEPS:
        step(cloud)
