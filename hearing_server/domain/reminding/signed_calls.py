"""Calls between us and a gateway (SMS, WeChat, voice), signed in both directions with one shared secret.

`X-Court-Signature: v1=` + hex HMAC-SHA-256 over `direction.timestamp.nonce.body`. The direction keeps a call from being
played back as a report; timestamp and nonce keep a report from being played twice.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

TIMESTAMP, NONCE, SIGNATURE = "X-Court-Timestamp", "X-Court-Nonce", "X-Court-Signature"
# Clocks of a gateway and ours differ by seconds; more than this is an old call.
MAX_AGE_S = 300
MIN_SECRET_BYTES = 16


class Direction(StrEnum):
    SEND = "send"
    REPORT = "report"


def signature(secret: bytes, direction: Direction, *, timestamp: str, nonce: str, body: bytes) -> str:
    """The value of the signature header."""
    head = f"{direction}.{timestamp}.{nonce}.".encode()
    return "v1=" + hmac.new(secret, head + body, hashlib.sha256).hexdigest()


def is_signed(
    secret: bytes,
    direction: Direction,
    *,
    timestamp: str,
    nonce: str,
    body: bytes,
    given: str,
    now_s: float,
) -> bool:
    """Whether the call is authentic and of now. That its nonce is new is the caller's to check."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12 or not 8 <= len(nonce) <= 64:
        return False
    wanted = signature(secret, direction, timestamp=timestamp, nonce=nonce, body=body)
    return hmac.compare_digest(wanted.encode(), given.encode()) and abs(now_s - int(timestamp)) <= MAX_AGE_S
