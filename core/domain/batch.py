"""What a batch run says of itself: `Start` is its first write, then a `Done` for each part, `Success` is its last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from .artefact import read_artefact
from .canonical import canonical_json, content_version

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Input:
    """One version of an object that is scored, or of many: then `version` hashes all of theirs."""

    key: str
    version: str


def joint_input(name: str, inputs: Sequence[Input]) -> Input:
    """Several inputs as one."""
    return Input(name, content_version([asdict(each) for each in inputs]))


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a run beside the answers.

    `keep` are columns of the input that are passed through, `partition_by` those that become folders `name=value`.
    Rows whose time is before `since`, or not before `until` (RFC 3339), are left out; so are those without a time if
    either is given.
    """

    keep: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """`since` and `until` in UTC; what has no zone is in UTC."""
        return _moment(self.since), _moment(self.until)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Options:
        """As decoded from JSON."""
        columns = {name: tuple(fields.get(name, ())) for name in ("keep", "partition_by")}
        return cls(**columns, since=fields.get("since"), until=fields.get("until"))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Start:
    """What holds for every attempt: which version answers, and when (RFC 3339, UTC), and what is asked."""

    model: str
    version: str
    answered_at: str
    source: Input
    options: Options = Options()
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Start:
        """Read a stored start; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "the start of a batch run", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Start:
        options = Options.of(fields.get("options", {}))
        return cls(**{**fields, "source": Input(**fields["source"]), "options": options})


@dataclass(frozen=True, slots=True)
class Output:
    """One Parquet file of answers. `key` is below the run's folder."""

    key: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one part of the input: written behind everything else of the part, which then is never done again.

    Of the rows that were read, `rows` were answered, `quarantined` rejected for `reasons`, and `outside` left out.
    """

    rows: int
    quarantined: int
    outside: int
    reasons: Mapping[str, int]
    outputs: tuple[Output, ...]
    format: int = FORMAT

    @property
    def read(self) -> int:
        """All rows of the part."""
        return self.rows + self.quarantined + self.outside

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Done:
        """Read what is stored of a part; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "the record of a batch run's part", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Done:
        return cls(**{**fields, "outputs": tuple(Output(**each) for each in fields["outputs"])})


@dataclass(frozen=True, slots=True)
class Success:
    """How the run ended: `rows` were answered, `quarantined` were not; `parts` are in the order of the input.

    `outside` of the time that was asked for were more. `run` is unique for its input.
    """

    model: str
    version: str
    run: str
    answered_at: str
    source: Input
    rows: int
    quarantined: int
    parts: tuple[Output, ...]
    code: str
    outside: int = 0
    options: Options = field(default_factory=Options)
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Success:
        """Read a stored `_SUCCESS`; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "the _SUCCESS of a batch run", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Success:
        parts = tuple(Output(**{"key": f"part-{at:05d}.parquet", **part}) for at, part in enumerate(fields["parts"]))
        options = Options.of(fields.get("options", {}))
        return cls(**{**fields, "source": Input(**fields["source"]), "parts": parts, "options": options})
