"""The pages: what they say of a model with a past, and of one with none, with hostile names, or with far too much."""

from __future__ import annotations

import dataclasses
import re
import time
from html.parser import HTMLParser

import pytest

from core.report.facts import ModelFacts, ModelSummary
from core.report.pages import PAGES, model_pages, overview_page
from core.report.views import alerts, data, drift, fairness, fleet, home, journal, lineage, performance, versions
from tests.unit.report import facts, measured
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
        assert name == "lineage.html" or HOSTILE[:20] in text_of(page), name


def test_a_huge_model_is_drawn_fast():
    model = facts.huge()
    model_pages(model)
    began = time.process_time()
    model_pages(model)
    assert time.process_time() - began < 3


def test_of_many_features_those_that_changed_most_have_a_picture_and_all_are_in_the_table():
    page = model_pages(facts.huge())["drift.html"].decode()
    assert page.count('class="distribution"') == drift.PICTURES + 2
    assert page.count('<th scope="row">feature') == 499
    assert page.index("feature 0<") < page.index("feature 400<")


def test_of_more_versions_than_are_read_the_rest_is_counted():
    model = dataclasses.replace(facts.model(), versions_known=1_000, entries_known=5_000)
    pages = model_pages(model)
    assert "995 earlier trainings not shown here" in text_of(pages["versions.html"])
    assert "4,991 earlier decisions not shown here" in text_of(pages["journal.html"])


def test_an_empty_model_says_on_each_page_what_to_do():
    for name, page in model_pages(ModelFacts("fresh")).items():
        first = "tidemill edge export fresh" if name == "fleet.html" else "tidemill put fresh"
        assert first in text_of(page), name
    assert "tidemill init" in text_of(overview_page([]))


def test_the_findings_of_a_model_with_a_past():
    model = facts.model()
    assert drift.finding(model) == "3 of 12 features drifted: feature 0, feature 1 and feature 2"
    assert performance.finding(model) == "ROC AUC got worse: 0.640, and 0.720 was promised"
    assert versions.finding(model) == "00000000 serves: ROC AUC +0.020 against the version before"
    assert (
        data.finding(model)
        == "2 datasets cannot be learned from; 1 file was refused; 3 of 1,003 rows rejected (0.3\xa0%); "
        "the newest columns break with those before"
    )
    assert fleet.finding(model) == "8 devices run 2 releases; 2 are unhealthy, 1 group with drift or worse answers"
    assert fairness.finding(model) == "Answers differ by sex 0, sex 1, sex 2 and 3 more"
    assert alerts.finding(model) == "2 alerts are open, 1 alert is acknowledged; the worst is drift"
    assert lineage.finding(model) == "00000000 came from 3 datasets with 12,504 rows"
    assert journal.finding(model) == "9 decisions, each chained to the one before"
    assert home.finding(model) == "00000000 serves, and the last check found drift and worse answers"


def test_a_check_of_an_earlier_version_says_so():
    earlier = dataclasses.replace(facts.model(), checks=(facts.check(f"{2:016x}", [facts.column("x")]),))
    assert "Since then 00000000 serves , which has not been checked yet" in text_of(model_pages(earlier)["drift.html"])
    assert "Since then" not in text_of(model_pages(facts.model())["drift.html"])
    assert home.finding(earlier) == "00000000 serves, not checked for drift yet"


def test_a_performance_report_knows_better_than_a_drift_check_whether_answers_got_worse():
    calm = measured.measurement(f"{4:016x}") | {"degraded": False}
    model = dataclasses.replace(facts.model(), measured=(calm,))
    assert model.check["performance"]["degraded"]
    assert not model.degraded
    assert home.finding(model) == "00000000 serves, and the last check found drift"
    assert dataclasses.replace(model, measured=()).degraded
    summary = ModelSummary("m", model.route, "roc_auc", None, model.check, calm)
    assert not summary.degraded
    assert dataclasses.replace(summary, measured=None).degraded


def test_before_labels_the_newest_answers_are_compared_alone():
    report = measured.fairness(f"{4:016x}", columns=1) | {"current": None}
    model = dataclasses.replace(facts.model(), fairness=(report,))
    assert "from 2026-01-12 to 2026-01-13" in text_of(model_pages(model)["fairness.html"])
    none = dataclasses.replace(facts.model(), fairness=(report | {"windows": []},))
    assert "too small" in fairness.finding(none)
    model_pages(none)


def test_groups_that_are_alike_are_said_to_be_so():
    report = measured.fairness(f"{4:016x}", columns=1)
    measures = report["current"]["sections"][0]["measures"]
    report["current"]["sections"][0]["measures"] = {
        name: gap if name == "predictive_parity" else None for name, gap in measures.items()
    }
    model = dataclasses.replace(facts.model(), fairness=(report,))
    assert fairness.finding(model) == "No difference beyond noise between the groups of sex 0"


def test_the_findings_when_all_is_well():
    calm = facts.check(f"{4:016x}", [facts.column("x")], month=1)
    model = dataclasses.replace(
        facts.model(),
        checks=(calm,),
        measured=(),
        fairness=(),
        alerts=facts.model().alerts[3:],
        validations=(),
        receipts=facts.model().receipts[:1],
    )
    assert drift.finding(model) == "No drift in 1 feature"
    assert performance.finding(model) == "ROC AUC is 0.690 on 500 labelled rows, a little less than the 0.720 promised"
    assert alerts.finding(model) == "Nothing is wrong now; 5 alerts are resolved"
    assert fairness.finding(model) == "Nothing is known of groups yet"
    assert home.finding(model) == "00000000 serves, and the last check found no drift"


def test_answers_may_drift_where_no_feature_does():
    check = {**facts.check(f"{4:016x}", [facts.column("x")]), "drifted": True}
    answers = {**check, "predictions": {"drifted": True, "outputs": []}}
    model = dataclasses.replace(facts.model(), checks=(answers,))
    assert drift.finding(model) == "The predictions drifted, though no feature did"
    model = dataclasses.replace(facts.model(), checks=(check,))
    assert drift.finding(model).startswith("Features go together otherwise than before")


def test_features_that_drift_and_matter_little_are_told_and_are_no_alarm():
    check = {**facts.check(f"{4:016x}", [facts.column("x", drifted=True)]), "drifted": False}
    model = dataclasses.replace(facts.model(), checks=(check,), measured=())
    assert drift.finding(model) == "1 of 1 feature drifted: x; too unimportant for an alarm"
    assert home.finding(model) == "00000000 serves, and the last check found no drift"


def test_performance_over_time_says_what_is_measured_and_what_is_only_expected():
    told = text_of(model_pages(facts.model())["performance.html"])
    assert "The estimate held in 10 of the 10 windows that have labels since" in told
    assert told.count("not known yet") == 2
    assert told.count(" worse ") > 2
    assert "other rows came, and rows come true otherwise than before" in told
    assert "revenue per answer, EUR" in told
    assert "carrier = group 0" in told
    assert told.count("too small") == 1


def test_before_any_label_the_estimate_is_the_finding():
    report = measured.measurement(f"{4:016x}", labelled=0)
    model = dataclasses.replace(facts.model(), measured=(report,))
    assert (
        performance.finding(model) == "ROC AUC is expected to be worse than promised: 0.657; labels have not come yet"
    )
    model_pages(model)


def test_a_window_of_two_versions_is_shown_of_both_and_is_judged_by_its_own_promise():
    earlier, later = measured.measurement("aaaa"), measured.measurement(f"{4:016x}")
    model = dataclasses.replace(facts.model(), measured=(earlier, later))
    page = model_pages(model)["performance.html"].decode()
    assert page.count("<td><code>aaaa</code></td>") == page.count("<td><code>00000000</code></td>") == 12


def test_fairness_names_the_groups_that_differ_and_those_that_are_too_small():
    told = text_of(model_pages(facts.model())["fairness.html"])
    assert "group 0, group 1" in told
    assert "differs" in told
    assert re.search(r"group 2 30 30 too small [^.]*answered so \(30 rows\)", told)
    small = measured.fairness(f"{4:016x}", groups=2, columns=1)
    model = dataclasses.replace(facts.model(), fairness=(small,))
    assert fairness.finding(model) == "The groups are too small to tell whether they are treated alike"
    assert "Too small to tell: demographic parity by sex 0" in text_of(model_pages(model)["fairness.html"])


def test_alerts_are_told_by_their_state_the_gravest_first():
    told = text_of(model_pages(facts.model())["alerts.html"])
    opened, known, resolved = (told.index(heading) for heading in (" Open ", " Acknowledged ", " Resolved "))
    assert opened < told.index("critical") < told.index("warning", opened) < known < resolved
    assert "by Ada" in told
    many = dataclasses.replace(facts.model(), alerts_known=1_000)
    assert "992 earlier alerts not shown here" in text_of(model_pages(many)["alerts.html"])


def test_data_tells_expectations_that_are_not_met_first_and_columns_that_changed():
    told = text_of(model_pages(facts.model())["data.html"])
    assert told.index("x < y rule not met") < told.index("few late expectation met")
    assert "1 of 1" in told
    assert "0 of 2" in told
    assert told.index("was added and is required breaking") < told.index("has its features in another order compatible")


def test_a_version_without_metrics_and_a_check_without_pictures_are_shown_all_the_same():
    bare = dataclasses.replace(facts.version(4), metrics={}, metric="", gates=None, comparison=None, created="")
    column = {**facts.column("x"), "distribution": None}
    check = facts.check(bare.version, [column], labelled=0)
    model = dataclasses.replace(facts.model(), versions=(bare,), checks=(check,), measured=())
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


def test_the_fleet_tells_who_is_unwell_first_and_what_checks_of_groups_found():
    page = text_of(model_pages(facts.model())["fleet.html"])
    table = page[page.index("Devices: the unhealthy first") :]
    assert table.index("pi-0001 south – unhealthy on trial") < table.index("pi-0005") < table.index("pi-0000 north")
    assert "drifted: distance, temp" in page
    assert "40 of 900" in page
    assert "pi-0002 west – not told" in page
    assert "north 3 0 drift worse answers" in page
    assert "3 unusable" in page
    assert "south 3 1 not checked" in page


def test_of_a_thousand_devices_those_that_matter_are_listed():
    page = model_pages(facts.huge())["fleet.html"].decode()
    assert page.count('<th scope="row">pi-') == 200
    assert "800 more devices not shown here" in text_of(page.encode())


def test_the_overview_leads_to_the_devices():
    with_devices, without = (ModelSummary("one", devices=devices) for devices in (True, False))
    assert b'href="one/site/fleet.html"' in overview_page([with_devices])
    assert b"fleet.html" not in overview_page([without])
