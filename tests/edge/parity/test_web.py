"""The page: what it verifies, what it keeps, and how it is to a person. A first visit, later ones, and no network."""

import itertools
import json
import shutil

import pytest

from core import layout
from edge.release import FILES, SIGNATURE
from edge.trust import Trust
from tests import penguins
from tests.edge.releases import KEY, OTHER_KEY, ROOT_KEY, first_trust

from . import runtimes, small

pytestmark = pytest.mark.slow

PHONE, DESK = 390, 1280
ANSWER = "Adelie"


class Site:
    """What the server has, as an operator and as an attacker change it."""

    def __init__(self, folder):
        self.folder, self.work = folder / "site", folder / "work"
        self.work.mkdir()
        self.offer(1)

    def offer(self, sequence, trust=None):
        """Pack a release, of a version that differs by its number."""
        version = penguins.classifier(1 if sequence % 2 else 2)
        release = small.write(self.work / "release", version, sequence)
        (self.work / "trust.json").write_bytes((trust or first_trust()).data)
        runtimes.pack(release, self.work / "trust.json", self.folder)

    @property
    def release(self):
        return self.folder / "release"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def url(site):
    with runtimes.serving(site.folder) as url:
        yield url


@pytest.fixture
def browser():
    with runtimes.Browser() as browser:
        yield browser


def test_a_page_as_a_person_meets_it(site, url, browser, tmp_path):
    seen = browser.do("open", url)
    assert (seen["problem"], seen["errors"], seen["answers"]) == ("", [], True)
    assert all(request.startswith(url) for request in seen["requests"])
    assert seen["title"] == "penguins: scored on this device"
    assert f"0000000001-{release_hash(site)}" in seen["proof"]
    assert f"Ed25519, by key {KEY.id}" in seen["proof"]
    for scheme, width in itertools.product(("light", "dark"), (PHONE, DESK)):
        look = browser.do("judge", scheme, width)
        assert (look["violations"], max(look["overflow"], 0)) == ([], 0), (scheme, width)
        assert look["background"] == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 22, 26)")
    assert "Adelie" in browser.do("fill", "flipper_length", "180")["answer"]
    wrong = browser.do("fill", "flipper_length", "1000")
    assert wrong["invalid"] == "true"
    assert "field 'flipper_length' is 1000, above the maximum 300" in wrong["answer"]
    assert browser.do("judge", "dark", PHONE)["violations"] == []
    right = browser.do("fill", "flipper_length", "230")
    assert right["invalid"] == "false"
    assert "Gentoo" in right["answer"]
    (tmp_path / "bad.jsonl").write_text(json.dumps({**penguins.ROW, "island": "Elba"}))
    assert "field 'island' of row 0" in browser.do("score", str(tmp_path / "bad.jsonl"))["told"]


def release_hash(site):
    from core.domain.canonical import sha256  # noqa: PLC0415

    return sha256((site.release / layout.MANIFEST).read_bytes())[:12]


def test_without_a_network_it_answers_as_before(site, browser, tmp_path):
    (tmp_path / "rows.jsonl").write_text(runtimes.lines(penguins.rows(50)))
    with runtimes.serving(site.folder) as url:
        browser.do("open", url)
        before = browser.do("score", str(tmp_path / "rows.jsonl"))
    for _ in range(2):  # the server is gone
        seen = browser.do("open", url)
        assert (seen["problem"], seen["answers"]) == ("", True)
    assert browser.do("score", str(tmp_path / "rows.jsonl")) == before


def version_of(seen):
    return 1 if penguins.classifier(1).version in seen["status"] else 2


def test_a_newer_release_takes_the_place_of_the_one_before(site, url, browser):
    assert version_of(browser.do("open", url)) == 1
    site.offer(2)
    seen = browser.do("open", url)
    assert (version_of(seen), seen["problem"]) == (2, "")
    shutil.rmtree(site.release)
    assert version_of(browser.do("open", url)) == 2


def test_an_older_release_is_refused_and_the_newer_one_goes_on(site, url, browser):
    site.offer(2)
    browser.do("open", url)
    site.offer(1)
    seen = browser.do("open", url)
    assert "older than number 2" in seen["problem"]
    assert (version_of(seen), seen["answers"]) == (2, True)


def flipped(site):
    small.flip(site.release / "model.onnx")


def by_a_stranger(site):
    small.write(site.release, penguins.classifier(2), 2, key=OTHER_KEY)


def unproven(site):
    golden = (site.release / "golden.json").read_bytes()
    small.change_file(site.release, "golden.json", golden.replace(b'"Adelie"', b'"Gentoo"', 1))


def trusted_by_a_stranger(site):
    trust = Trust.issue(2, [OTHER_KEY.public], [KEY.public, OTHER_KEY.public], [], [OTHER_KEY])
    (site.folder / "trust.json").write_bytes(trust.data)
    by_a_stranger(site)


def revoked(site):
    (site.folder / "trust.json").write_bytes(first_trust(OTHER_KEY, revoked=[KEY.id]).data)


ATTACKS = (flipped, by_a_stranger, unproven, trusted_by_a_stranger)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_bad_release_is_refused_and_the_one_before_goes_on(attack, site, url, browser):
    browser.do("open", url)
    site.offer(2)
    attack(site)
    seen = browser.do("open", url)
    assert seen["problem"].startswith("Refused: ")
    assert (version_of(seen), seen["answers"]) == (1, True)
    site.offer(4)
    assert (version_of(seen := browser.do("open", url)), seen["problem"]) == (2, "")


@pytest.mark.parametrize("attack", [flipped, by_a_stranger, unproven, revoked], ids=lambda attack: attack.__name__)
def test_nothing_is_answered_from_a_first_release_that_is_bad(attack, site, url, browser):
    attack(site)
    seen = browser.do("open", url)
    assert seen["problem"].startswith("Refused: ")
    assert (seen["status"], seen["answers"]) == ("Nothing is answered here.", False)
    assert browser.do("judge", "light", PHONE)["violations"] == []


def next_trust(number, revoked):
    """Signed by a new root, and by the one of before."""
    return Trust.issue(number, [OTHER_KEY.public], [KEY.public], revoked, [OTHER_KEY, ROOT_KEY])


def test_trust_is_followed_where_a_root_of_before_signed_it(site, url, browser):
    browser.do("open", url)
    site.offer(2, next_trust(2, ["0123456789abcdef"]))
    seen = browser.do("open", url)
    assert (version_of(seen), seen["problem"]) == (2, "")
    site.offer(4, first_trust())
    assert "older than 2" in browser.do("open", url)["problem"]
    site.offer(4, next_trust(3, []))
    assert "takes a revocation back" in browser.do("open", url)["problem"]


def test_what_was_fetched_is_all_that_a_release_has(site, url, browser):
    seen = browser.do("open", url)
    fetched = {request.removeprefix(f"{url}release/") for request in seen["requests"] if "/release/" in request}
    assert fetched == {layout.MANIFEST, SIGNATURE, *FILES}


def test_a_release_that_cannot_be_verified_is_not_packed(site):
    small.flip(site.work / "release" / "golden.json")
    with pytest.raises(runtimes.CannotStart, match=r"golden\.json is not what the release manifest says"):
        runtimes.pack(site.work / "release", site.work / "trust.json", site.folder)
