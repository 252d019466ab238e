"""Spec files: every mistake in one go, each with its line and the mend."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, BadSpec, NotFound
from core.specfile import check_spec, read_spec, spec_files, specs_in

WHOLE = """\
model: churn
task: binary
target: left
features:
  - {name: age, type: integer}
"""


@pytest.fixture
def check(tmp_path):
    """Checks a text as churn.yaml; gives (line, field, problem, mend) of every mistake."""

    def check_text(text):
        path = tmp_path / "churn.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        _, mistakes = check_spec(path)
        return [(found.line, found.field, found.problem, found.mend) for found in mistakes]

    return check_text


def test_a_right_spec_has_no_mistakes(check):
    assert check(WHOLE) == []


def test_the_bundled_spec_is_right():
    spec, mistakes = check_spec(Path(__file__).parents[2] / "models" / "flights-delay.yaml")
    assert mistakes == []
    assert spec is not None
    assert len(spec.features) == 14


def test_five_mistakes_are_told_in_one_go(check):
    found = check("""\
        model: churn
        task: binry
        target: left
        estimater: random-forest
        features:
          - {name: age, type: integer, nulable: true}
          - {name: plan, type: category, values: [NO, basic]}
          - {name: age, type: number}
        split: {by: time}
        """)
    assert found == [
        (2, "task", "must be 'binary', 'multiclass' or 'regression'", "choose one of those"),
        (4, "estimater", "is not a field of a spec", "did you mean `estimator`?"),
        (6, "features[0].nulable", "is not a field of a spec", "did you mean `nullable`?"),
        (7, "features[1].values[0]", "must be text", "put it in quotes"),
        (8, "features[2].name", "'age' is declared already as a feature", "remove one"),
        (9, "split.by", "needs a time column", "declare `time:` or split by random"),
    ]


def test_a_mistake_reads_as_one_line(tmp_path):
    path = tmp_path / "churn.yaml"
    path.write_text(WHOLE.replace("binary", "binry"))
    _, [mistake] = check_spec(path)
    assert str(mistake) == f"{path}:2: task: must be 'binary', 'multiclass' or 'regression'; choose one of those"
    assert mistake.to_json() == {
        "file": str(path),
        "line": 2,
        "field": "task",
        "problem": "must be 'binary', 'multiclass' or 'regression'",
        "mend": "choose one of those",
    }


@pytest.mark.parametrize(
    ("addition", "field", "problem"),
    [
        ("gates: {min: .nan}", "gates.min", "must be a finite number"),
        ("gates: {metric: rmse}", "gates.metric", "must be one of accuracy"),
        ("params: {x: .inf}", "params", "must hold text, finite numbers"),
        ("params: &a {x: *a}", "params", "must hold text, finite numbers"),
        ("params: {since: 2013-01-01}", "params", "must hold text, finite numbers"),
        ("estimator: linear-regression", "estimator", "linear-regression does not do binary"),
        ("estimator: no-such-preset", "estimator", "must be one of logistic-regression"),
        ("params: {a: 1}\nsearch: {b: [1]}", "search", "cannot stand beside params"),
        ("drift: {every: 0s}", "drift.every", "must be longer than 0s"),
        ("batch: {every: 5}", "batch.every", "must be a whole number with a unit"),
        ("train_when: {every: 99999999999w}", "train_when.every", "is longer than time itself"),
        ("train_when: {rows: 0}", "train_when.rows", "must be greater than or equal to 1"),
        ("traffic: {mode: canary, share: 1}", "traffic.share", "must be less than 1"),
        ("split: time", "split", "must be a mapping"),
        ("drop: age", "drop", "must be a list"),
        ("drop: [left]", "drop[0]", "'left' is declared already as the target"),
        ("drop: [a, a]", "drop[1]", "'a' is declared already as dropped"),
        ("sensitive: [s, s]", "sensitive[1]", "'s' is declared already as sensitive"),
        ("time: age", "time", "'age' is declared already as a feature"),
        ("id: left", "id", "'left' is declared already as the target"),
        ("id: prediction_id", "id", "'prediction_id' is a name that predictions use"),
        ("1: x", "[1]", "must be text"),
        ("slices: [age]", "slices[0]", "'age' is an integer"),
        ("slices: [nobody]", "slices[0]", "'nobody' is no feature"),
        ("kpi: {name: saved, values: {over: 1}}", "kpi.values.over", "is no outcome of binary"),
        ("kpi: {name: saved, values: {true_positive: {a: 1}}}", "kpi.values.true_positive", "is no outcome of binary"),
        ("kpi: {name: saved, values: {true_positive: much}}", "kpi.values.true_positive", "must be a number"),
        ("kpi: {name: saved, values: {}}", "kpi.values", "must not be empty"),
        ("performance: {window: hour}", "performance.window", "must be 'day', 'week' or 'month'"),
        ("performance: {min_rows: 3}", "performance.min_rows", "must be greater than or equal to 10"),
        ("performance: {history: 0s}", "performance.history", "must be longer than 0s"),
        ("seed: -1", "seed", "must be greater than or equal to 0"),
        ("model: churn", "model", "is given twice"),
    ],
)
def test_a_mistake_is_told_with_its_field_and_a_mend(check, addition, field, problem):
    [(_, where, what, mend)] = check(WHOLE + addition + "\n")
    assert where == field
    assert what.startswith(problem)
    assert mend


@pytest.mark.parametrize(
    ("feature", "problem"),
    [
        ("{name: plan, type: number, values: [a]}", "only a category has values"),
        ("{name: plan, type: boolean, min: 0}", "only a number or an integer has min and max"),
        ("{name: plan, type: number, min: 2, max: 1}", "min is above max"),
        ("{name: plan, type: category, values: []}", "must not be empty"),
        ("{name: plan, type: text}", "must be 'number', 'integer', 'category' or 'boolean'"),
        ("{name: probability_yes, type: number}", "'probability_yes' is a name that predictions use"),
        ("{name: left, type: number}", "'left' is declared already as a feature"),
        ("7", "must be a mapping"),
        ("{type: number}", "is missing"),
    ],
)
def test_a_wrong_feature_is_told(check, feature, problem):
    [(_, _, what, _)] = check(WHOLE + f"  - {feature}\n")
    assert what.startswith(problem)


def test_the_target_may_be_called_label_and_a_sensitive_column_may_be_a_feature(check):
    assert check(WHOLE.replace("left", "label") + "sensitive: [age, sex]\n") == []


@pytest.mark.parametrize("text", ["", "[]", "just words"])
def test_what_is_no_mapping_is_told(check, text):
    assert check(text) == [(1, "(file)", "is not a mapping", "write fields such as `model:` and `task:`")]


@pytest.mark.parametrize(("text", "line"), [("a: [\n", 2), ("model: m\n\tx: 1\n", 2), ("? [a]\n: b\n", 1)])
def test_broken_yaml_is_told_with_its_line(check, text, line):
    [(found, field, _, mend)] = check(text)
    assert (found, field, mend) == (line, "(file)", "mend the YAML syntax here")


def test_only_what_is_needed_is_missing(check):
    assert [field for _, field, _, _ in check("model: churn\n")] == ["task", "target", "features"]


def test_a_wrong_encoding_is_told(tmp_path):
    path = tmp_path / "churn.yaml"
    path.write_bytes(WHOLE.encode("utf-16"))
    _, [mistake] = check_spec(path)
    assert mistake.problem == "is not UTF-8 at byte 0"


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "churn.yaml"
    path.write_text(WHOLE, encoding="utf-8-sig")
    assert check_spec(path)[1] == []


def test_a_document_that_grows_without_bound_is_answered_at_once(check):
    doublings = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 200))
    assert len(check(f"a0: &a0 [x]\n{doublings}")) == 200 + 4


def test_reading_a_wrong_spec_raises_all_of_its_mistakes(tmp_path):
    path = tmp_path / "churn.yaml"
    path.write_text("model: other\ntask: binary\n")
    with pytest.raises(BadSpec) as raised:
        read_spec(path)
    assert [line.split(": ")[1] for line in str(raised.value).splitlines()] == ["target", "features", "model"]


def test_a_folder_of_specs_is_looked_up_by_model_and_read_again_when_changed(tmp_path):
    path = tmp_path / "churn.yaml"
    path.write_text(WHOLE)
    spec_of = specs_in(tmp_path)
    first = spec_of("churn")
    assert spec_of("churn") is first
    path.write_text(WHOLE + "seed: 5\n")
    assert spec_of("churn").seed == 5
    assert spec_files(tmp_path) == [path]


def test_a_model_without_a_spec_or_with_an_impossible_name_is_refused(tmp_path):
    spec_of = specs_in(tmp_path)
    with pytest.raises(NotFound, match="tidemill init other"):
        spec_of("other")
    with pytest.raises(BadInput):
        spec_of("../churn")


names = st.sampled_from(["model", "task", "target", "id", "time", "features", "split", "gates", "drop", "params", "x"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


@settings(max_examples=150, deadline=None)
@given(data=st.dictionaries(names, values, max_size=8))
def test_whatever_is_in_the_file_the_answer_is_a_spec_or_mistakes(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("specs") / "model.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    spec, mistakes = check_spec(path)
    assert (spec is None) == bool(mistakes)
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert all(1 <= mistake.line <= max(1, lines) and mistake.problem and mistake.mend for mistake in mistakes)
