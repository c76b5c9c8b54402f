"""One-time codes sent to a phone: how long, how often, how many tries. The code itself is kept only as a keyed hash.

Source: OWASP ASVS 5.0 V6.5-6.6 (short life, one use, throttled out-of-band codes).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.errors import Forbidden, RateLimited

CODE_DIGITS = 6
# Long enough for a slow SMS, short enough that a shoulder-surfed code is dead.
LIFE_S = 300
# Five tries on a million codes: a guess succeeds once in 200 000.
MAX_TRIES = 5
RESEND_WAIT_S = 60
# Codes per phone and hour, against flooding somebody's phone.
MAX_SENDS_PER_HOUR = 5
# Wrong codes per phone and hour over all codes, so that resending doesn't refill the tries without end.
MAX_FAILURES_PER_HOUR = 15


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code for one `subject` (a phone's keyed hash, or a join link); `tries` counts the failed ones."""

    id: str
    subject: str
    code_hash: str
    created_at: datetime
    expires_at: datetime
    tries: int = 0
    used_at: datetime | None = None


class CodeOutcome(StrEnum):
    ACCEPTED = "accepted"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"
    TOO_MANY_TRIES = "too_many_tries"


def code_hash(code: str, *, key: bytes, code_id: str) -> str:
    """HMAC-SHA-256 (hex) over id and code: a stolen table doesn't give the six digits back."""
    return hmac.new(key, f"{code_id}:{code.strip()}".encode(), hashlib.sha256).hexdigest()


def code_of(number: int) -> str:
    """The digits for a random `number`, evenly spread when it is drawn below 10**6."""
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def issue_code(*, id: str, subject: str, code: str, key: bytes, at: datetime) -> OneTimeCode:
    return OneTimeCode(id, subject, code_hash(code, key=key, code_id=id), at, at + timedelta(seconds=LIFE_S))


def check_code(
    record: OneTimeCode, code: str, *, key: bytes, at: datetime
) -> tuple[OneTimeCode, CodeOutcome]:
    """The record after one try, and what came of it. A right code counts once."""
    if record.used_at is not None:
        return record, CodeOutcome.USED
    if at >= record.expires_at:
        return record, CodeOutcome.EXPIRED
    if record.tries >= MAX_TRIES:
        return record, CodeOutcome.TOO_MANY_TRIES
    if not hmac.compare_digest(record.code_hash, code_hash(code, key=key, code_id=record.id)):
        return replace(record, tries=record.tries + 1), CodeOutcome.WRONG
    return replace(record, used_at=at), CodeOutcome.ACCEPTED


def resend_wait_s(newest: OneTimeCode | None, *, at: datetime) -> int:
    """Whole seconds until another code may be sent, rounded up; 0 means now."""
    if newest is None:
        return 0
    left = (newest.created_at + timedelta(seconds=RESEND_WAIT_S) - at).total_seconds()
    return max(0, -int(-left // 1))


def require_may_send(newest: OneTimeCode | None, *, sent_last_hour: int, at: datetime) -> None:
    """Errors: RateLimited `code.too_soon`, `code.too_many`."""
    wait_s = resend_wait_s(newest, at=at)
    if wait_s > 0:
        raise RateLimited(
            "code.too_soon", zh=f"请在 {wait_s} 秒后重新获取", en=f"Please wait {wait_s} s for another code",
            retry_after_s=wait_s,
        )  # fmt: skip
    if sent_last_hour >= MAX_SENDS_PER_HOUR:
        raise RateLimited(
            "code.too_many", zh="获取验证码过于频繁，请一小时后再试", en="Too many codes; try again in an hour",
            retry_after_s=3600,
        )  # fmt: skip


def refusal() -> Forbidden:
    """One answer for every failure: which half was wrong, or whether the phone is known, isn't said."""
    return Forbidden(
        "code.refused",
        zh="验证码或证件信息不正确，或已失效",
        en="The code or the identity is wrong, or the code has expired",
    )
