"""One file of a batch run: what it is scored with, and where its parts go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.batch import Done, Start
from ..errors import NotFound
from ..ports import ObjectInfo, Reads
from ..tables.questions import Asking
from ..tables.window import Question, Window
from .batch_place import Place
from .load_model import LoadedModel


@dataclass(frozen=True, slots=True)
class FileWork:
    """File `number` of a run, or part `only` of it. With `resumed`, some of its parts may be finished.

    `prefix` begins the names of its parts.
    """

    number: int
    source: Reads
    info: ObjectInfo
    place: Place
    loaded: LoadedModel
    start: Start
    run: str
    resumed: bool
    prefix: str = ""
    only: int | None = None

    def name(self, number: int) -> str:
        """The name of part `number`."""
        return f"{self.prefix}{number:05d}"

    def done(self, number: int) -> Done | None:
        """The record of a part, if it is finished."""
        try:
            return Done.decode(self.place.output.get(self.place.done(self.name(number))).data)
        except NotFound:
            return None

    def asking(self) -> Asking:
        """What the file's batches go through."""
        return Asking(self.info.key, self.loaded.manifest, self.start.options, recorded=self.place.recorded)

    def window(self, questions: Sequence[Question]) -> Window:
        """Questions that are answered together."""
        return Window(questions, self.loaded.manifest, self.loaded.predictor)
