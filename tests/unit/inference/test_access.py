"""Who may ask for what, how often, and what a stranger is told."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from core.domain.access import KeyRing, new_key
from core.errors import BadInput
from core.inference.access import MOST_BUCKETS, Access, Limits, TooManyRequests
from core.inference.authorities import REREAD, SCOPE, make_access
from core.runtime import SystemClock
from core.settings import AccessSettings
from tests.penguins import MODEL, ROW, Clock, Desk, sentence

PREDICT = f"/v1/models/{MODEL}:predict"
BODY = {"instances": [ROW]}
NOW = SystemClock().now()


def key(key_id: str, models: list[str] | None = None) -> tuple[Any, str]:
    return new_key(key_id, f"secret-of-{key_id}", "shop", models, NOW, None)


ANY, ANY_TEXT = key("any")
ONE, ONE_TEXT = key("one", [MODEL])
RING = KeyRing((ANY, ONE))


def with_keys(source: str = RING.encode(), **settings: Any) -> AccessSettings:
    return AccessSettings(modes=("keys",), keys=source, **settings)


def desk_of(settings: AccessSettings) -> Desk:
    return Desk(default_models=[MODEL], access=make_access(settings))


DESK = desk_of(with_keys())


# keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"authorization": f"Bearer {ANY_TEXT}"}, {"x_api_key": ANY_TEXT}])
def test_a_key_opens_every_model(headers: dict[str, str]) -> None:
    for model in (MODEL, "weights"):
        assert DESK.ask("POST", f"/v1/models/{model}:predict", BODY, **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {ANY_TEXT}"},
        {"authorization": f"Bearer {ANY_TEXT[:-1]}"},
        {"x_api_key": "tm_any_"},
        {"x_api_key": "é" * 9999},
    ],
)
def test_a_stranger_is_told_how_to_ask_and_nothing_else(headers: dict[str, str]) -> None:
    for method, path in (("POST", PREDICT), ("GET", f"/v2/models/{MODEL}"), ("GET", "/openapi.json"), ("GET", "/v2")):
        answer = DESK.ask(method, path, BODY, **headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="tidemill"'
        assert "x-tidemill-model-version" not in answer.headers
        assert "key" in sentence(answer)


@pytest.mark.parametrize("path", ["/ping", "/v2/health/live", "/v2/health/ready"])
def test_health_is_told_to_everybody(path: str) -> None:
    assert DESK.ask("GET", path).status == 200


def test_a_key_opens_its_own_models_alone() -> None:
    assert DESK.ask("POST", PREDICT, BODY, x_api_key=ONE_TEXT).status == 200
    assert DESK.ask("POST", "/invocations", [ROW], x_api_key=ONE_TEXT).status == 200
    for path in ("/v1/models/weights:predict", "/v1/models/unknown:predict"):
        answer = DESK.ask("POST", path, BODY, x_api_key=ONE_TEXT)
        assert answer.status == 403
        assert sentence(answer).startswith("key one (shop) may not ask for model")


def test_a_changed_file_of_keys_is_noticed_and_an_unreadable_one_changes_nothing(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    path.write_text(KeyRing((ONE,)).encode(), "utf-8")
    desk = Desk(access=make_access(with_keys(str(path)), clock.seconds))

    def status(text: str) -> int:
        return desk.ask("POST", PREDICT, BODY, x_api_key=text).status

    assert (status(ONE_TEXT), status(ANY_TEXT)) == (200, 401)
    path.write_text(RING.encode(), "utf-8")
    clock.advance(REREAD)
    assert (status(ONE_TEXT), status(ANY_TEXT)) == (200, 200)
    path.write_text(KeyRing((ANY,)).encode(), "utf-8")
    clock.advance(REREAD)
    assert (status(ONE_TEXT), status(ANY_TEXT)) == (401, 200)
    path.write_text("{", "utf-8")
    clock.advance(REREAD)
    assert (status(ONE_TEXT), status(ANY_TEXT)) == (401, 200)


def test_keys_that_are_not_there_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="TIDEMILL_KEYS names"):
        make_access(with_keys(str(tmp_path / "none.json")))


# how often --------------------------------------------------------------------------------------------------


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    clock = Clock()
    desk = Desk(access=make_access(with_keys(rate=0.5, burst=3), clock.seconds))

    def ask(text: str) -> Any:
        return desk.ask("POST", PREDICT, BODY, x_api_key=text)

    assert [ask(ONE_TEXT).status for _ in range(4)] == [200, 200, 200, 429]
    assert (ask(ONE_TEXT).headers["retry-after"], ask(ANY_TEXT).status) == ("2", 200)
    clock.advance(2)
    assert [ask(ONE_TEXT).status for _ in range(2)] == [200, 429]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    limits = Limits(10, 2, clock.seconds)
    limits.spend("a")
    clock.advance(3600)
    limits.spend("a")
    limits.spend("a")
    with pytest.raises(TooManyRequests):
        limits.spend("a")


def test_callers_who_have_not_asked_for_a_while_are_forgotten() -> None:
    clock = Clock()
    limits = Limits(1, 2, clock.seconds)
    for number in range(MOST_BUCKETS):
        limits.spend(str(number))
    clock.advance(3)
    limits.spend("late")
    assert list(limits._buckets) == ["late"]


def test_where_everybody_may_ask_everybody_shares_one_limit() -> None:
    desk = Desk(access=Access((), Limits(1, 1, Clock().seconds)))
    assert [desk.ask("POST", PREDICT, BODY).status for _ in range(2)] == [200, 429]


# tokens -----------------------------------------------------------------------------------------------------

ISSUER, AUDIENCE = "https://issuer.example", "tidemill"
SIGNING = ECKey.generate_key("P-256", {"kid": "k1"})
JWKS = KeySet([SIGNING]).as_dict(private=False)


def token(signing: Any = SIGNING, algorithm: str = "ES256", drop: str = "", kid: str = "k1", **claims: Any) -> str:
    now = int(time.time())
    every = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now + 60, "scope": f"openid {SCOPE}{MODEL}"}
    every = {name: value for name, value in {**every, **claims}.items() if name != drop}
    return jwt.encode({"alg": algorithm, "kid": kid}, every, signing, algorithms=[algorithm])


def with_tokens(**changes: Any) -> AccessSettings:
    fields = {"jwt_keys": json.dumps(JWKS), "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, **changes}
    return AccessSettings(modes=("jwt",), **fields)


TOKENS = desk_of(with_tokens())


def asked(desk: Desk, text: str, model: str = MODEL) -> Any:
    return desk.ask("POST", f"/v1/models/{model}:predict", BODY, authorization=f"Bearer {text}")


def test_a_token_opens_what_its_scope_names() -> None:
    assert asked(TOKENS, token()).status == 200
    assert asked(TOKENS, token(), "weights").status == 403
    assert asked(TOKENS, token(scope=f"{SCOPE}*"), "weights").status == 200
    assert asked(TOKENS, token(drop="scope")).status == 403
    assert asked(TOKENS, token(aud=["other", AUDIENCE])).status == 200


BAD_TOKENS = {
    "expired": token(exp=int(time.time()) - 3600),
    "of another issuer": token(iss="https://other.example"),
    "for another audience": token(aud="other"),
    "not yet valid": token(nbf=int(time.time()) + 3600),
    "without an end": token(drop="exp"),
    "without a subject": token(drop="sub"),
    "of another key": token(ECKey.generate_key("P-256", {"kid": "k1"})),
    "of an algorithm that is not allowed": token(RSAKey.generate_key(2048, {"kid": "k1"}), "RS512"),
    "of a shared secret": token(OctKey.import_key("x" * 40, {"kid": "k1"}), "HS256"),
    "of a key that is not in the set": token(kid="k2"),
    "unsigned": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
    "not one": "a.b.c",
    "cut off": token()[:-5],
}


@pytest.mark.parametrize("what", BAD_TOKENS)
def test_a_token_that_does_not_hold_opens_nothing(what: str) -> None:
    answer = asked(TOKENS, BAD_TOKENS[what])
    assert answer.status == 401
    assert sentence(answer).startswith("the token does not hold: ")


@pytest.mark.parametrize("signing", [RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")])
def test_each_allowed_algorithm_is_understood(signing: Any) -> None:
    jwks = json.dumps(KeySet([signing]).as_dict(private=False))
    kid = json.loads(jwks)["keys"][0]["kid"]
    desk = desk_of(with_tokens(jwt_keys=jwks))
    for algorithm in ("RS256", "PS256") if isinstance(signing, RSAKey) else ("Ed25519",):
        assert asked(desk, token(signing, algorithm, kid=kid)).status == 200


def test_keys_and_tokens_go_together() -> None:
    both = with_tokens(keys=RING.encode())
    desk = desk_of(
        AccessSettings(**{**{name: getattr(both, name) for name in both.__slots__}, "modes": ("keys", "jwt")})
    )
    assert asked(desk, token()).status == asked(desk, ONE_TEXT).status == 200
    assert asked(desk, "neither").status == 401


def test_what_is_no_key_set_stops_the_start() -> None:
    with pytest.raises(BadInput, match="no JSON Web Key Set"):
        make_access(with_tokens(jwt_keys="{}"))


def test_tokens_cost_nothing_where_they_are_not_used() -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    script = "import sys, functions.realtime_inference.handler; print('joserfc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
