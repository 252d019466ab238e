"""Progress of a batch run on stderr."""

import io

from rich.console import Console

from core.cli.batch_bar import bar, pause
from core.usecases.batch_progress import EVERY, Progress

HALF = Progress(1_500_000, 3.0, 3_000_000)


def test_someone_who_looks_sees_a_bar_that_goes_away():
    seen = io.StringIO()
    with bar(Console(file=seen, force_terminal=True, width=120)) as show:
        show(HALF)
    assert "1,500,000 of 3,000,000 rows, 500,000 rows/s, 3 s left" in seen.getvalue()
    assert "━" in seen.getvalue()


def test_where_nobody_looks_there_are_lines():
    seen = io.StringIO()
    with bar(Console(file=seen, width=20)) as show:
        show(HALF)
        show(Progress(7, 0.0))
    assert seen.getvalue() == (
        "Scored 1,500,000 of 3,000,000 rows, 500,000 rows/s, 3 s left.\nScored 7 rows, 0 rows/s.\n"
    )


def test_a_bar_moves_more_often_than_lines_come():
    assert pause(Console(file=io.StringIO(), force_terminal=True)) < 1
    assert pause(Console(file=io.StringIO())) == EVERY
