from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tables import repeats
from core.tables.repeats import Repeats


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefghijklmnop"), max_size=9), max_size=9))
def test_counts_and_finds_what_came_before(batches):
    texts = [text for batch in batches for text in batch]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "FIRST", 3)
        patch.setattr(repeats, "COMPARED", 5)
        found = Repeats()
        for batch in batches:
            found.add(pa.array(batch, pa.string()))
        assert found.count() == len(texts) - len(set(texts))
        example = found.example(lambda: iter([pa.array(texts, pa.string())]))
    first = next((text for place, text in enumerate(texts) if text in texts[:place]), None)
    assert example == first


def test_more_rows_may_follow_a_count():
    found = Repeats()
    for expected, texts in ((0, ["a", "b"]), (1, ["a", "c"]), (3, ["a", "c"])):
        found.add(pa.array(texts))
        assert found.count() == expected


def test_null_is_a_text_like_any():
    found = Repeats()
    found.add(pa.array(["a", None, None]))
    assert found.count() == 1


def test_a_million_texts_are_told_apart():
    texts = [f"F{number}" for number in range(1_000_000)]
    found = Repeats()
    found.add(pa.array(texts))
    found.add(pa.array(["F77", "F999999"]))
    assert found.count() == 2
