"""Answer with an exported model: onnxruntime and numpy, nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from ..domain.columns import Columns, Outputs
from ..domain.model import ModelManifest
from ..domain.schema import FeatureType, Schema
from ..errors import Corrupt

LABEL_OUTPUT = "label"
PROBABILITIES_OUTPUT = "probabilities"
PREDICTION_OUTPUT = "prediction"

_LOAD_ERRORS = (
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NotImplemented,
    states.RuntimeException,
)
_ONNX_TYPE: dict[FeatureType, str] = {
    "number": "tensor(float)",
    "integer": "tensor(float)",
    "boolean": "tensor(float)",
    "category": "tensor(string)",
}
_ERRORS_ONLY = 3


class OnnxPredictor:
    """A model in memory, ready to answer; safe to share between threads.

    The graph has one input a feature, [n, 1], named as the feature. One intra-op thread a call is the default, since
    many small calls side by side are faster than one call on many cores. The graph runs as it is stored: onnxruntime's
    own optimisation makes loading a fifth to a third longer and no preset faster; `optimise=True` asks for it.
    """

    def __init__(
        self,
        onnx: bytes,
        manifest: ModelManifest,
        *,
        intra_threads: int = 1,
        inter_threads: int = 1,
        optimise: bool = False,
    ) -> None:
        """Load `onnx`; raises Corrupt if it is no model, or not the one that `manifest` describes."""
        session = _session(onnx, manifest, _options(intra_threads, inter_threads, optimise=optimise))
        self._names = manifest.schema.feature_names
        self._inputs = frozenset(self._names)
        self._classes = len(manifest.classes)
        self._outputs = _output_names(manifest.schema)
        _check_graph(session, manifest)
        self._run = session._sess.run  # noqa: SLF001 - the wrapper checks names on every call, a tenth of an answer

    def predict(self, columns: Columns) -> Outputs:
        """Answer n rows, n >= 0, of [n] or [n, 1]; raises KeyError if `columns` lacks a feature."""
        first = columns[self._names[0]]
        if first.ndim == 1 or columns.keys() != self._inputs or not isinstance(columns, dict):
            columns = {name: columns[name].reshape(-1, 1) for name in self._names}
        if not len(first):
            return self._no_rows()
        answers: list[NDArray[Any]] = self._run(self._outputs, columns, None)
        if self._classes:
            return Outputs(labels=answers[0], probabilities=answers[1])
        return Outputs(prediction=answers[0].reshape(-1))

    def _no_rows(self) -> Outputs:
        if self._classes:
            return Outputs(labels=np.empty(0, object), probabilities=np.empty((0, self._classes), np.float32))
        return Outputs(prediction=np.empty(0, np.float32))


def load_predictor(onnx: bytes, manifest: ModelManifest) -> OnnxPredictor:
    """The `LoadPredictor` port with the default options."""
    return OnnxPredictor(onnx, manifest)


def _options(intra_threads: int, inter_threads: int, *, optimise: bool) -> Any:  # noqa: ANN401 - untyped library
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_threads
    options.inter_op_num_threads = inter_threads
    options.log_severity_level = _ERRORS_ONLY
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    return options


def _session(onnx: bytes, manifest: ModelManifest, options: Any) -> Any:  # noqa: ANN401 - untyped library
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except _LOAD_ERRORS as error:
        raise Corrupt(
            f"version {manifest.version} of model {manifest.model} is not an ONNX model that can be loaded: {error}."
        ) from error


def _output_names(schema: Schema) -> list[str]:
    return [PREDICTION_OUTPUT] if schema.task == "regression" else [LABEL_OUTPUT, PROBABILITIES_OUTPUT]


def _check_graph(session: Any, manifest: ModelManifest) -> None:  # noqa: ANN401 - untyped library
    wanted = {feature.name: _ONNX_TYPE[feature.type] for feature in manifest.schema.features}
    found = {node.name: node.type for node in session.get_inputs()}
    if found != wanted:
        odd = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise _unlike(
            manifest, f"input {odd[0]!r} is {found.get(odd[0], 'missing')}, not {wanted.get(odd[0], 'known')}"
        )
    absent = set(_output_names(manifest.schema)) - {node.name for node in session.get_outputs()}
    if absent:
        raise _unlike(manifest, f"output {min(absent)!r} is missing")


def _unlike(manifest: ModelManifest, how: str) -> Corrupt:
    return Corrupt(
        f"the ONNX model of version {manifest.version} of model {manifest.model} does not fit its manifest: {how}."
    )
