"""A trial ends by itself once it is decided, by what the logs and the labels say, and only once."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.domain.canonical import content_version, sha256
from core.domain.dataset import DatasetManifest, Part, Source
from core.domain.experiment import Experiment
from core.domain.journal import Entry
from core.domain.prediction import realtime_id
from core.domain.route import Mode
from core.errors import Corrupt
from core.tables.arrow import dataset_schema
from core.usecases.journal import audit, entries
from core.usecases.judge_experiment import judge_experiment, measure_experiment
from core.usecases.promote import challenge, current_route, promote
from tests.faults import Counter, Died, FailingStore
from tests.unit.usecases.site import CODE, NOON, SPEC, Site

DAY = NOON.date().isoformat()


class Trial(Site):
    """v1 serves m, v2 challenges it."""

    def __init__(self, mode: Mode = "canary", **traffic: Any) -> None:
        spec = SPEC.model_copy(update={"traffic": SPEC.traffic.model_copy(update={"min_rows": 100, **traffic})})
        super().__init__(spec=spec)
        for version in ("v1", "v2"):
            self.publish(version, serves=False)
        promote(self.models, self.clock, "m", "v1", **why("first"))
        challenge(self.models, self.clock, "m", "v2", mode, 0.5, **why("second"))
        self.truth: dict[str, str] = {}

    @property
    def models(self) -> Any:
        return self.zones["models"]

    @property
    def route(self) -> Any:
        return current_route(self.models, "m")

    def answer(
        self,
        role: str,
        count: int,
        *,
        right: float = 0.8,
        fail: float = 0.0,
        latency: float = 1.0,
        name: str = "w",
        revision: int | None = None,
    ) -> None:
        """`count` requests of one row, answered as `role`: this share right, this share failed."""
        rng = np.random.default_rng(len(role) + count)
        lines = []
        for row in range(count):
            key = f"{name}-{role}-{row}"
            lines.append(
                {
                    "prediction_id": realtime_id("m", DAY, f"{name}-{role}", row),
                    "answered_at": (NOON + timedelta(seconds=row)).isoformat(),
                    "model_version": "v1" if role in {"champion", "fallback"} else "v2",
                    "request_id": key,
                    "role": role,
                    "revision": self.route.revision if revision is None else revision,
                    "latency_ms": float(latency * rng.lognormal(0, 0.3)),
                    "features": {"x": 0.0, "c": None, "b": True},
                    "id": key,
                }
                | ({"error": "broken"} if rng.random() < fail else answer(rng, right, self.truth, key))
            )
        self.zones["predictions"].put(
            layout.realtime_log("m", DAY, f"{name}-{role}"), "\n".join(map(json.dumps, lines)).encode()
        )

    def label(self) -> None:
        """All truth that is known, as a dataset of labels."""
        schema = dataset_schema(SPEC.columns, "labels")
        columns = {name: [None] * len(self.truth) for name in schema.names}
        buffer = pa.BufferOutputStream()
        table = pa.table(columns | {"id": list(self.truth), "y": list(self.truth.values())}, schema=schema)
        pq.write_table(table, buffer)
        data, version = bytes(buffer.getvalue()), content_version(self.truth)
        part, source = Part(len(self.truth), sha256(data)), Source("m/labels/a.csv", "1", "")
        manifest = DatasetManifest("m", version, "labels", source, SPEC.columns, part.rows, 0, (part,), CODE)
        self.zones["datasets"].put(layout.dataset_part("m", version, 0), data)
        self.zones["datasets"].put(layout.dataset_manifest("m", version), manifest.encode())

    def judge(self, after: timedelta = timedelta(hours=1), models: Any = None) -> Experiment | None:
        self.clock.time = NOON + after
        zones = self.zones
        return judge_experiment(
            *(zones["predictions"], models or self.models, zones["datasets"]),
            spec=self.spec,
            clock=self.clock,
            code=CODE,
        )

    def journal(self) -> list[Entry]:
        return [Entry.decode(data) for data in entries(self.models, "m")]


def why(decision: str) -> dict[str, Any]:
    return {"decision": decision, "evidence": {}, "code": CODE}


def answer(rng: Any, right: float, truth: dict[str, str], key: str) -> dict[str, Any]:
    label, other = ("yes", "no") if rng.random() < 0.5 else ("no", "yes")
    truth[key] = label if rng.random() < right else other
    sure = 0.6 + 0.3 * rng.random()
    return {"label": label, "probabilities": {label: sure, other: 1 - sure}}


def verdicts(found: Experiment | None) -> list[str]:
    assert found is not None
    return [difference.verdict for difference in found.differences]


LATER = timedelta(days=2)


def test_no_challenger_no_trial() -> None:
    site = Site()
    zones = (site.zones["predictions"], site.zones["models"], site.zones["datasets"])
    assert measure_experiment(*zones, spec=SPEC) is None
    site.publish("v1")
    assert judge_experiment(*zones, spec=SPEC, clock=site.clock, code=CODE) is None


def test_too_little_cannot_tell() -> None:
    trial = Trial(automatic=True)
    trial.answer("champion", 20)
    trial.answer("challenger", 20)
    found = trial.judge(LATER)
    assert verdicts(found) == ["cannot tell"] * 3
    assert found is not None
    assert (found.decided, trial.route.challenger) == (None, "v2")
    assert "20 and 20 are known of the two, 50 of each are needed" in found.differences[1].reason


def test_a_canary_that_holds_is_promoted_when_the_spec_says_so_and_not_before_its_time() -> None:
    trial = Trial(automatic=True, max_regression=0.2)
    trial.answer("champion", 1500)
    trial.answer("challenger", 1500, right=0.85)
    assert verdicts(trial.judge()) == ["cannot tell", "holds", "holds"]
    trial.label()
    assert verdicts(trial.judge()) == ["holds", "holds", "holds"]
    assert trial.route.challenger == "v2"
    found = trial.judge(LATER)
    assert found is not None
    assert found.decided == "promoted"
    assert (trial.route.champion, trial.route.challenger, trial.route.earlier) == ("v2", None, ("v1",))
    assert trial.judge(LATER) is None
    newest = trial.journal()[-1]
    assert (newest.kind, newest.decision) == ("promoted", "settle revision 2")
    assert newest.evidence["experiment"]["verdict"] == "holds"
    assert len(trial.journal()) == 3
    assert audit(trial.models, "m").intact


def test_a_canary_that_holds_stays_where_the_spec_does_not_say_so() -> None:
    trial = Trial(max_regression=0.2)
    trial.answer("champion", 1500)
    trial.answer("challenger", 1500, right=0.85)
    trial.label()
    found = trial.judge(LATER)
    assert found is not None
    assert (found.verdict, found.decided, trial.route.challenger) == ("holds", None, "v2")


BAD: dict[str, dict[str, float]] = {"fails": {"fail": 0.3}, "is slower": {"latency": 4.0}, "is worse": {"right": 0.5}}


@pytest.mark.parametrize("how", BAD)
def test_a_canary_that_is_bad_leaves_by_itself(how: str) -> None:
    trial = Trial()
    trial.answer("champion", 600)
    trial.answer("challenger", 600, **BAD[how])
    trial.label()
    found = trial.judge()
    assert found is not None
    assert (found.verdict, found.decided) == ("worse", "challenge ended")
    assert (trial.route.champion, trial.route.challenger, trial.route.mode) == ("v1", None, "direct")
    assert trial.journal()[-1].kind == "challenge ended"


@pytest.mark.parametrize("mode", ["ab", "shadow"])
@pytest.mark.parametrize("automatic", [False, True])
def test_other_trials_are_ended_only_when_the_spec_says_so(mode: Mode, automatic: bool) -> None:
    trial = Trial(mode, automatic=automatic)
    trial.answer("champion", 600)
    trial.answer("challenger" if mode == "ab" else "shadow", 600, fail=0.3)
    found = trial.judge()
    assert found is not None
    assert found.verdict == "worse"
    assert (trial.route.challenger is None) is automatic


def test_a_shadow_is_judged_by_the_labels_of_the_answers_beside_it() -> None:
    trial = Trial("shadow")
    trial.answer("champion", 600)
    key = layout.realtime_log("m", DAY, "w-champion")
    records = [json.loads(line) for line in trial.zones["predictions"].get(key).data.splitlines()]
    flipped = {"yes": "no", "no": "yes"}
    shadows = [
        record
        | {"role": "shadow", "model_version": "v2", "shadow_of": record["prediction_id"], "id": None}
        | {"prediction_id": f"{record['prediction_id']}9", "label": flipped[record["label"]]}
        | {"probabilities": {flipped[name]: p for name, p in record["probabilities"].items()}}
        for record in records
    ]
    name = layout.realtime_log("m", DAY, "w-shadow")
    trial.zones["predictions"].put(name, "\n".join(map(json.dumps, shadows)).encode())
    trial.truth = {record["prediction_id"]: trial.truth[record["id"]] for record in records}
    schema = dataset_schema(SPEC.columns, "labels")
    assert "prediction_id" in schema.names
    label_by_prediction(trial)
    found = trial.judge()
    assert found is not None
    assert (found.differences[0].rows, found.differences[0].verdict) == ((600, 600), "worse")


def label_by_prediction(trial: Trial) -> None:
    schema = dataset_schema(SPEC.columns, "labels")
    columns = {name: [None] * len(trial.truth) for name in schema.names}
    columns |= {"prediction_id": list(trial.truth), "y": list(trial.truth.values())}
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), buffer)
    data = bytes(buffer.getvalue())
    part, source = Part(len(trial.truth), sha256(data)), Source("m/labels/b.csv", "1", "")
    manifest = DatasetManifest("m", "l1", "labels", source, SPEC.columns, part.rows, 0, (part,), CODE)
    trial.zones["datasets"].put(layout.dataset_part("m", "l1", 0), data)
    trial.zones["datasets"].put(layout.dataset_manifest("m", "l1"), manifest.encode())


def test_only_this_trial_counts() -> None:
    trial = Trial()
    trial.answer("champion", 200)
    trial.answer("challenger", 200)
    trial.answer("challenger", 600, fail=0.9, name="before", revision=1)
    trial.answer("fallback", 300, latency=50)
    trial.answer("named", 300, latency=50)
    found = trial.judge()
    assert found is not None
    assert found.differences[1].rows == (200, 200)
    challenge(trial.models, trial.clock, "m", "v2", "canary", 0.9, **why("third"))
    found = trial.judge()
    assert found is not None
    assert (found.revision, found.share, found.differences[1].rows) == (3, 0.9, (0, 0))


def test_a_log_that_is_none_is_told() -> None:
    trial = Trial()
    trial.zones["predictions"].put(layout.realtime_log("m", DAY, "x"), b'{"revision": 2}')
    with pytest.raises(Corrupt, match="predictions 'm/realtime/"):
        trial.judge()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", [1, 2])
def test_killed_at_any_write_and_judged_again_it_ends_as_if_undisturbed(write: int, after: bool) -> None:
    trial = Trial()
    trial.answer("champion", 600)
    trial.answer("challenger", 600, fail=0.3)
    with pytest.raises(Died):
        trial.judge(models=FailingStore(trial.models, write, Counter(), after=after))
    trial.judge()
    trial.judge()
    assert (trial.route.champion, trial.route.challenger, trial.route.revision) == ("v1", None, 3)
    assert [entry.kind for entry in trial.journal()] == ["promoted", "challenged", "challenge ended"]
    assert audit(trial.models, "m").intact


def test_a_trial_that_someone_changed_meanwhile_is_left_alone() -> None:
    trial = Trial()
    trial.answer("champion", 600)
    trial.answer("challenger", 600, fail=0.3)

    class Meddled:
        def __getattr__(self, name: str) -> Any:
            return getattr(trial.models, name)

        def replace(self, key: str, data: bytes, version: str) -> Any:
            promote(trial.models, trial.clock, "m", "v2", **why("by hand"))
            return trial.models.replace(key, data, version)

    found = trial.judge(models=Meddled())
    assert found is not None
    assert found.decided is None
    assert (trial.route.champion, trial.route.revision) == ("v2", 3)
