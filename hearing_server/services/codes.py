"""One-time codes by SMS: six digits, five minutes, five tries, one use, a bounded number per phone and network.

Source: ASVS 5.0 6.5.1, 6.5.5, 6.6.2, 6.6.3. Unknown and known phones get the same answer.
"""

from __future__ import annotations

import hmac
from datetime import timedelta

from hearing_server.errors import Forbidden, RateLimited
from hearing_server.kernel import Clock, PersonId, new_id
from hearing_server.ports.people import OneTimeCode
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.notices import queue_sms
from hearing_server.services.secrets import new_code

LIFE = timedelta(minutes=5)
# A second code is sent after this long at the earliest; a person in a hurry waits, a flood does not reach the phone.
RESEND_S = 30
MAX_TRIES = 5
_PER_PHONE_PER_HOUR = 10
_PER_NETWORK_PER_HOUR = 120
_WRONG_PER_SUBJECT_PER_HOUR = 15
_WRONG_PER_NETWORK_PER_HOUR = 300


class Codes:
    """Sends codes and checks them."""

    def __init__(self, units: Units, vault: Vault, clock: Clock) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock

    async def send(self, *, subject: str, person_id: PersonId | None, purpose_zh: str, network: str) -> int:
        """Send a code for `subject` to the person, if there is one; seconds until the next may be asked for.

        Errors: RateLimited `code.too_many`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            for name, most in (
                (f"code:{subject}", _PER_PHONE_PER_HOUR),
                (f"code:net:{network}", _PER_NETWORK_PER_HOUR),
            ):
                if await unit.people.count_attempt(name, now=now, window_s=3600) > most:
                    raise too_many_tries(600)
            newest = await unit.people.newest_code(subject)
            if newest is not None and newest.used_at is None:
                waited_s = (now - newest.created_at).total_seconds()
                if waited_s < RESEND_S:
                    return int(RESEND_S - waited_s) + 1
            code = new_code()
            row = OneTimeCode(
                id=new_id("otc"),
                subject=subject,
                code_hash=self._hash(subject, code),
                created_at=now,
                expires_at=now + LIFE,
                tries=0,
                used_at=None,
            )
            # Stored for unknown phones too: the work done, and so the time taken, is the same.
            await unit.people.add_code(row)
            if person_id is not None:
                text = f"【法院】验证码 {code}，{purpose_zh}，5 分钟内有效。请勿告诉他人。"
                await queue_sms(unit, self._vault, person_id=person_id, body=text, dedup_key=row.id, now=now)
        return RESEND_S

    async def check(self, *, subject: str, code: str, network: str) -> None:
        """Pass once with the newest code of the subject.

        Errors: Forbidden `code.wrong` (wrong, late, used and never sent answer alike), RateLimited `code.too_many`.
        """
        now = self._clock.utc_now()
        passed = False
        async with self._units.write() as unit:
            row = await unit.people.newest_code(subject)
            usable = (
                row is not None and row.used_at is None and row.expires_at > now and row.tries < MAX_TRIES
            )
            expected = row.code_hash if row is not None else self._hash(subject, "none")
            right = hmac.compare_digest(expected, self._hash(subject, code.strip()))
            if row is not None and usable and right:
                passed = await unit.people.use_code(row.id, now)
            else:
                if row is not None:
                    await unit.people.count_try(row.id)
                await self._count_wrong(unit, subject, network)
        if not passed:
            raise wrong_code()

    async def _count_wrong(self, unit: Unit, subject: str, network: str) -> None:
        now = self._clock.utc_now()
        for name, most in (
            (f"wrong:{subject}", _WRONG_PER_SUBJECT_PER_HOUR),
            (f"wrong:net:{network}", _WRONG_PER_NETWORK_PER_HOUR),
        ):
            if await unit.people.count_attempt(name, now=now, window_s=3600) > most:
                raise too_many_tries(1800)

    def _hash(self, subject: str, code: str) -> str:
        return self._vault.index(f"{subject}:{code}", purpose="one-time-code")


def wrong_code() -> Forbidden:
    """One answer for every way a code or an ID ending can be wrong."""
    return Forbidden(
        "code.wrong",
        zh="验证码或身份信息不正确，或验证码已失效，请重新获取",
        en="The code or the identity details are wrong, or the code has expired. Please ask for a new one",
    )


def too_many_tries(retry_after_s: float) -> RateLimited:
    """Somebody is guessing, or in trouble: wait, or call the court."""
    return RateLimited(
        "code.too_many",
        zh="操作太频繁，请稍后再试；着急请拨打法院电话",
        en="Too many tries. Please wait, or call the court",
        retry_after_s=retry_after_s,
    )
