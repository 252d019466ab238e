import io
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.batch import Success
from core.domain.canonical import content_version, sha256
from core.domain.prediction import place_of
from core.errors import BadInput, Corrupt, NotFound, Refused, Transient
from core.usecases.score_batch import BatchResult, File, is_settled, score_files
from tests.faults import Counter, Died, FailingStore
from tests.unit.usecases.site import NOON, SPEC, Site, csv, rows


def table(site: Site, result: BatchResult) -> pa.Table:
    return pa.concat_tables(
        [pq.read_table(pa.BufferReader(site.zones["predictions"].get(key).data)) for key in result.output]
    )


@pytest.fixture
def site() -> Site:
    site = Site()
    site.publish("v1")
    return site


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch that the reader gives becomes a part."""
    monkeypatch.setattr("core.tables.input_parts.PART_ROWS", 1)
    monkeypatch.setattr("core.tables.records.BLOCK", 4_000)


BAD = b"id,at,x,c,b\nr1,2026-05-01,1.5,red,true\nr2,2026-05-01,999,red,maybe\nr3,2026-05-01,,,false\n"


def test_good_rows_are_answered_and_bad_ones_quarantined(site: Site) -> None:
    result = site.score(site.drop("a.csv", BAD))
    assert (result.model, result.version, result.rows, result.quarantined) == ("m", "v1", 2, 1)
    answered = table(site, result).to_pydict()
    assert answered["id"] == ["r1", "r3"]
    assert answered["x"] == [1.5, None]
    assert answered["c"] == ["red", None]
    assert answered["model_version"] == ["v1", "v1"]
    assert answered["answered_at"] == [NOON, NOON]
    assert answered["label"] == ["yes", "no"]
    assert answered["probability_yes"] == pytest.approx([0.8175744, 0.5])
    assert answered["probability_no"] == pytest.approx([0.1824255, 0.5])


def test_rejected_rows_keep_all_their_reasons(site: Site) -> None:
    key = site.drop("a.csv", BAD)
    site.score(key)
    source = layout.source_id(key, site.zones["landing"].head(key).version)
    lines = site.zones["quarantine"].get(layout.quarantine_part("m", source, 0)).data.splitlines()
    assert [json.loads(line)["row"] for line in lines] == [2]
    assert {reason["column"] for reason in json.loads(lines[0])["reasons"]} == {"x", "b"}
    report = json.loads(site.zones["quarantine"].get(layout.quarantine_report("m", source)).data)
    assert (report["rows"], report["rejected"], sum(report["reasons"].values())) == (3, 1, 2)


def test_a_prediction_id_names_the_place_of_its_row(site: Site, small_parts: None) -> None:
    result = site.score(site.drop("a.csv", csv(rows(300))))
    assert len(result.output) > 2
    ids = table(site, result)["prediction_id"].to_pylist()
    assert len(set(ids)) == 300
    for prediction_id in ids:
        place = place_of(prediction_id)
        stored = pq.read_table(pa.BufferReader(site.zones["predictions"].get(place.key).data))
        assert stored["prediction_id"][place.row].as_py() == prediction_id


def test_success_is_last_and_counts(site: Site, small_parts: None) -> None:
    counter = Counter()
    site.zones = {zone: FailingStore(store, 0, counter) for zone, store in site.zones.items()}
    key = site.drop("a.csv", csv(rows(300)))
    result = site.score(key)
    written = [key for _, key in counter.verbs]
    assert written[1] == layout.batch_start("m", result.run)
    assert written[-1] == layout.batch_success("m", result.run)
    success = Success.decode(site.zones["predictions"].get(written[-1]).data)
    assert success.rows == 300 == sum(part.rows for part in success.parts)
    assert [part.sha256 for part in success.parts] == [
        sha256(site.zones["predictions"].get(key).data) for key in result.output
    ]


def test_a_repeated_event_finds_the_run_done_even_after_a_promotion(site: Site) -> None:
    key = site.drop("a.csv", BAD)
    first = site.score(key)
    before = site.state("predictions", "quarantine")
    site.publish("v2", bias=3)
    site.clock.time += timedelta(hours=1)
    again = site.score(key)
    assert site.state("predictions", "quarantine") == before
    assert again == replace(first, seconds=None, read=None)
    assert again.to_json()["rows_per_second"] is None


def test_a_replaced_file_is_another_run(site: Site) -> None:
    first = site.score(site.drop("a.csv", csv(rows(5))))
    second = site.score(site.drop("a.csv", csv(rows(6))))
    assert (first.rows, second.rows) == (5, 6)
    assert first.run != second.run


def test_killed_at_any_write_and_tried_again_it_ends_alike(small_parts: None) -> None:
    """In between another version is promoted and time passes: neither may show."""
    data = csv(rows(200)) + b"bad,2026-05-01,999,red,true\n"

    def attempt(fail_at: int, *, after: bool) -> tuple[dict[str, bytes], int]:
        site = Site()
        site.publish("v1")
        key = site.drop("a.csv", data)
        whole, counter = dict(site.zones), Counter()
        site.zones = {zone: FailingStore(store, fail_at, counter, after=after) for zone, store in whole.items()}
        try:
            site.score(key)
        except Died:
            started = any(verb == "create" for verb, _ in counter.verbs[: None if after else -1])
            site.zones = dict(whole)
            if started:
                site.publish("v2", bias=3)
                site.clock.time += timedelta(days=1)
            site.score(key)
        site.zones = whole
        return site.state("predictions", "quarantine"), counter.writes

    undisturbed, writes = attempt(0, after=False)
    assert writes >= 6
    for fail_at in range(1, writes + 1):
        for after in (False, True):
            assert attempt(fail_at, after=after)[0] == undisturbed, (fail_at, after)


def test_answers_of_an_earlier_attempt_stand(site: Site) -> None:
    """Another processor may round otherwise."""
    key = site.drop("a.csv", csv(rows(50)))
    site.score(key)
    done = site.state("predictions")
    success = next(name for name in done if name.endswith("_SUCCESS"))
    site.zones["predictions"].delete(success.removeprefix("predictions/"))
    site.zones["models"].put(layout.model_file("m", "v1", "model.onnx"), b"bias 1e-7")
    manifest = json.loads(site.zones["models"].get(layout.model_manifest("m", "v1")).data)
    manifest["files"]["model.onnx"] = sha256(b"bias 1e-7")
    site.zones["models"].put(layout.model_manifest("m", "v1"), json.dumps(manifest).encode())
    site.score(key)
    assert site.state("predictions") == done


def test_parts_of_other_rows_are_corrupt(site: Site) -> None:
    key, other = site.drop("a.csv", csv(rows(50))), site.drop("b.csv", csv(rows(60)))
    result = site.score(other)
    version = site.zones["landing"].head(key).version
    run = content_version({"key": key, "version": version})
    site.zones["predictions"].put(layout.batch_part("m", run, 0), site.zones["predictions"].get(result.output[0]).data)
    with pytest.raises(Corrupt, match="delete its folder"):
        site.score(key)


def test_no_champion_is_transient_and_leaves_nothing() -> None:
    site = Site()
    key = site.drop("a.csv", BAD)
    with pytest.raises(Transient, match="no version of model m serves yet"):
        site.score(key)
    assert site.state("predictions", "quarantine") == {}
    site.publish("v1")
    assert site.score(key).rows == 2


def test_a_model_that_was_tampered_with_answers_nothing(site: Site) -> None:
    site.zones["models"].put(layout.model_file("m", "v1", "model.onnx"), b"bias 5")
    with pytest.raises(Corrupt, match=r"model\.onnx"):
        site.score(site.drop("a.csv", BAD))


def test_only_files_to_score_are_scored(site: Site) -> None:
    site.zones["landing"].put("m/rows/a.csv", BAD)
    with pytest.raises(BadInput, match="m/score/"):
        site.score("m/rows/a.csv")
    with pytest.raises(NotFound):
        site.score("m/score/absent.csv")


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b broken", b"id,nonsense\n1,2\n"])
def test_a_file_that_cannot_be_used_is_refused_every_time(site: Site, data: bytes) -> None:
    key = site.drop("a.csv.gz" if data.startswith(b"\x1f") else "a.csv", data)
    assert not settled(site, key)
    with pytest.raises(BadInput):
        site.score(key)
    before = site.state("predictions", "quarantine")
    with pytest.raises(BadInput):
        site.score(key)
    assert site.state("predictions", "quarantine") == before
    assert [name.rsplit("/")[-1] for name in before] == ["_REFUSED", "start.json", "report.json"]
    assert "refused" in json.loads(next(data for name, data in before.items() if name.endswith("report.json")))
    assert settled(site, key)


def settled(site: Site, key: str) -> bool:
    return is_settled(site.zones["landing"], site.zones["predictions"], key)


def test_a_scored_file_is_settled_until_it_is_replaced(site: Site) -> None:
    key = site.drop("a.csv", BAD)
    assert not settled(site, key)
    site.score(key)
    assert settled(site, key)
    site.drop("a.csv", BAD + b"r4,2026-05-01,1,red,true\n")
    assert not settled(site, key)


def test_rows_that_are_all_bad_make_a_finished_empty_run(site: Site) -> None:
    result = site.score(site.drop("a.csv", b"id,at,x,c,b\nr1,2026-05-01,999,red,true\n"))
    assert (result.rows, result.quarantined, result.output) == (0, 1, ())


def test_a_regression_is_answered_by_its_prediction() -> None:
    site = Site(spec=SPEC.model_copy(update={"task": "regression"}))
    site.publish("v1", bias=1)
    answered = table(site, site.score(site.drop("a.csv", BAD)))
    assert answered["prediction"].to_pylist() == pytest.approx([2.5, 1.0])
    assert "label" not in answered.column_names


def test_many_rejected_rows_are_cut_into_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.usecases.quarantine.ROWS_A_PART", 10)
    monkeypatch.setattr("core.tables.records.BLOCK", 1_000)
    columns = {**rows(300), "x": np.full(300, 999, np.float32)}
    result = site.score(site.drop("a.csv", csv(columns)))
    parts = [key for key in site.state("quarantine") if "rows-" in key]
    assert result.quarantined == 300
    assert len(parts) > 5
    assert sum(len(data.splitlines()) for key, data in site.state("quarantine").items() if key in parts) == 300


def test_what_batch_prints(site: Site) -> None:
    shown = site.score(site.drop("a.csv", BAD)).to_json()
    assert {"model", "version", "rows", "quarantined", "output", "rows_per_second"} <= set(shown)
    assert shown["rows_per_second"] > 0


class TestScoreFile:
    def score(self, site: Site, source: MemoryStore, output: MemoryStore, prefix: str = "out") -> BatchResult:
        return score_files(
            [File(source, source.head("in.csv"))],
            "in.csv",
            output,
            prefix,
            models=site.zones["models"],
            model="m",
            means=site.means(),
        )

    def test_any_file_goes_to_any_folder(self, site: Site) -> None:
        source, output = MemoryStore(), MemoryStore()
        source.put("in.csv", BAD)
        result = self.score(site, source, output)
        assert result.output == ("out/part-00000.parquet",)
        assert [info.key for info in output.list("")] == [
            "out/_SUCCESS",
            "out/_done/00000.json",
            "out/_rejected/report.json",
            "out/_rejected/rows-00000-000.jsonl",
            "out/_start.json",
            "out/part-00000.parquet",
        ]
        assert site.state("predictions", "quarantine") == {}

    def test_twice_is_once(self, site: Site) -> None:
        source, output = MemoryStore(), MemoryStore()
        source.put("in.csv", BAD)
        first = self.score(site, source, output, prefix="")
        assert self.score(site, source, output, prefix="") == replace(first, seconds=None, read=None)

    @pytest.mark.parametrize("change", ["version", "file"])
    def test_a_folder_of_other_answers_is_refused(self, site: Site, change: str) -> None:
        source, output = MemoryStore(), MemoryStore()
        source.put("in.csv", BAD)
        self.score(site, source, output, prefix="out/")
        if change == "version":
            site.publish("v2")
        else:
            source.put("in.csv", BAD + BAD)
        with pytest.raises(Refused, match="choose another output"):
            self.score(site, source, output)


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int8(), pa.string())])
def test_categories_of_a_part_may_be_coded_here_and_plain_there(site: Site, kind: pa.DataType) -> None:
    file = io.BytesIO()
    schema = pa.schema({"id": pa.string(), "x": pa.float64(), "c": kind, "b": pa.bool_()})
    with pq.ParquetWriter(file, schema) as writer:
        for row, color in enumerate(["red", "", "blue"]):
            group = {"id": [f"r{row}"], "x": [float(row)], "c": [color], "b": [True]}
            writer.write_table(pa.table(group).cast(schema))
    answered = table(site, site.score(site.drop("a.parquet", file.getvalue())))
    assert answered["c"].to_pylist() == ["red", None, "blue"]
    assert answered["probability_yes"].to_pylist() == pytest.approx([0.5, 0.731059, 0.880797])
