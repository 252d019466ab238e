from core.domain.checks.rows import LONGEST_VALUE, Reason, Rejected, shorten


def test_a_rejected_row_as_json():
    rejected = Rejected(7, (Reason("age", "is missing"), Reason(None, "has 2 fields, not 3")), {"age": None, "x": 1.5})
    assert rejected.to_json() == {
        "row": 7,
        "reasons": [{"column": "age", "problem": "is missing"}, {"column": None, "problem": "has 2 fields, not 3"}],
        "values": {"age": None, "x": 1.5},
    }


def test_long_text_is_cut_and_told():
    assert shorten("x" * LONGEST_VALUE) == "x" * LONGEST_VALUE
    assert shorten("ä" * (LONGEST_VALUE + 1_500)) == "ä" * LONGEST_VALUE + "… (1,500 more characters)"
