"""Variants: what each is on real models, and what it may not lose."""

import itertools
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.tools.reduced_build_config_parser import parse_config
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.domain.learning import Learned
from core.domain.model import ModelManifest
from core.domain.schema import Feature, Schema
from core.errors import Refused
from core.inference.predictor import OnnxPredictor
from core.training.learner import SklearnLearner
from edge.export import graphs, operators
from edge.export.float16 import float16
from edge.export.int8 import int8
from edge.export.pruned import SHARES, pruned
from edge.export.quality import Budget, Judge
from edge.export.trees import LEAVES, Ensemble
from edge.export.variants import VARIANTS
from tests.unit.training import real

TREES = [(preset, task) for preset, task in real.CASES if "regression" not in preset]
LINEAR = [(preset, task) for preset, task in real.CASES if "regression" in preset]
WIDTH = 24


def network():
    """A user's own estimator."""
    return make_pipeline(StandardScaler(), MLPClassifier((128, 64), alpha=1.0, max_iter=300, tol=1e-3, random_state=0))


@cache
def learned(preset: str, task: str) -> Learned:
    plan = real.plan("penguins", "mixed", task, preset)
    return SklearnLearner().learn(plan, *real.halves(real.rows("penguins", "mixed", task)), lambda _step: None)


def manifest(preset, task):
    schema = real.schema("penguins", "mixed", task)
    return ModelManifest(schema.model, "v", schema, learned(preset, task).classes, {}, {}, 1, 1)


def judge(preset, task):
    _, holdout = real.halves(real.rows("penguins", "mixed", task))
    full = OnnxPredictor(learned(preset, task).onnx, manifest(preset, task))
    metric = real.plan("penguins", "mixed", task, preset).metric
    return Judge(full, holdout, metric, learned(preset, task).classes)


def measured(preset, task, data):
    return judge(preset, task).judge(OnnxPredictor(data, manifest(preset, task)))


def trees_of(data):
    ensembles = [Ensemble(node) for node in graphs.nodes(graphs.load(data).graph) if node.op_type in LEAVES]
    return [list(map(len, ensemble.runs())) for ensemble in ensembles]


def wide(rows=WIDTH, columns=WIDTH):
    """y = relu(x w) v of one input a feature, with weights that float16 holds exactly."""
    random = np.random.default_rng(0)
    inputs = [helper.make_tensor_value_info(f"x{place}", TensorProto.FLOAT, [None, 1]) for place in range(rows)]
    output = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])
    first = random.integers(-8, 8, (rows, columns)).astype(np.float32) / 8
    last = random.integers(-8, 8, (columns, 1)).astype(np.float64) / 8
    nodes = [
        helper.make_node("Concat", [value.name for value in inputs], ["x"], axis=1),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Cast", ["r"], ["d"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["d", "v"], ["y"]),
        helper.make_node("Cast", ["y"], ["prediction"], to=TensorProto.FLOAT),
    ]
    weights = [numpy_helper.from_array(first, "w"), numpy_helper.from_array(last, "v")]
    graph = helper.make_graph(nodes, "wide", inputs, [output], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def wide_answers(data, rows=8, features=WIDTH):
    schema = Schema("wide", "regression", "y", tuple(Feature(f"x{place}", "number") for place in range(features)))
    random = np.random.default_rng(1)
    columns = {name: random.normal(size=rows).astype(np.float32) for name in schema.feature_names}
    found = OnnxPredictor(data, ModelManifest("wide", "v", schema, (), {}, {}, 1, 1)).predict(columns)
    assert found.prediction is not None
    return found.prediction


# trees


def less(preset, task, way, share):
    """The model with a share of its trees, or of its splits."""
    model = graphs.load(learned(preset, task).onnx)
    for node in graphs.nodes(model.graph):
        if node.op_type in LEAVES:
            way(Ensemble(node), share)
    return graphs.save(model)


ways = pytest.mark.parametrize("way", [Ensemble.drop, Ensemble.merge], ids=["drop", "merge"])


@pytest.mark.parametrize(("preset", "task"), TREES)
def test_less_comes_first(preset, task):
    full = learned(preset, task).onnx
    sizes = [len(data) for data in pruned(full)]
    assert len(sizes) == 2 * len(SHARES)
    assert max(sizes) == sizes[-1] < len(full)
    assert sum(one > other for one, other in itertools.pairwise(sizes)) < 5, "bytes are nearly in proportion to nodes"


@ways
@pytest.mark.parametrize(("preset", "task"), TREES)
def test_all_trees_without_what_says_nothing_answer_exactly_so(preset, task, way):
    data = less(preset, task, way, 1.0)
    assert len(data) < len(learned(preset, task).onnx)
    assert measured(preset, task, data).max_difference == 0


@ways
@pytest.mark.parametrize(("preset", "task"), TREES)
def test_more_is_nearer(preset, task, way):
    off = [measured(preset, task, less(preset, task, way, share)).max_difference for share in (0.1, 0.9)]
    assert off[1] < off[0] / 2


@ways
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_votes_of_a_forest_still_add_up(task, way):
    _, holdout = real.halves(real.rows("penguins", "mixed", task))
    for share in (0.1, 0.5, 0.9):
        data = less("random-forest", task, way, share)
        found = OnnxPredictor(data, manifest("random-forest", task)).predict(holdout.columns).probabilities
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        assert found.min() >= -1e-6


@pytest.mark.parametrize("preset", ["gradient-boosting", "hist-gradient-boosting"])
def test_whole_iterations_of_boosting_are_kept(preset):
    """With three classes an iteration is three trees."""
    for share in SHARES:
        ((one, two, three),) = trees_of(less(preset, "multiclass", Ensemble.drop, share))
        assert one == two == three


def test_a_model_of_fewer_trees_is_the_one_that_fewer_iterations_learn():
    """Boosting goes on from where it was: 20 iterations begin with the 10 that 10 iterations are."""
    plan = real.plan("penguins", "mixed", "binary", "hist-gradient-boosting", params={"max_iter": 10})
    half = SklearnLearner().learn(plan, *real.halves(real.rows("penguins", "mixed", "binary")), lambda _step: None)
    cut = less("hist-gradient-boosting", "binary", Ensemble.drop, 0.5)
    _, holdout = real.halves(real.rows("penguins", "mixed", "binary"))
    described = manifest("hist-gradient-boosting", "binary")
    answers = [OnnxPredictor(data, described).predict(holdout.columns).probabilities for data in (half.onnx, cut)]
    np.testing.assert_allclose(*answers, atol=1e-6)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("preset", ["gradient-boosting", "hist-gradient-boosting", "random-forest"])
def test_as_many_splits_stay_as_were_asked_for(preset, share):
    full = Ensemble(tree_node(learned(preset, "regression").onnx))
    data = less(preset, "regression", Ensemble.merge, share)
    trees = sum(map(len, full.runs()))
    splits = (full.kept_by_merge(1.0) - trees) / 2
    left = (Ensemble(tree_node(data)).kept_by_merge(1.0) - trees) / 2
    assert left <= share * splits + 1
    assert left == (full.kept_by_merge(share) - trees) / 2


@pytest.mark.parametrize("preset", ["gradient-boosting", "hist-gradient-boosting"])
def test_merging_is_off_by_no_more_than_what_each_tree_may_be(preset):
    """An answer is a sum over trees, and in each tree a leaf is one of those that were merged, or their mean."""
    full = Ensemble(tree_node(learned(preset, "regression").onnx))
    _, holdout = real.halves(real.rows("penguins", "mixed", "regression"))
    for share in (0.3, 0.6, 0.9):
        bound = merged_spread(full, share) * sum(map(len, full.runs()))
        datas = learned(preset, "regression").onnx, less(preset, "regression", Ensemble.merge, share)
        described = manifest(preset, "regression")
        one, other = (OnnxPredictor(data, described).predict(holdout.columns).prediction for data in datas)
        assert 0 < np.abs(one - other).max() <= bound


def merged_spread(ensemble, share):
    """How far leaves that are merged differ at most."""
    splits = ensemble._splits
    return splits.spread[splits.ends(share)].max()


def tree_node(data):
    return next(node for node in graphs.nodes(graphs.load(data).graph) if node.op_type in LEAVES)


def test_a_tree_that_is_one_leaf_stays_so():
    """Two trees: a leaf alone, and a split whose leaves are alike."""
    fields = {
        "nodes_treeids": [0, 1, 1, 1],
        "nodes_nodeids": [0, 0, 1, 2],
        "nodes_modes": ["LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_featureids": [0, 0, 0, 0],
        "nodes_values": [0.0, 1.0, 0.0, 0.0],
        "nodes_truenodeids": [0, 1, 0, 0],
        "nodes_falsenodeids": [0, 2, 0, 0],
        "target_treeids": [0, 1, 1],
        "target_nodeids": [0, 1, 2],
        "target_ids": [0, 0, 0],
        "target_weights": [5.0, 1.0, 3.0],
        "n_targets": 1,
    }
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["prediction"], domain="ai.onnx.ml", **fields)
    ensemble = Ensemble(node)
    assert (ensemble.kept_by_merge(1.0), ensemble.kept_by_merge(0.1), ensemble.kept_by_drop(0.5)) == (4, 4, 1)
    ensemble.merge(0.0)
    values = graphs.attributes(node)
    assert values["nodes_modes"] == [b"LEAF", b"LEAF"]
    assert values["target_weights"] == [5.0, 2.0]
    assert values["target_treeids"] == [0, 1]


@pytest.mark.parametrize(("preset", "task"), LINEAR)
def test_what_has_no_trees_is_not_pruned(preset, task):
    with pytest.raises(Refused, match="no trees to drop"):
        next(pruned(learned(preset, task).onnx))


@pytest.mark.parametrize("variant", ["float16", "int8"])
@pytest.mark.parametrize(("preset", "task"), TREES)
def test_trees_gain_nothing_by_other_numbers(preset, task, variant):
    with pytest.raises(Refused, match="alone gain"):
        next(VARIANTS[variant](learned(preset, task).onnx))


# weights


def test_float16_holds_weights_in_a_quarter_of_float64_and_half_of_float32():
    full = wide(WIDTH, 200)
    (data,) = float16(full)
    assert len(data) < 0.56 * len(full)
    stored = {tensor.data_type for tensor in graphs.load(data).graph.initializer}
    assert stored == {TensorProto.FLOAT16}
    np.testing.assert_array_equal(wide_answers(data), wide_answers(full))


def test_float16_holds_what_is_beyond_its_range_at_the_end_of_it():
    model = graphs.load(wide())
    weights = np.full((WIDTH, WIDTH), 1e6, np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    (data,) = float16(graphs.save(model))
    assert np.isfinite(wide_answers(data)).all()


def test_int8_multiplies_in_integers_and_is_near():
    full = wide(WIDTH, 200)
    (data,) = int8(full)
    assert len(data) < 0.4 * len(full)
    assert "MatMulInteger" in operators.operators(graphs.load(data))["ai.onnx"]
    expected = wide_answers(full)
    assert np.abs(wide_answers(data) - expected).max() < 0.03 * np.abs(expected).max()


@pytest.mark.parametrize("variant", ["float16", "int8"])
def test_a_network_gains(variant):
    """A user's own estimator: what its products lose stays within the budget."""
    name = f"{__name__}:network"
    full = learned(name, "multiclass").onnx
    (data,) = VARIANTS[variant](full)
    assert len(data) < len(full)
    found = measured(name, "multiclass", data)
    assert found.beyond(Budget(0.05, 0.1)) is None
    assert found.max_difference > 0


@pytest.mark.parametrize(("preset", "task"), LINEAR)
def test_a_linear_model_in_int8_answers_nearly_so(preset, task):
    (data,) = int8(learned(preset, task).onnx)
    assert measured(preset, task, data).max_difference < 0.05


def test_quantizing_leaves_the_loggers_as_they_were(caplog):
    with caplog.at_level("WARNING"):
        next(int8(wide()))
    assert not caplog.records


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_has_the_same_bytes_each_time(variant):
    data = learned("hist-gradient-boosting", "binary").onnx if variant == "pruned" else wide()
    assert list(VARIANTS[variant](data)) == list(VARIANTS[variant](data))


# operators


@pytest.mark.parametrize(("preset", "task"), real.CASES)
def test_the_operators_are_those_of_the_model_as_onnxruntime_reads_them(preset, task, tmp_path):
    model = graphs.load(learned(preset, task).onnx)
    lines = [line.split(";") for line in operators.config(model).decode().splitlines()]
    listed = {(domain, name) for domain, _, names in lines for name in names.split(",")}
    assert listed == {(node.domain or "ai.onnx", node.op_type) for node in model.graph.node}
    versions = {opset.domain or "ai.onnx": opset.version for opset in model.opset_import}
    assert all(versions[domain] == int(version) for domain, version, _ in lines)
    path = tmp_path / "operators.config"
    path.write_bytes(operators.config(model))
    assert parse_config(str(path))[0] == {
        domain: {int(version): {*names.split(",")}} for domain, version, names in lines
    }
    assert operators.runtime_version(model) == ">=1.12"


def test_operators_of_subgraphs_are_listed():
    inner = helper.make_graph([helper.make_node("Neg", ["x"], ["z"])], "inner", [], [onnx.ValueInfoProto(name="z")])
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    model = helper.make_model(helper.make_graph([node], "outer", [], []), opset_imports=[helper.make_opsetid("", 17)])
    assert operators.operators(model) == {"ai.onnx": ["If", "Neg"]}


@pytest.mark.parametrize(
    ("opset", "ml", "ir", "runtime"),
    [(17, 3, 8, ">=1.12"), (18, 3, 8, ">=1.14"), (17, 5, 8, ">=1.20"), (17, 3, 10, ">=1.18"), (9, 1, 3, ">=1.12")],
)
def test_the_runtime_is_the_first_that_knows_all(opset, ml, ir, runtime):
    nodes = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Scaler", ["y"], ["z"], domain="ai.onnx.ml")]
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml)]
    model = helper.make_model(helper.make_graph(nodes, "g", [], []), opset_imports=opsets, ir_version=ir)
    assert operators.runtime_version(model) == runtime
