"""Whether a window of answered rows still looks like what the model learned from and how it answered then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..columns import Columns, Outputs
from ..joint import NAME as JOINT
from ..profile import Profile, answer_columns
from ..seasons import SEASONS, Cycle, Seasons, Times, season_rows
from ..sketch import Counts, Summary
from .column import Column, ColumnDrift, judged
from .seasonal import adjusted, mix_of
from .strategy import Rules, Strategy
from .tally import NumberTally, Tally, number_tally, tally


def _no_seasons() -> Counts:
    return np.zeros(SEASONS, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Rows counted against a profile; `plus` reads any number of them part by part.

    A feature that was not measured in some rows is counted in the others; one that was measured in none is left out.
    `errors` tallies the reconstruction errors of a sample of the rows, and `seasons` the rows of each season.
    """

    profile: Profile
    rows: int = 0
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    answers: Mapping[str, Tally] = field(default_factory=dict)
    errors: NumberTally | None = None
    seasons: Counts = field(default_factory=_no_seasons)

    def plus(self, columns: Columns, outputs: Outputs, times: Times | None = None) -> Window:
        """The window with these rows, their answers, and their times [n] added."""
        measured = {name: reference for name, reference in self.profile.features.items() if name in columns}
        answered = {name: values for name, _, values in answer_columns(outputs, self.profile.classes)}
        return replace(
            self,
            rows=self.rows + len(outputs),
            tallies=_added(self.tallies, measured, columns),
            answers=_added(self.answers, self.profile.outputs, answered),
            errors=self._errors(columns),
            seasons=self.seasons if times is None else self.seasons + season_rows(times),
        )

    def _errors(self, columns: Columns) -> NumberTally | None:
        joint = self.profile.joint
        if joint is None or not self.profile.features.keys() <= columns.keys():
            return self.errors
        part = number_tally(joint.errors, joint.of(columns, self.profile.features))
        return part if self.errors is None else self.errors + part


@dataclass(frozen=True, slots=True)
class Comparison:
    """All features and all outputs, in the order of the profile, and how the features go together.

    `importance` is the share of the model's importance that the features which drifted have together, 1 where nothing
    is known of it; `least_importance` of it make an alarm. `season` is the cycle that the features' reference was
    adjusted to, None where the whole reference was taken.
    """

    features: tuple[ColumnDrift, ...]
    outputs: tuple[ColumnDrift, ...]
    joint: ColumnDrift | None = None
    season: Cycle | None = None
    importance: float = 0.0
    least_importance: float = 0.0

    @property
    def drifted(self) -> bool:
        """Whether the model is asked or answers otherwise: outputs, features that matter, or how they go together."""
        together = self.joint is not None and self.joint.drifted
        some = any(column.drifted for column in self.features)
        matters = some and self.importance >= self.least_importance
        return matters or together or any(column.drifted for column in self.outputs)


def compare(window: Window, rules: Rules | None = None) -> Comparison:
    """Test every feature and every output of the window against its profile.

    A column drifts when a test finds a change that is certain (q < `rules.false_alarms` over all tests of the check)
    and as large as its strategy asks, in a window of at least `rules.min_rows` rows.
    """
    rules = rules or Rules()
    season = mix_of(rules.season, window.profile.seasons, window.seasons)
    features, outputs = list(_features(window, rules)), list(_outputs(window, rules))
    joint = list(_joint(window, rules, seasonal=season is not None))
    found = judged([*features, *outputs, *joint], rules.false_alarms, enough=window.rows >= rules.min_rows)
    given = len(features) + len(outputs)
    return Comparison(
        features=tuple(found[: len(features)]),
        outputs=tuple(found[len(features) : given]),
        joint=found[given] if joint else None,
        season=season.cycle if season else None,
        importance=_importance(found[: len(features)]),
        least_importance=rules.importance,
    )


def _features(window: Window, rules: Rules) -> Iterator[Column]:
    profile, shares = window.profile, window.profile.shares
    references = _adjusted(profile.features, profile.seasons, window, rules)
    for name, counts in window.tallies.items():
        strategy = rules.columns.get(name, rules.features).of(references[name])
        yield Column(name, references[name], profile.features[name], counts, strategy, shares.get(name))


def _outputs(window: Window, rules: Rules) -> Iterator[Column]:
    profile = window.profile
    references = _adjusted(profile.outputs, profile.output_seasons, window, rules)
    for name, counts in window.answers.items():
        yield Column(name, references[name], profile.outputs[name], counts, rules.outputs.of(references[name]))


def _joint(window: Window, rules: Rules, *, seasonal: bool) -> Iterator[Column]:
    """The errors are of a sample: where it knows less of the seasons than the features do, there is no test."""
    joint = window.profile.joint
    if joint is None or window.errors is None or rules.joint is None:
        return
    mix = mix_of(rules.season, joint.seasons, window.seasons)
    if seasonal and mix is None:
        return
    reference = adjusted({JOINT: joint.errors}, joint.seasons, mix)[JOINT]
    yield Column(JOINT, reference, joint.errors, window.errors, Strategy({"ks": rules.joint}))


def _adjusted(
    summaries: Mapping[str, Summary], seasons: Seasons | None, window: Window, rules: Rules
) -> Mapping[str, Summary]:
    """The references of columns in the window's seasons."""
    return adjusted(summaries, seasons, mix_of(rules.season, seasons, window.seasons))


def _importance(features: list[ColumnDrift]) -> float:
    """What those that drifted have together; 1 where nothing is known."""
    known = [column.importance for column in features if column.importance is not None]
    return sum(column.importance or 0.0 for column in features if column.drifted) if known else 1.0


def _added(sums: Mapping[str, Tally], references: Mapping[str, Summary], values: Columns) -> dict[str, Tally]:
    new = {name: tally(reference, values[name]) for name, reference in references.items()}
    return {**sums, **{name: sums[name] + part if name in sums else part for name, part in new.items()}}  # type: ignore[operator]
