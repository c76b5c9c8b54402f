"""Join grants: only a fresh, well-formed, rightly signed one opens the door."""

import dataclasses
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from signaling.errors import SignalingError
from signaling.grants import AUDIENCE, TOKEN_TYPE, JoinGrant, Standing, sign_grant, verify_grant

KEY, OLD_KEY = b"k" * 32, b"o" * 32
NOW = 1_000_000.0
GRANT = JoinGrant("room", "per_1", "seat-key", frozenset({"camera"}), True, False, NOW + 30, "jti-1")


def refused(token: str, now_s: float = NOW) -> str:
    with pytest.raises(SignalingError) as error:
        verify_grant(token, [KEY], now_s)
    return error.value.code


def test_grant__when_signed_and_verified__then_nothing_is_lost() -> None:
    assert verify_grant(sign_grant(GRANT, KEY), [KEY], NOW) == GRANT


@pytest.mark.parametrize("standing", Standing)
def test_grant__when_it_names_a_standing__then_the_room_learns_it(standing: Standing) -> None:
    given = dataclasses.replace(GRANT, standing=standing)
    assert verify_grant(sign_grant(given, KEY), [KEY], NOW).standing is standing


def test_grant__when_it_names_no_standing__then_a_party_comes() -> None:
    token = jwt.encode({"alg": "HS256", "typ": TOKEN_TYPE}, claims(), OctKey.import_key(KEY))
    assert verify_grant(token, [KEY], NOW).standing is Standing.PARTY


def test_grant__when_keys_are_rolled__then_the_older_key_still_verifies() -> None:
    assert verify_grant(sign_grant(GRANT, OLD_KEY), [KEY, OLD_KEY], NOW) == GRANT


def test_grant__when_expired_beyond_the_skew__then_refused() -> None:
    assert verify_grant(sign_grant(GRANT, KEY), [KEY], NOW + 34) == GRANT
    assert refused(sign_grant(GRANT, KEY), NOW + 36) == "grant.expired"


def test_grant__when_it_lives_too_long__then_refused() -> None:
    assert refused(sign_grant(dataclasses.replace(GRANT, expires_at_s=NOW + 70), KEY)) == "grant.invalid"


def test_grant__when_signed_with_a_foreign_key__then_refused() -> None:
    assert refused(sign_grant(GRANT, b"x" * 32)) == "grant.invalid"


@pytest.mark.parametrize(
    "change", [{"room": "a b"}, {"identity": ""}, {"jti": "x" * 97}, {"seat_key": "a/b"}]
)
def test_grant__when_a_name_is_unfit_for_sdp_and_files__then_refused(change: dict[str, str]) -> None:
    assert refused(sign_grant(dataclasses.replace(GRANT, **change), KEY)) == "grant.invalid"  # type: ignore[arg-type]


def claims(**changes: Any) -> dict[str, Any]:
    names = {"room": "r", "sub": "p", "seat": "s", "jti": "j"}
    return {"aud": AUDIENCE, "pub": [], "rcv": True, "mod": False, "exp": NOW + 10} | names | changes


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"alg": "HS256", "typ": "JWT"}, claims()),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(aud="something else")),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(pub=["television"])),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(pub="camera")),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(exp="soon")),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(exp=True)),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(room=7)),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(std="king")),
        ({"alg": "HS256", "typ": TOKEN_TYPE}, claims(std=["bench"])),
    ],
)
def test_grant__when_type_audience_or_claims_are_wrong__then_refused(
    header: dict[str, str], body: dict[str, Any]
) -> None:
    assert refused(jwt.encode(header, body, OctKey.import_key(KEY))) == "grant.invalid"


def test_grant__when_the_algorithm_is_none_or_another__then_refused() -> None:
    def part(value: dict[str, Any]) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    assert refused(f"{part({'alg': 'none', 'typ': TOKEN_TYPE})}.{part(claims())}.") == "grant.invalid"
    other = jwt.encode(
        {"alg": "HS512", "typ": TOKEN_TYPE}, claims(), OctKey.import_key(KEY), algorithms=["HS512"]
    )
    assert refused(other) == "grant.invalid"


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "é.é.é", "." * 50, "x" * 5000, "eyJhbGciOiJIUzI1NiJ9.e30."]
)
def test_grant__when_the_token_is_rubbish__then_refused(token: str) -> None:
    assert refused(token) == "grant.invalid"
