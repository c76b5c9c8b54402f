"""One-time codes sent to a phone: how long, how often, how many tries. The code itself is kept only as a keyed hash.

Source: OWASP ASVS 5.0 V6.5-6.6 (short life, one use, throttled out-of-band codes).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.errors import Forbidden, RateLimited

# From a text to its keyed hash (hex): the vault's, whose key this floor never sees.
KeyedHash = Callable[[str], str]

CODE_DIGITS = 6
# Long enough for a slow SMS, short enough that a shoulder-surfed code is dead.
LIFE_S = 300
# Five tries on a million codes: a guess succeeds once in 200 000.
MAX_TRIES = 5
# An SMS that hasn't come by then is asked for again; a flood doesn't reach the phone.
RESEND_WAIT_S = 30
# Codes per phone and hour, against flooding somebody's phone.
MAX_SENDS_PER_HOUR = 10
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


def code_hash(code: str, *, keyed: KeyedHash, code_id: str) -> str:
    """Keyed hash over id and code: a stolen table doesn't give the six digits back."""
    return keyed(f"{code_id}:{code.strip()}")


def code_of(number: int) -> str:
    """The digits for a random `number`, evenly spread when it is drawn below 10**6."""
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def issue_code(*, id: str, subject: str, code: str, keyed: KeyedHash, at: datetime) -> OneTimeCode:
    hashed = code_hash(code, keyed=keyed, code_id=id)
    return OneTimeCode(id, subject, hashed, at, at + timedelta(seconds=LIFE_S))


def check_code(
    record: OneTimeCode, code: str, *, keyed: KeyedHash, at: datetime
) -> tuple[OneTimeCode, CodeOutcome]:
    """The record after one try, and what came of it. A right code counts once."""
    if record.used_at is not None:
        return record, CodeOutcome.USED
    if at >= record.expires_at:
        return record, CodeOutcome.EXPIRED
    if record.tries >= MAX_TRIES:
        return record, CodeOutcome.TOO_MANY_TRIES
    if not hmac.compare_digest(record.code_hash, code_hash(code, keyed=keyed, code_id=record.id)):
        return replace(record, tries=record.tries + 1), CodeOutcome.WRONG
    return replace(record, used_at=at), CodeOutcome.ACCEPTED


def resend_wait_s(newest: OneTimeCode | None, *, at: datetime) -> int:
    """Whole seconds until another code may be sent, rounded up; 0 means now. A used code makes nobody wait."""
    if newest is None or newest.used_at is not None:
        return 0
    left = (newest.created_at + timedelta(seconds=RESEND_WAIT_S) - at).total_seconds()
    return max(0, -int(-left // 1))


def refusal() -> Forbidden:
    """One answer for every failure: which half was wrong, or whether the phone is known, isn't said."""
    return Forbidden(
        "code.wrong",
        zh="验证码或身份信息不正确，或验证码已失效，请重新获取",
        en="The code or the identity details are wrong, or the code has expired. Please ask for a new one",
    )


def too_many(retry_after_s: float) -> RateLimited:
    """Somebody is guessing, or in trouble: wait, or call the court."""
    return RateLimited(
        "code.too_many",
        zh="操作太频繁，请稍后再试；着急请拨打法院电话",
        en="Too many tries. Please wait, or call the court",
        retry_after_s=retry_after_s,
    )
