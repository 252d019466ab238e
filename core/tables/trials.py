"""What the two versions of a trial did, read back from the realtime logs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..domain.model import ModelManifest
from ..domain.prediction import ANSWERED_AT, ERROR, LATENCY_MS, PREDICTION_ID, REVISION, ROLE, SHADOW_OF
from ..errors import Corrupt
from ..ports import Reads
from .predictions import Answered, from_records

CHAMPION, CHALLENGERS = frozenset({"champion"}), frozenset({"challenger", "shadow"})


@dataclass(slots=True)
class Arm:
    """One version's part in a trial: `requests` maps a request to (milliseconds, whether it failed).

    A request counts once, however many rows it has: its rows have their luck in common.
    """

    manifest: ModelManifest
    requests: dict[str, tuple[float, bool]] = field(default_factory=dict)
    first: str | None = None

    @property
    def failed(self) -> list[bool]:
        """Whether each request failed."""
        return [failed for _, failed in self.requests.values()]

    @property
    def milliseconds(self) -> list[float]:
        """How long the model took for each request that it answered."""
        return [spent for spent, failed in self.requests.values() if not failed]

    def add(self, records: Sequence[Mapping[str, Any]]) -> Answered | None:
        """Count these records; returns the rows that were answered.

        A row in shadow is returned under the id of the answer beside it, which is the one that a label names.
        """
        for record in records:
            request = f"{record['request_id']} {record[ANSWERED_AT]}"  # a caller may send one id again and again
            self.requests[request] = record[LATENCY_MS], ERROR in record
            self.first = min(self.first or record[ANSWERED_AT], record[ANSWERED_AT])
        answered = [{**record, PREDICTION_ID: _given(record)} for record in records if ERROR not in record]
        return from_records(answered, self.manifest) if answered else None


def _given(record: Mapping[str, Any]) -> str:
    return str(record.get(SHADOW_OF, record[PREDICTION_ID]))


def read_trial(
    store: Reads, key: str, revision: int, champion: Arm, challenger: Arm
) -> tuple[Answered | None, Answered | None]:
    """Count one log in both arms; returns the rows that each of them answered under this `revision` of the route.

    Raises Corrupt if the object is no log.
    """
    try:
        records = list(map(json.loads, store.get(key).data.splitlines()))
        ours = [record for record in records if record.get(REVISION) == revision]
        by_champion = [record for record in ours if record[ROLE] in CHAMPION]
        by_challenger = [record for record in ours if record[ROLE] in CHALLENGERS]
        return champion.add(by_champion), challenger.add(by_challenger)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"predictions {key!r} cannot be read: {error!r}.") from error
