"""Which zone a bucket is: the store's URL, read backwards."""

from __future__ import annotations

from ..errors import BadInput
from ..layout import ZONES, Zone, check_file_name
from .fields import Document, text
from .messages import ObjectCreated

LONGEST_KEY = 1024
"""In bytes of UTF-8, on every cloud: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""


def object_created(store: str, bucket: str, key: str, version: str | None) -> ObjectCreated | None:
    """The event of an object of one of the store's zones; None for what a console shows as a folder.

    `store` is a URL with `{zone}` in it. Raises BadInput for a bucket that is no zone, or a key that cannot be one.

    >>> object_created("s3://acme-{zone}", "acme-landing", "m/rows/a.csv", "e1")
    ObjectCreated(zone='landing', key='m/rows/a.csv', version='e1')
    """
    zone, inside = zone_of(store, bucket, key)
    return _created(zone, inside, version)


def listed(document: Document) -> list[ObjectCreated]:
    """An object that a state machine found in a zone and hands over, `{"zone", "key"}`, as if it were new.

    Nothing for what a console shows as a folder. Raises BadInput for what is no zone, or a key that cannot be one.
    """
    name = text(document, "zone")
    zone = next((zone for zone in ZONES if zone == name), None)
    if zone is None:
        raise BadInput(f"an event names zone {name[:80]!r}; the zones are {', '.join(ZONES)}.")
    found = _created(zone, text(document, "key"), None)
    return [] if found is None else [found]


def _created(zone: Zone, key: str, version: str | None) -> ObjectCreated | None:
    if len(key.encode()) > LONGEST_KEY:
        raise BadInput(f"object key {key[:80]!r}… is longer than {LONGEST_KEY:,} bytes, which no store allows.")
    name = check_file_name(key.removesuffix("/"))
    return ObjectCreated(zone, name, version) if name == key else None


def zone_places(store: str) -> list[str]:
    """The bucket of each zone, empty where the store has none.

    >>> zone_places("s3://acme-{zone}")[:2]
    ['acme-landing', 'acme-datasets']
    """
    return [_place(store, zone)[0] for zone in ZONES]


def zone_of(store: str, bucket: str, key: str) -> tuple[Zone, str]:
    """(zone, key in that zone) of an object; raises BadInput for an object outside of every zone."""
    for zone in ZONES:
        name, folder = _place(store, zone)
        if name == bucket and key.startswith(folder):
            return zone, key.removeprefix(folder)
    raise BadInput(f"object {key[:200]!r} of bucket {bucket[:80]!r} is in no zone of the store {store}.")


def _place(store: str, zone: Zone) -> tuple[str, str]:
    """(bucket, folder in it) of a zone."""
    name, _, prefix = store.partition("://")[2].replace("{zone}", zone).partition("/")
    return name, f"{prefix.rstrip('/')}/" if prefix else ""
