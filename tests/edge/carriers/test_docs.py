"""Every setting of a device is told, with its default; every file that the page names is there."""

import re
from dataclasses import MISSING, fields

from edge.agent.config import Device
from tests.docs.markdown import ROOT, rows, sections

PAGE = ROOT / "docs" / "edge.md"


def defaults():
    made = Device("d", "m")
    required = {each.name for each in fields(Device) if each.default is each.default_factory is MISSING}
    return {name: "required" if name in required else getattr(made, name) for name in Device.__dataclass_fields__}


def test_every_setting_is_told_with_its_default():
    told = {}
    for names, values, _ in rows(sections(PAGE, level=3)["Settings"].split("\n## ")[0]):
        found = re.findall(r"`\[?(\w+)\]?`", names)
        told |= dict(zip(found, values.split(", ") if "," in values else [values] * len(found), strict=True))
    assert told == {name: written(value) for name, value in defaults().items()}


def written(value):
    if value in (None, "", {}):
        return "none"
    if value == "required":
        return value
    whole = isinstance(value, float) and value >= 60  # of seconds nobody tells tenths
    return f"`{int(value) if whole else str(value).lower()}`"


def test_the_files_that_are_named_are_there():
    named = set(re.findall(r"edge/(?:node|web|c|carriers)/[\w./-]*\w", PAGE.read_text()))
    assert len(named) > 6
    assert all((ROOT / name).exists() for name in named)
