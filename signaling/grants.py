"""Join grants: what the court floor decided about one person and one room, signed for at most a minute."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from signaling.errors import SignalingError

ALGORITHM: Final = "HS256"
TOKEN_TYPE: Final = (
    "join-grant+jwt"  # explicit type, so that no other token of the house passes (RFC 8725 3.11)
)
AUDIENCE: Final = "media-engine"
MAX_TTL_S: Final = 60  # a grant is fetched right before it is used
CLOCK_SKEW_S: Final = 5
MAX_TOKEN_CHARS: Final = 4096
SOURCES: Final = frozenset({"microphone", "camera", "screen"})
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,96}")  # travels inside SDP tokens and file names


class Standing(StrEnum):
    """What a person is to the room: the bench is always seen and heard, an observer gives way first."""

    BENCH = "bench"
    PARTY = "party"
    OBSERVER = "observer"


@dataclass(frozen=True, slots=True)
class JoinGrant:
    """One permission to take one seat. `seat_key` lets the same browser take its own seat again."""

    room: str
    identity: str
    seat_key: str
    may_publish: frozenset[str]
    may_subscribe: bool
    may_moderate: bool
    expires_at_s: float
    jti: str
    standing: Standing = Standing.PARTY


def sign_grant(grant: JoinGrant, key: bytes) -> str:
    """Sign a grant as a compact JWT (HS256)."""
    claims = {
        "aud": AUDIENCE,
        "room": grant.room,
        "sub": grant.identity,
        "seat": grant.seat_key,
        "pub": sorted(grant.may_publish),
        "rcv": grant.may_subscribe,
        "mod": grant.may_moderate,
        "std": grant.standing.value,
        "exp": grant.expires_at_s,
        "jti": grant.jti,
    }
    header = {"alg": ALGORITHM, "typ": TOKEN_TYPE}
    return jwt.encode(header, claims, OctKey.import_key(key), algorithms=[ALGORITHM])


def verify_grant(token: str, keys: Iterable[bytes], now_s: float) -> JoinGrant:
    """Check signature, type, audience and time; raise `grant.invalid` or `grant.expired`.

    Single use (`jti`) is the engine's business. The first key that fits wins, so keys can be rolled.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARS:
        raise SignalingError("grant.invalid", "size")
    claims = _signed_claims(token, keys)
    grant = _from_claims(claims)
    if grant.expires_at_s < now_s - CLOCK_SKEW_S:
        raise SignalingError("grant.expired")
    if grant.expires_at_s > now_s + MAX_TTL_S + CLOCK_SKEW_S:
        raise SignalingError("grant.invalid", "lives too long")
    return grant


def _signed_claims(token: str, keys: Iterable[bytes]) -> dict[str, Any]:
    for key in keys:
        try:
            read = jwt.decode(token, OctKey.import_key(key), algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # another key may fit; the library's parsers raise more than their own family
        if read.header.get("typ") != TOKEN_TYPE or read.header.get("alg") != ALGORITHM:
            raise SignalingError("grant.invalid", "type")
        if not isinstance(read.claims, dict) or read.claims.get("aud") != AUDIENCE:
            raise SignalingError("grant.invalid", "audience")
        return read.claims
    raise SignalingError("grant.invalid", "signature")


def _from_claims(claims: dict[str, Any]) -> JoinGrant:
    names = [claims.get(name) for name in ("room", "sub", "seat", "jti")]
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise SignalingError("grant.invalid", "names")
    sources, expires = claims.get("pub"), claims.get("exp")
    if not isinstance(sources, list) or not SOURCES.issuperset(str(source) for source in sources):
        raise SignalingError("grant.invalid", "sources")
    standing = claims.get("std", Standing.PARTY.value)
    if not isinstance(standing, str) or standing not in tuple(Standing):
        raise SignalingError("grant.invalid", "standing")
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise SignalingError("grant.invalid", "expiry")
    return JoinGrant(
        room=claims["room"],
        identity=claims["sub"],
        seat_key=claims["seat"],
        may_publish=frozenset(sources),
        may_subscribe=claims.get("rcv") is True,
        may_moderate=claims.get("mod") is True,
        expires_at_s=float(expires),
        jti=claims["jti"],
        standing=Standing(standing),
    )
