"""Changing who serves: one compare-and-swap and one journal entry a decision, in any crowd and after any death."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.journal import Entry
from core.errors import NotFound, Refused
from core.usecases.journal import audit, entries
from core.usecases.promote import challenge, current_route, promote, roll_back, settle
from tests.faults import Counter, Died, FailingStore

VERSIONS = ("a", "b", "c")


class Clock:
    def now(self):
        return datetime(2026, 11, 24, 9, tzinfo=UTC)


class Model:
    """A model with three versions, and its changes."""

    def __init__(self, models=None):
        self.models = models or MemoryStore()
        for version in VERSIONS:
            self.models.put(layout.model_manifest("m", version), b"{}")

    def promote(self, version, decision, store=None):
        return promote(store or self.models, Clock(), "m", version, **self.why(decision))

    def roll_back(self, decision, store=None):
        return roll_back(store or self.models, Clock(), "m", **self.why(decision))

    def challenge(self, version, decision, store=None):
        return challenge(store or self.models, Clock(), "m", version, "canary", 0.1, **self.why(decision))

    @staticmethod
    def why(decision):
        return {"decision": decision, "evidence": {"because": decision}, "code": "c"}

    @property
    def route(self):
        return current_route(self.models, "m")

    def journal(self):
        return [Entry.decode(data) for data in entries(self.models, "m")]


@pytest.fixture
def model():
    return Model()


def test_nothing_serves_until_a_version_is_promoted(model):
    assert model.route is None
    with pytest.raises(NotFound, match="no version of model m serves yet"):
        model.roll_back("d1")
    with pytest.raises(NotFound, match="no version of model m serves yet"):
        model.challenge("a", "d1")
    assert model.journal() == []


def test_a_version_that_is_not_there_is_refused(model):
    with pytest.raises(NotFound, match="model m has no version zz"):
        model.promote("zz", "d1")
    model.promote("a", "d2")
    with pytest.raises(NotFound, match="model m has no version zz"):
        model.challenge("zz", "d3")
    assert len(model.journal()) == 1


def test_every_change_is_journalled_with_its_evidence(model):
    model.promote("a", "d1")
    model.promote("b", "d2")
    model.challenge("c", "d3")
    model.roll_back("d4")
    assert [(entry.kind, entry.evidence) for entry in model.journal()] == [
        ("promoted", {"because": "d1", "champion": "a", "challenger": None, "revision": 1}),
        ("promoted", {"because": "d2", "champion": "b", "challenger": None, "revision": 2}),
        ("challenged", {"because": "d3", "champion": "b", "challenger": "c", "revision": 3}),
        ("rolled back", {"because": "d4", "champion": "a", "challenger": None, "revision": 4}),
    ]
    assert model.route.champion == "a"
    with pytest.raises(Refused):
        model.roll_back("d5")


def test_a_repeated_decision_changes_nothing_even_late(model):
    model.promote("a", "d1")
    model.promote("a", "d2")
    model.promote("b", "d3")
    before = model.route
    model.promote("a", "d2")
    model.promote("a", "d1")
    assert model.route == before
    assert len(model.journal()) == 3


CHANGES = {
    "first promotion": ((), lambda model, store: model.promote("a", "d", store)),
    "promotion": (("a",), lambda model, store: model.promote("b", "d", store)),
    "promotion of the champion": (("a",), lambda model, store: model.promote("a", "d", store)),
    "rollback": (("a", "b"), lambda model, store: model.roll_back("d", store)),
    "challenge": (("a",), lambda model, store: model.challenge("b", "d", store)),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("change", CHANGES)
def test_killed_at_any_write_and_repeated_it_ends_as_if_undisturbed(change, write, after):
    champions, act = CHANGES[change]
    disturbed, undisturbed = Model(), Model()
    for model in (disturbed, undisturbed):
        for champion in champions:
            model.promote(champion, f"before {champion}")
    counter = Counter()
    with pytest.raises(Died):
        act(disturbed, FailingStore(disturbed.models, write, counter, after=after))
    act(disturbed, disturbed.models)
    act(undisturbed, undisturbed.models)
    assert disturbed.route == undisturbed.route
    assert disturbed.journal() == undisturbed.journal()


def test_what_a_decision_did_is_journalled_truly_even_after_a_later_one(model):
    model.promote("a", "d1")
    with pytest.raises(Died):
        model.promote("b", "d2", FailingStore(model.models, 2, Counter()))
    model.promote("c", "d3")
    model.promote("b", "d2")
    assert model.route.champion == "c"
    assert [(entry.decision, entry.evidence["champion"], entry.evidence["revision"]) for entry in model.journal()] == [
        ("d1", "a", 1),
        ("d3", "c", 3),
        ("d2", "b", 2),
    ]


def test_of_many_first_promotions_one_creates_the_route_and_all_take_part(model):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: model.promote(VERSIONS[n % 3], f"d{n}"), range(24)))
    assert model.route.revision == 24
    assert {entry.decision for entry in model.journal()} == {f"d{n}" for n in range(24)}
    assert audit(model.models, "m").intact


decisions = st.integers(0, 200).map(str)


class Crowd(RuleBasedStateMachine):
    """Rounds of changes made at once from several threads; decisions come twice, in any order."""

    made = Bundle("made")

    def __init__(self):
        super().__init__()
        self.model = Model()
        self.model.promote("a", "first")
        self.decisions = {"first"}
        self.pool = ThreadPoolExecutor(4)

    def teardown(self):
        self.pool.shutdown()

    @rule(target=made, wanted=st.lists(st.tuples(decisions, st.sampled_from(VERSIONS)), min_size=1, max_size=4))
    def promote_at_once(self, wanted):
        list(self.pool.map(lambda change: self.model.promote(change[1], change[0]), [*wanted, *wanted]))
        self.decisions |= {decision for decision, _ in wanted}
        return wanted

    @rule(wanted=made)
    def repeat(self, wanted):
        before = self.model.route
        for decision, version in reversed(wanted):
            self.model.promote(version, decision)
        if all(before.made_by(decision) for decision, _ in wanted):
            assert self.model.route == before

    @rule(decision=decisions.map(lambda text: f"back {text}"))
    def roll_back_at_once(self, decision):
        before = self.model.route
        if before.earlier and decision not in self.decisions:
            list(self.pool.map(lambda _: self.model.roll_back(decision), range(3)))
            self.decisions.add(decision)
            assert self.model.route.revision == before.revision + 1
            assert self.model.route.champion == before.earlier[0]

    @invariant()
    def the_journal_is_whole_and_has_every_decision(self):
        found = audit(self.model.models, "m")
        assert found.intact
        assert {entry.decision for entry in self.model.journal()} == self.decisions

    @invariant()
    def the_newest_revision_is_the_one_that_serves(self):
        newest = max(self.model.journal(), key=lambda entry: entry.evidence["revision"])
        assert newest.evidence["revision"] == self.model.route.revision
        assert newest.evidence["champion"] == self.model.route.champion


TestCrowd = Crowd.TestCase
TestCrowd.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)


def settle_trial(model, revision, *, promoted, store=None):
    where = (store or model.models, Clock(), "m", revision)
    return settle(*where, promoted=promoted, **model.why(f"settle {revision}"))


@pytest.mark.parametrize(
    ("promoted", "champion", "earlier", "kind"), [(True, "b", ("a",), "promoted"), (False, "a", (), "challenge ended")]
)
def test_a_trial_ends_with_its_challenger_promoted_or_gone(model, promoted, champion, earlier, kind):
    model.promote("a", "d1")
    model.challenge("b", "d2")
    for _ in range(2):
        route = settle_trial(model, 2, promoted=promoted)
    assert (route.champion, route.earlier, route.challenger, route.mode) == (champion, earlier, None, "direct")
    assert [entry.kind for entry in model.journal()] == ["promoted", "challenged", kind]


def test_a_trial_that_has_changed_is_not_settled(model):
    model.promote("a", "d1")
    model.challenge("b", "d2")
    model.challenge("c", "d3")
    before = model.route
    with pytest.raises(Refused, match="has changed since revision 2"):
        settle_trial(model, 2, promoted=True)
    model.promote("a", "d4")
    with pytest.raises(Refused, match="has changed since revision 4"):
        settle_trial(model, 4, promoted=False)
    assert (before.challenger, model.route.challenger) == ("c", None)


def test_of_two_ends_of_one_trial_the_first_stands(model):
    model.promote("a", "d1")
    model.challenge("b", "d2")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: settle_trial(model, 2, promoted=True), range(16)))
    assert (model.route.champion, model.route.revision, len(model.journal())) == ("b", 3, 3)
