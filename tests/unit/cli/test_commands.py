"""The command line: exit codes, JSON shapes, one-sentence errors. Each test runs the real command on a real folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.main import app
from tests.functions.loop import FEATURES, MODEL, SPEC, birds, csv_of

COLUMNS = ("bird", *FEATURES, "species", "observer", "ringed")


class Tidemill:
    """Runs commands in one working directory."""

    def __call__(self, *arguments: str, stdin: bytes | None = None):
        return CliRunner().invoke(app, list(arguments), input=stdin)

    def json(self, *arguments: str, code: int = 0, stdin: bytes | None = None):
        done = self(*arguments, "--json", stdin=stdin)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout.splitlines()[-1])


def in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TIDEMILL_STORE", raising=False)
    Path("models").mkdir()
    Path(f"models/{MODEL}.yaml").write_text(SPEC)
    Path("rows.csv").write_bytes(csv_of(birds()[:200], COLUMNS))
    Path("score.csv").write_bytes(csv_of(birds()[200:300], ("bird", *FEATURES)))
    return Tidemill()


@pytest.fixture
def tidemill(tmp_path, monkeypatch):
    return in_folder(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def served_folder(tmp_path_factory):
    """A working directory in which a version serves; made once, copied for each test."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        tidemill = in_folder(folder, patch)
        tidemill.json("put", MODEL, "rows.csv")
        assert tidemill.json("drain")["failed"] == []
    return folder


@pytest.fixture
def served(tmp_path, monkeypatch, served_folder):
    shutil.copytree(served_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Tidemill()


def names(group=app, prefix=""):
    for info in group.registered_commands:
        yield f"{prefix}{info.name or info.callback.__name__}"
    for info in group.registered_groups:
        yield from names(info.typer_instance, f"{prefix}{info.name} ")


@pytest.mark.parametrize("name", list(names()))
def test_every_command_has_help_with_an_example_and_the_shared_options(name):
    done = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "Example: tidemill " in done.output
    for option in ("--json", "--store", "--debug"):
        assert option in done.output


def test_put_then_drain_serves_a_version(served):
    shown = served.json("models", "show", MODEL)
    assert shown["model"] == MODEL
    assert set(shown["route"]) >= {"champion", "challenger", "mode", "share"}
    (version,) = shown["versions"]
    assert set(version) >= {"version", "created", "dataset", "metrics", "passed"}
    assert served.json("models", "list")["models"] == [{"model": MODEL, "champion": version["version"]}]


def test_drain_tells_what_failed_once_and_doctor_goes_on_telling(tidemill):
    Path("empty.csv").write_bytes(b"")
    tidemill.json("put", MODEL, "empty.csv")
    told = tidemill.json("drain", code=1)
    assert told["handled"] == 0
    (failure,) = told["failed"]
    assert failure["event"] == f"ingest landing/{MODEL}/rows/empty.csv"
    assert "empty" in failure["error"]
    assert tidemill.json("drain") == {"handled": 0, "failed": []}
    doctor = tidemill.json("doctor", code=1)
    letters = [check for check in doctor["checks"] if check["check"].startswith("dead letter ")]
    assert failure["error"] in letters[0]["detail"]
    assert tidemill.json("drain", "--retry-dead", code=1)["failed"] == [failure]


def test_train_by_hand_tells_metrics_gates_and_parity_and_changes_nothing_when_repeated(served):
    Path("more.csv").write_bytes(csv_of(birds()[200:230], COLUMNS))
    served.json("put", MODEL, "more.csv")
    assert served.json("drain")["failed"] == []
    trained = served.json("train", MODEL)
    assert set(trained) >= {"model", "version", "promoted", "reasons", "metrics", "gates", "parity"}
    assert set(trained["metrics"]["accuracy"]) >= {"value", "low", "high"}
    assert {gate["gate"] for gate in trained["gates"]} >= {"min", "parity"}
    assert trained["parity"]["label_mismatches"] == 0
    assert served.json("train", MODEL) == trained


def test_a_gate_that_says_no_is_exit_code_1_and_the_version_is_kept(tidemill):
    Path(f"models/{MODEL}.yaml").write_text(SPEC.replace("min: 0.5}", "min: 0.9999, max_regression: 0}"))
    Path("noise.csv").write_bytes(
        csv_of([{**row, "species": "ab"[number % 2]} for number, row in enumerate(birds()[:200])], COLUMNS)
    )
    tidemill.json("put", MODEL, "noise.csv")
    tidemill.json("drain")
    trained = tidemill.json("train", MODEL, code=1)
    assert not trained["promoted"]
    assert trained["reasons"]
    shown = tidemill.json("models", "show", MODEL)
    assert shown["route"]["champion"] is None
    assert not shown["versions"][0]["passed"]


def test_predict_reads_csv_json_and_json_lines_and_answers_alike(served):
    row = {"island": "Dream", "bill_length_mm": 39.5, "flipper_length_mm": None, "sex": "female"}
    as_csv = served.json("predict", MODEL, stdin=b"island,bill_length_mm,flipper_length_mm,sex\nDream,39.5,,female\n")
    assert set(as_csv) == {"model", "version", "predictions"}
    assert abs(sum(as_csv["predictions"][0]["probabilities"].values()) - 1) < 1e-6
    for document in (row, [row], {"instances": [row]}):
        assert served.json("predict", MODEL, stdin=json.dumps(document).encode()) == as_csv
    Path("one.jsonl").write_text(json.dumps(row) + "\n")
    assert served.json("predict", MODEL, "--file", "one.jsonl") == as_csv


def test_predict_names_the_field_that_cannot_be_used(served):
    told = served.json("predict", MODEL, stdin=b"island,bill_length_mm\nDream,-3\n", code=1)
    assert told["error"].startswith("row 1 cannot be used: bill_length_mm")


def test_batch_scores_a_path_into_a_folder(served):
    scored = served.json("batch", MODEL, "--input", "score.csv", "--output", "scored")
    assert (scored["rows"], scored["quarantined"]) == (100, 0)
    assert scored["rows_per_second"] > 0
    assert {path.name for path in Path("scored").iterdir() if not path.name.startswith(".")} >= {
        "_SUCCESS",
        "part-00000.parquet",
    }


def test_batch_scores_patterns_and_folders(served):
    Path("more/deep").mkdir(parents=True)
    for name in ("more/a.csv", "more/deep/b.csv", "more/_c.csv", "more/d.txt"):
        shutil.copy("score.csv", name)
    for source, rows in (("more/", 200), ("more/*.csv", 100), ("more/**/?.csv", 200), ("more/deep/[ab].csv", 100)):
        output = f"out{source.replace('/', '-')}"
        assert served.json("batch", MODEL, "--input", source, "--output", output)["rows"] == rows
    told = served.json("batch", MODEL, "--input", "more/*.parquet", "--output", "none", code=1)
    assert told["error"] == "'more/*.parquet' names no file that can be scored."


def test_batch_goes_over_what_was_dropped_before_with_columns_and_a_version(served):
    served.json("put", MODEL, "score.csv", "--as", "score")
    version = served.json("models", "show", MODEL)["route"]["champion"]
    scored = served.json(
        "batch", MODEL, "--output", "again", "--keep", "island, sex", "--partition-by", "label", "--version", version
    )
    assert (scored["rows"], scored["version"]) == (100, version)
    assert all(key.startswith("label=") for key in scored["output"])
    told = served.json("batch", MODEL, "--output", "range", "--since", "2026-01-01", code=1)
    assert "declares no time column" in told["error"]
    assert served("batch", MODEL, "--output", "x", "--since", "yesterday").exit_code == 2
    told = served.json("batch", MODEL, "--input", "score.csv", "--output", "x", "--engine", "http://x", code=1)
    assert "must be the URL of a Dask scheduler" in told["error"]


def test_drift_looks_at_what_was_answered_and_fails_only_when_asked_to(served):
    served.json("put", MODEL, "score.csv", "--as", "score")
    assert served.json("drain")["failed"] == []
    report = served.json("drift", MODEL)
    assert set(report) >= {"model", "version", "window", "rows", "reference_rows", "drifted", "features", "performance"}
    assert report["rows"] == 100
    assert {feature["name"] for feature in report["features"]} == set(FEATURES)
    code = 1 if report["drifted"] else 0
    window = ("--since", "2020-01-01", "--until", "2100-01-01")
    assert served.json("drift", MODEL, *window, "--fail-on-drift", code=code)["rows"] == 100


def test_who_serves_can_be_changed_and_the_journal_stays_whole(served):
    first = served.json("models", "show", MODEL)["route"]["champion"]
    Path("more.csv").write_bytes(csv_of(birds()[200:340], COLUMNS))
    served.json("put", MODEL, "more.csv")
    served.json("drain")
    second = next(
        version["version"]
        for version in served.json("models", "show", MODEL)["versions"]
        if version["version"] != first
    )
    assert served.json("models", "promote", MODEL, second)["champion"] == second
    assert served.json("models", "rollback", MODEL)["champion"] == first
    route = served.json("models", "route", MODEL, "--challenger", second, "--mode", "canary", "--share", "0.2")
    assert (route["challenger"], route["mode"], route["share"]) == (second, "canary", 0.2)
    assert served.json("models", "compare", MODEL, first, second)["difference"]
    audit = served.json("audit", MODEL)
    assert (audit["intact"], audit["first_break"]) == (True, None)
    lineage = served.json("lineage", first)
    assert lineage["kind"] == "model"
    assert lineage["parents"][0]["parents"][0]["id"].startswith(f"landing/{MODEL}/rows/rows.csv@")


def test_a_file_of_the_same_name_and_other_content_is_put_beside_the_first(tidemill):
    first = tidemill.json("put", MODEL, "rows.csv")["key"]
    assert tidemill.json("put", MODEL, "rows.csv")["key"] == first
    Path("rows.csv").write_bytes(csv_of(birds()[200:], COLUMNS))
    second = tidemill.json("put", MODEL, "rows.csv")["key"]
    assert second.startswith(f"{MODEL}/rows/rows~")
    assert Path(".tidemill/landing", first).is_file()
    assert Path(".tidemill/landing", second).read_bytes() == Path("rows.csv").read_bytes()


def test_a_training_that_was_done_before_does_not_claim_to_serve(served):
    first = served.json("models", "show", MODEL)["route"]["champion"]
    Path("more.csv").write_bytes(csv_of(birds()[200:340], COLUMNS))
    served.json("put", MODEL, "more.csv")
    served.json("drain")
    second = served.json("train", MODEL)["version"]
    assert served.json("models", "rollback", MODEL)["champion"] == first
    told = served.json("train", MODEL, code=1)
    assert (told["version"], told["promoted"]) == (second, False)
    assert f"{first} serves now" in told["reasons"][0]


def test_text_in_brackets_is_shown_as_it_is(tidemill):
    Path("d[bold].csv").write_bytes(Path("rows.csv").read_bytes())
    assert "d[bold].csv" in tidemill("put", MODEL, "d[bold].csv").stdout


def test_the_audit_of_nothing_finds_nothing_and_a_missing_end_is_a_break(served):
    assert "nothing is known of a model nope" in served.json("audit", "nope", code=1)["error"]
    newest = sorted(Path(f".tidemill/models/{MODEL}/journal").iterdir())[-1]
    newest.unlink()
    told = served.json("audit", MODEL, code=1)
    assert (told["intact"], told["first_break"]) == (False, told["entries"] + 1)
    for entry in Path(f".tidemill/models/{MODEL}/journal").iterdir():
        entry.unlink()
    assert served.json("audit", MODEL, code=1)["first_break"] == 1


def test_an_altered_journal_is_found(served):
    entry = Path(f".tidemill/models/{MODEL}/journal/0000000001.json")
    entry.write_text(entry.read_text().replace("training", "straining"))
    assert served.json("audit", MODEL, code=1)["first_break"] == 2


def test_init_writes_a_spec_that_checks_and_learns(tidemill):
    Path("plain.csv").write_bytes(csv_of(birds(), (*FEATURES, "species")))
    made = tidemill.json("init", "birds", "--from", "plain.csv", "--target", "species")
    assert tidemill.json("check", made["spec"]) == {"ok": True, "errors": []}
    tidemill.json("put", "birds", "plain.csv")
    assert tidemill.json("drain")["failed"] == []
    assert tidemill.json("models", "show", "birds")["versions"]
    assert "--force" in tidemill.json("init", "birds", "--from", "plain.csv", "--target", "species", code=1)["error"]


def test_check_reports_every_mistake_with_its_line_and_mend(tidemill):
    Path("models/bad.yaml").write_text("model: bad\ntask: binry\ntarget: y\nfeatures:\n  - {name: x, typ: number}\n")
    told = tidemill.json("check", code=1)
    assert not told["ok"]
    assert {error["line"] for error in told["errors"]} == {2, 5}
    assert all(set(error) == {"file", "line", "field", "problem", "mend"} for error in told["errors"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("models", "show", "nothing"), "model nothing has no version yet"),
        (("train", "nothing"), "model nothing has no spec"),
        (("train", MODEL), "no valid dataset"),
        (("predict", MODEL, "--file", "score.csv"), "no version of model penguins serves yet"),
        (("put", MODEL, "nowhere.csv"), "there is no file nowhere.csv"),
        (("put", "Not A Model", "rows.csv"), "must be 1 to 63 of a-z"),
        (("lineage", "0123456789abcdef"), "no model has a version"),
        (("models", "rollback", MODEL), "no version of model penguins serves yet"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_1(tidemill, arguments, sentence):
    done = tidemill(*arguments)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.output
    assert sentence in tidemill.json(*arguments, code=1)["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("put", MODEL),
        ("put", MODEL, "rows.csv", "--as", "gift"),
        ("drift", MODEL, "--since", "yesterday"),
        ("models", "route", MODEL, "--challenger", "v", "--mode", "loud"),
        ("drain", "--store", "s3://no-zone"),
    ],
)
def test_wrong_usage_is_exit_code_2(tidemill, arguments):
    assert tidemill(*arguments).exit_code == 2


def test_debug_shows_the_traceback(tidemill):
    done = tidemill("models", "show", "nothing", "--debug")
    assert type(done.exception).__name__ == "NotFound"
