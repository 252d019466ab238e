"""The pages: what they say of a model with a past, and of one with none, with hostile names, or with far too much."""

from __future__ import annotations

import dataclasses
import re
import time
from html.parser import HTMLParser

import pytest

from core.report.facts import ModelFacts, ModelSummary
from core.report.pages import PAGES, model_pages, overview_page
from core.report.views import data, drift, home, journal, lineage, performance, versions
from tests.unit.report import facts
from tests.unit.report.facts import HOSTILE

VOID = {"meta", "link", "img", "br"}
HEAVIEST = 300_000


class Outline(HTMLParser):
    """Fails on tags that do not nest; keeps headings, links and how often each tag is there."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open, self.tags, self.links, self.ids, self.text = [], [], [], set(), []
        self.feed(page.decode())
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        self.links += [found["href"]] if tag == "a" else []
        self.ids |= {found["id"]} if "id" in found else set()
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text)


def text_of(page):
    page = re.sub(rb"(?s)<style>.*?</style>", b"", page)
    return " ".join(" ".join(Outline(page).text).split())


@pytest.mark.parametrize(
    "model", [facts.model(), ModelFacts("fresh"), facts.hostile(), facts.huge()], ids=lambda m: m.model
)
def test_every_page_is_well_formed_light_and_needs_nothing_else(model):
    pages = model_pages(model)
    assert list(pages) == list(PAGES)
    for name, page in pages.items():
        outline = Outline(page)
        assert len(page) < HEAVIEST, name
        assert outline.tags.count("h1") == outline.tags.count("main") == 1
        assert not {"script", "iframe", "object", "img", "form"} & set(outline.tags)
        assert b"http:" not in page
        assert b"https:" not in page
        for link in outline.links:
            assert link in {*PAGES, "../../index.html"} or link.removeprefix("#") in outline.ids, link


def test_the_policy_allows_the_style_sheet_alone():
    page = model_pages(ModelFacts("m"))["index.html"].decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "unsafe" not in policy
    assert "style=" not in re.sub(r"(?s)<style>.*?</style>", "", page)


def test_the_same_facts_give_the_same_bytes():
    assert model_pages(facts.model()) == model_pages(facts.model())


def test_hostile_names_are_told_as_they_are_and_stay_text():
    for name, page in model_pages(facts.hostile()).items():
        assert b"<script" not in page
        assert b"<img" not in page
        assert name in {"lineage.html", "performance.html"} or HOSTILE[:20] in text_of(page), name


def test_a_huge_model_is_drawn_fast():
    model = facts.huge()
    model_pages(model)
    began = time.process_time()
    model_pages(model)
    assert time.process_time() - began < 3


def test_of_many_features_those_that_changed_most_have_a_picture_and_all_are_in_the_table():
    page = model_pages(facts.huge())["drift.html"].decode()
    assert page.count('class="distribution"') == drift.PICTURES + 1
    assert page.count('<th scope="row">feature') == 499 + drift.STRIPS - 1
    assert page.index("feature 0<") < page.index("feature 400<")


def test_of_more_versions_than_are_read_the_rest_is_counted():
    model = dataclasses.replace(facts.model(), versions_known=1_000, entries_known=5_000)
    pages = model_pages(model)
    assert "995 earlier trainings not shown here" in text_of(pages["versions.html"])
    assert "4,991 earlier decisions not shown here" in text_of(pages["journal.html"])


def test_an_empty_model_says_on_each_page_what_to_do():
    for name, page in model_pages(ModelFacts("fresh")).items():
        assert "tidemill put fresh" in text_of(page), name
    assert "tidemill init" in text_of(overview_page([]))


def test_the_findings_of_a_model_with_a_past():
    model = facts.model()
    assert drift.finding(model) == "3 of 12 features drifted: feature 0, feature 1 and feature 2"
    assert performance.finding(model) == "ROC AUC got worse: 0.640, and 0.720 was promised"
    assert versions.finding(model) == "00000000 serves: ROC AUC +0.020 against the version before"
    assert (
        data.finding(model)
        == "1 dataset cannot be learned from; 1 file was refused; 3 of 1,003 rows rejected (0.3\xa0%)"
    )
    assert lineage.finding(model) == "00000000 came from 3 datasets with 12,504 rows"
    assert journal.finding(model) == "9 decisions, each chained to the one before"
    assert home.finding(model) == "00000000 serves, and the last check found drift and worse answers"


def test_a_check_of_an_earlier_version_says_so():
    earlier = dataclasses.replace(facts.model(), checks=(facts.check(f"{2:016x}", [facts.column("x")]),))
    assert "Since then 00000000 serves , which has not been checked yet" in text_of(model_pages(earlier)["drift.html"])
    assert "Since then" not in text_of(model_pages(facts.model())["drift.html"])
    assert home.finding(earlier) == "00000000 serves, not checked for drift yet"


def test_the_findings_when_all_is_well():
    calm = facts.check(f"{4:016x}", [facts.column("x")], month=1)
    model = dataclasses.replace(facts.model(), checks=(calm,), validations=(), receipts=facts.model().receipts[:1])
    assert drift.finding(model) == "No drift in 1 feature"
    assert performance.finding(model) == "ROC AUC is 0.690 on 500 labelled rows, a little less than the 0.720 promised"
    assert home.finding(model) == "00000000 serves, and the last check found no drift"


def test_answers_may_drift_where_no_feature_does():
    check = {**facts.check(f"{4:016x}", [facts.column("x")]), "drifted": True}
    model = dataclasses.replace(facts.model(), checks=(check,))
    assert drift.finding(model) == "The predictions drifted, though no feature did"


def test_a_version_without_metrics_and_a_check_without_pictures_are_shown_all_the_same():
    bare = dataclasses.replace(facts.version(4), metrics={}, metric="", gates=None, comparison=None, created="")
    column = {**facts.column("x"), "distribution": None}
    check = facts.check(bare.version, [column], labelled=0)
    model = dataclasses.replace(facts.model(), versions=(bare,), checks=(check,))
    pages = model_pages(model)
    assert "No picture" in text_of(pages["drift.html"])
    assert versions.finding(model) == "00000000 serves"
    assert performance.finding(model) == "How well it does is not known yet: there are no labels"


def test_a_route_to_a_version_whose_files_are_gone_is_shown():
    model = dataclasses.replace(facts.model(), versions=())
    assert versions.finding(model) == "00000000 serves"
    model_pages(model)


def test_a_broken_journal_is_the_finding():
    assert journal.finding(dataclasses.replace(facts.model(), broken=7)) == "The journal is broken at entry 7"


def test_states_of_versions():
    model = facts.model()
    told = [versions.state(model, version)[0] for version in model.versions]
    assert told == ["serves", "challenger, canary", "served before", "kept: min", "kept"]


def test_the_overview_counts_what_needs_a_look():
    model = facts.model()
    calm = ModelSummary("calm", model.route, "roc_auc", facts.found(0.7), facts.check(f"{4:016x}", [facts.column("x")]))
    alarmed = ModelSummary("alarmed", model.route, "rmse", {"value": 30.0, "low": 1.0, "high": 40.0}, model.check)
    page = overview_page([ModelSummary("new"), calm, alarmed])
    assert "2 models serve, 1 with drift or worse answers" in text_of(page)
    assert "3 of 12 features" in text_of(page)
    assert Outline(page).links[2:-1] == ["new/site/index.html", "calm/site/index.html", "alarmed/site/index.html"]
    assert "none with drift" in text_of(overview_page([calm]))
    assert "drift" not in text_of(overview_page([ModelSummary("new")])).partition("Model Serves")[0]
