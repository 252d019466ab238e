"""The report pages as a person meets them: opened from a folder, in light and dark, on a phone and on a desk."""

from __future__ import annotations

import itertools

import pytest

from core import layout
from core.layout import ZONES
from core.report.facts import ModelFacts, ModelSummary
from core.report.pages import PAGES, model_pages, overview_page
from tests.functions.loop import MODEL, Loop
from tests.unit.report import facts
from tests.web.browsing import visit

pytestmark = pytest.mark.slow

PHONE, DESK = 390, 1280
LOOKS = list(itertools.product(("light", "dark"), (PHONE, DESK)))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The reports zone as a folder: the penguins' loop, and models with a past, with none, hostile and huge."""
    folder = tmp_path_factory.mktemp("site")
    loop = Loop(folder / "loop")
    loop.drop()
    loop.run()
    reports = loop.stores["reports"]
    pages = {info.key: reports.get(info.key).data for info in reports.list("") if info.key.endswith(".html")}
    for model in (facts.model(), ModelFacts("fresh"), facts.hostile(), facts.huge()):
        pages |= {layout.site_page(model.model, name): data for name, data in model_pages(model).items()}
    pages["none/index.html"] = overview_page([])
    pages["many/index.html"] = overview_page([ModelSummary("one"), summary(facts.model())])
    for key, data in pages.items():
        (folder / "reports" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "reports" / key).write_bytes(data)
    assert "reports" in ZONES
    return folder / "reports"


def summary(model):
    return ModelSummary(model.model, model.route, "roc_auc", facts.found(0.7), model.check, devices=True)


@pytest.fixture(scope="module")
def seen(site):
    """Every page: one model's in every look, the others' in two; of a huge one axe has nothing new to say."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 3 + 5 * len(PAGES)
    return visit([wanted for page in pages for wanted in looks(page)])


def looks(page):
    thorough = not {MODEL, "fresh", "hostile", "huge"} & set(page.parts)
    judge = "huge" not in page.parts
    return [
        {"url": page.as_uri(), "scheme": scheme, "width": width, "judge": judge}
        for scheme, width in LOOKS
        if thorough or (scheme, width) in {("light", DESK), ("dark", PHONE)}
    ]


def test_axe_finds_nothing_on_any_page(seen):
    judged = [page for page in seen if "violations" in page]
    assert len(judged) > 90
    assert [(page["url"], page["scheme"], page["violations"]) for page in judged if page["violations"]] == []


def test_no_page_is_wider_than_its_screen(seen):
    assert [(page["url"], page["width"], page["overflow"]) for page in seen if page["overflow"] > 0] == []


def test_a_page_asks_for_nothing_but_itself_and_complains_of_nothing(seen):
    for page in seen:
        assert [url for url in page["requests"] if not url.startswith("data:")] == [page["url"]]
        assert page["errors"] == []


def test_a_name_full_of_html_stays_a_name(seen):
    hostile = [page for page in seen if "/hostile/" in page["url"]]
    assert len(hostile) == len(PAGES) * 2
    assert all(not page["dialogs"] and not page["scripts"] for page in hostile)
    assert any(facts.HOSTILE.split()[0][:20] in page["heading"] for page in hostile)


def test_the_heading_says_the_finding_and_is_the_title(seen):
    for page in seen:
        heading, title = (" ".join(page[part].split()) for part in ("heading", "title"))
        assert len(heading) > 8
        assert title.startswith(heading)


def test_dark_is_dark_and_light_is_light(seen):
    grounds = {page["scheme"]: page["background"] for page in seen}
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 26)"}


def test_a_huge_page_opens_at_once(seen):
    huge = [page["milliseconds"] for page in seen if "/huge/" in page["url"]]
    assert sorted(huge)[len(huge) // 2] < 1_000


def test_keys_lead_through_a_page(site):
    start = (site / MODEL / "site" / "index.html").as_uri()
    tabs = {"url": start, "scheme": "light", "width": DESK, "judge": False}
    skipping, drift = visit([{**tabs, "keys": ["Tab", "Enter", "Tab"]}, {**tabs, "keys": ["Tab"] * 6 + ["Enter"]}])
    assert skipping["focus"][0]["text"] == "Skip to the content"
    assert skipping["focus"][1]["tag"] == "MAIN"
    assert skipping["focus"][2]["text"] == "Versions"  # the first link of the content, not of the navigation
    assert all(at["seen"] for at in drift["focus"][:6])
    assert [at["text"] for at in drift["focus"][:6]][2:] == [MODEL, "Summary", "Versions", "Drift"]
    assert drift["arrived"].endswith(f"/{MODEL}/site/drift.html")


def test_a_table_wider_than_a_phone_is_scrolled_by_keys(site):
    page = {"url": (site / "flights" / "site" / "versions.html").as_uri(), "scheme": "light", "width": PHONE}
    (visited,) = visit([{**page, "judge": False, "keys": ["Tab"] * 15 + ["ArrowRight"] * 2}])
    region = next(at for at in visited["focus"] if at["name"] == "Versions")
    assert region["tag"] == "DIV"
    assert region["seen"]
    assert max(at["scrolled"] for at in visited["focus"] if at["name"] == "Versions") > 0
