"""Numbers, times and names as people read them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

DIGITS = 3
NONE = "–"
SPACE = "\xa0"
"""Where no line may break."""


def decimal(value: float | None, digits: int = DIGITS) -> str:
    """A figure with a true minus sign and so many decimals; large and tiny ones as short as they can be told.

    >>> decimal(0.75151), decimal(-0.04), decimal(1234567.0), decimal(0.00001), decimal(None)
    ('0.752', '−0.040', '1,234,567', '1e−05', '–')
    """
    if value is None:
        return NONE
    if abs(value) >= 1000:  # noqa: PLR2004 - decimals say nothing there
        text = f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"  # noqa: PLR2004
    elif value and abs(value) < 0.5 * 10**-digits:
        text = f"{value:.1g}"
    else:
        text = f"{value:.{digits}f}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    """A difference: always with its sign.

    >>> signed(0.0442), signed(-0.0442)
    ('+0.044', '−0.044')
    """
    return decimal(value) if value < 0 else f"+{decimal(value)}"


def short(value: float) -> str:
    """A tick of an axis, in as few characters as tell it.

    >>> short(1500.0), short(0.25), short(-3.0)
    ('1,500', '0.25', '−3')
    """
    text = f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"  # noqa: PLR2004
    return text.replace("-", "−")


def count(number: int) -> str:
    """With thousands apart.

    >>> count(54408)
    '54,408'
    """
    return f"{number:,}"


def percent(share: float) -> str:
    r"""A share of rows, always with one decimal so that columns of them align; what is more than nothing says so.

    >>> percent(0.1234), percent(0.0), percent(0.0002), percent(1.0)
    ('12.3\xa0%', '0.0\xa0%', '<\xa00.1\xa0%', '100.0\xa0%')
    """
    if 0 < share < 0.001:  # noqa: PLR2004
        return f"<{SPACE}0.1{SPACE}%"
    return f"{share:.1%}".replace("%", f"{SPACE}%")


def probability(p: float | None) -> str:
    """How likely something is by chance; beyond three decimals nobody can tell.

    >>> probability(4e-255), probability(0.0304), probability(None)
    ('< 0.001', '0.030', '–')
    """
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004


def plural(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> plural(1, "row"), plural(2000, "row"), plural(0, "entry", "entries")
    ('1 row', '2,000 rows', '0 entries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str] | Collection[str], most: int = 3) -> str:
    """Names in a sentence, the first few of them.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def when(text: str | None) -> str:
    """A time of RFC 3339 to the minute, as it stands there; what is no time stays as it is.

    >>> when("2026-11-24T10:14:00.481782+00:00"), when(None)
    ('2026-11-24 10:14 UTC', '–')
    """
    if not text:
        return NONE
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = " UTC" if time.utcoffset() is not None and not time.utcoffset() else time.strftime(" %z").rstrip()
    return f"{time:%Y-%m-%d %H:%M}{zone}"


def day(text: str | None) -> str:
    """The date of a time of RFC 3339.

    >>> day("2026-11-24T10:14:00+00:00")
    '2026-11-24'
    """
    return text[:10] if text else NONE


def brief(version: str) -> str:
    """The first half of a version, which tells it apart from any other on a page."""
    return version[:8]


def metric_name(metric: str) -> str:
    """As people write it.

    >>> metric_name("roc_auc"), metric_name("average_precision")
    ('ROC AUC', 'average precision')
    """
    known = {"roc_auc": "ROC AUC", "mae": "MAE", "rmse": "RMSE", "r2": "R²", "f1": "F1", "brier": "Brier score"}
    return known.get(metric, metric.replace("_", " "))
