import itertools
import threading
from collections.abc import Iterator

import pytest

from core.tables.ahead import read_ahead


def test_every_item_is_given_before_what_is_raised():
    def items() -> Iterator[int]:
        yield from range(10)
        raise ValueError("after ten")

    with read_ahead(items(), 3) as ahead:
        assert list(itertools.islice(ahead, 10)) == list(range(10))
        with pytest.raises(ValueError, match="after ten"):
            next(ahead)


def test_no_more_is_fetched_than_may_wait_and_the_thread_ends():
    fetched = []

    def items() -> Iterator[int]:
        for item in range(1_000_000):
            fetched.append(item)
            yield item

    with read_ahead(items(), 3) as ahead:
        assert next(ahead) == 0
    assert len(fetched) <= 6
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
