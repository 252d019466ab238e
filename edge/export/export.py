"""From a registered version to a signed release: every variant is measured, and one of them is released."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.domain.model import ModelManifest
from core.domain.profile import Profile
from core.errors import Corrupt, NotFound, Refused
from core.inference.golden import Golden
from core.ports import Clock, LoadPredictor, Predictor, Reads, ReadsListsCreates
from core.usecases.load_model import read_file, read_manifest
from core.usecases.promote import current_route

from ..release import GOLDEN, MODEL_ONNX, PROFILE, FileFact, Release, Variant
from .contents import Source, files_of, manifest_of
from .holdout import deciding_metric, read_holdout
from .keys import KeyFolder
from .memory import memory_mb
from .publish import Stored, publish_release, publish_trust, read_files, read_release, releases
from .quality import Budget, Judge, Quality
from .speed import latencies
from .variants import VARIANTS

SMALLEST = "smallest"
FULL = "full"


@dataclass(slots=True, eq=False)
class Candidate:
    """A variant, measured. `refused` says why it cannot be released, None if it can be."""

    name: str
    onnx: bytes = field(default=b"", repr=False)
    predictor: Predictor | None = field(default=None, repr=False)
    quality: Quality | None = None
    latency_us: float | None = None
    refused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What is told of it."""
        quality = {} if self.quality is None else self.quality.to_json()
        size = len(self.onnx) or None
        return {"name": self.name, "refused": self.refused, "bytes": size, "latency_us": self.latency_us, **quality}

    def measured(self) -> dict[str, Any]:
        """What the manifest tells of it."""
        assert self.quality is not None
        return {"bytes": len(self.onnx), "latency_us": self.latency_us, **self.quality.to_json()}


@dataclass(frozen=True, slots=True)
class Exported:
    """A release, whether it is new, and every variant that was measured for it."""

    release: Stored
    new: bool
    model: str
    version: str
    variant: str
    candidates: Sequence[Candidate]


class Exporter:
    """Exports versions of one store's models, signed with the keys of one folder."""

    def __init__(
        self,
        models: Reads,
        datasets: Reads,
        edge: ReadsListsCreates,
        *,
        keys: KeyFolder,
        load: LoadPredictor,
        clock: Clock,
        code: str,
        progress: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self._models, self._datasets, self._edge = models, datasets, edge
        self._keys, self._load, self._clock, self._code = keys, load, clock, code
        self._progress = progress

    def export(self, model: str, version: str | None, variant: str, budget: Budget) -> Exported:
        """Release a version, the serving one if none is named, as a variant, or as the smallest that may be.

        Raises NotFound if there is no such version; Refused if the variant is beyond its budget, or gains nothing.
        """
        manifest = read_manifest(self._models, model, version or self._serving(model))
        onnx = read_file(self._models, manifest, MODEL_ONNX)
        source = Source(
            manifest,
            Golden.decode(read_file(self._models, manifest, GOLDEN)),
            Profile.decode(read_file(self._models, manifest, PROFILE)),
        )
        self._progress("reading the holdout")
        holdout = read_holdout(self._datasets, manifest)
        judge = Judge(self._load(onnx, manifest), holdout, deciding_metric(self._models, manifest), manifest.classes)
        candidates = self._measure(manifest, onnx, judge, budget)
        chosen = _choose(candidates, variant, manifest)
        publish_trust(self._edge, model, self._keys.chain())
        found = self._released(manifest, chosen, budget)
        release = found or self._release(source, chosen, judge, budget)
        return Exported(release, found is None, model, manifest.version, chosen.name, candidates)

    def _serving(self, model: str) -> str:
        route = current_route(self._models, model)
        if route is None:
            raise NotFound(f"no version of model {model[:80]} serves yet: train it, or name one with --version.")
        return route.champion

    def _measure(self, manifest: ModelManifest, onnx: bytes, judge: Judge, budget: Budget) -> list[Candidate]:
        candidates = []
        for name in VARIANTS:
            self._progress(f"measuring {name}")
            candidates.append(self._candidate(name, manifest, onnx, judge, budget))
        made = {each.name: each.predictor for each in candidates if each.predictor is not None}
        taken = latencies(made, judge.holdout.columns)
        for candidate in candidates:
            candidate.latency_us = taken.get(candidate.name)
        return candidates

    def _candidate(self, name: str, manifest: ModelManifest, onnx: bytes, judge: Judge, budget: Budget) -> Candidate:
        """The smallest of a variant that keeps to the budget, or the last that does not."""
        found = Candidate(name)
        try:
            for made in VARIANTS[name](onnx):
                found.onnx, found.predictor = made, self._load(made, manifest)
                found.quality = judge.judge(found.predictor)
                found.refused = found.quality.beyond(budget)
                if found.refused is None:
                    break
        except Refused as error:
            found.refused = str(error)
        if found.refused is None and name != FULL and len(found.onnx) >= len(onnx):
            found.refused = f"it gains nothing: it has {len(found.onnx):,} bytes, and the full model {len(onnx):,}."
        return found

    def _released(self, manifest: ModelManifest, chosen: Candidate, budget: Budget) -> Stored | None:
        """The newest release, if it is this one; None too if its key counts no more, or a file of it was altered."""
        known = releases(self._edge, manifest.model)
        if not known:
            return None
        try:
            newest = read_release(self._edge, manifest.model, known[-1], self._keys.trust())
            return read_files(self._edge, newest) if self._is(newest, manifest, chosen, budget) else None
        except (Corrupt, NotFound, Refused):
            return None

    def _is(self, release: Release, manifest: ModelManifest, chosen: Candidate, budget: Budget) -> bool:
        found = release.manifest
        told = (found.version, found.variant.name, found.variant.budget, found.files[MODEL_ONNX], found.lineage["code"])
        return told == (manifest.version, chosen.name, budget.to_json(), FileFact.of(chosen.onnx), self._code)

    def _release(self, source: Source, chosen: Candidate, judge: Judge, budget: Budget) -> Stored:
        assert chosen.predictor is not None
        manifest = source.manifest
        golden = chosen.predictor.predict(source.golden.columns)
        files = files_of(source, chosen.onnx, golden, chosen.predictor.predict(judge.holdout.columns))
        self._progress("measuring memory")
        asked = memory_mb(chosen.onnx, manifest, files[GOLDEN])
        variant = Variant(chosen.name, budget.to_json(), chosen.measured())
        lineage = {"inputs": manifest.inputs, "code": self._code}
        make = manifest_of(manifest, files, variant, asked, lineage, self._clock.now())
        claim = {"version": manifest.version, "variant": chosen.name, "created": self._clock.now().isoformat()}
        self._progress("signing")
        return publish_release(self._edge, manifest.model, files, make, self._keys.signer(), claim)


def _choose(candidates: Sequence[Candidate], variant: str, manifest: ModelManifest) -> Candidate:
    if variant == SMALLEST:
        return min((each for each in candidates if each.refused is None), key=_size)
    chosen = next(each for each in candidates if each.name == variant)
    if chosen.refused is not None:
        raise Refused(f"variant {variant} of version {manifest.version} is refused: {chosen.refused}")
    return chosen


def _size(candidate: Candidate) -> int:
    return len(candidate.onnx)
