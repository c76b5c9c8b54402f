"""One-time codes by SMS as a use-case: sent, counted, used once. The rules are `domain.codes`.

Source: ASVS 5.0 6.5.1, 6.5.5, 6.6.2, 6.6.3. Unknown and known phones get the same answer.
"""

from __future__ import annotations

from hearing_server.domain.codes import (
    CODE_DIGITS,
    LIFE_S,
    MAX_FAILURES_PER_HOUR,
    MAX_SENDS_PER_HOUR,
    RESEND_WAIT_S,
    CodeOutcome,
    check_code,
    code_hash,
    code_of,
    issue_code,
    refusal,
    resend_wait_s,
    too_many,
)
from hearing_server.kernel import Clock, PersonId, new_id
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.identity.secrets import random_below
from hearing_server.services.reminding.notices import queue_sms

# A court's public terminal or a phone company's shared address: many people, one network.
_SENDS_PER_NETWORK_PER_HOUR = 120
_FAILURES_PER_NETWORK_PER_HOUR = 300
_HOUR_S = 3600


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
            wait_s = resend_wait_s(await unit.people.newest_code(subject), at=now)
            if wait_s > 0:
                return wait_s
            for name, most in (
                (f"code:{subject}", MAX_SENDS_PER_HOUR),
                (f"code:net:{network}", _SENDS_PER_NETWORK_PER_HOUR),
            ):
                if await unit.people.count_attempt(name, now=now, window_s=_HOUR_S) > most:
                    raise too_many(600)
            code = code_of(random_below(10**CODE_DIGITS))
            issued = issue_code(id=new_id("otc"), subject=subject, code=code, keyed=self._keyed, at=now)
            # Stored for unknown phones too: the work done, and so the time taken, is the same.
            await unit.people.add_code(issued)
            if person_id is not None:
                text = f"【法院】验证码 {code}，{purpose_zh}，{LIFE_S // 60} 分钟内有效。请勿告诉他人。"
                await queue_sms(
                    unit, self._vault, person_id=person_id, body=text, dedup_key=issued.id, now=now
                )
        return RESEND_WAIT_S

    async def check(self, *, subject: str, code: str, network: str) -> None:
        """Pass once with the newest code of the subject.

        Errors: Forbidden `code.wrong` (wrong, late, used and never sent answer alike), RateLimited `code.too_many`.
        """
        now = self._clock.utc_now()
        passed = False
        async with self._units.write() as unit:
            # Who guessed too often is refused before looking: a right guess must not get through then either.
            is_blocked = await self._is_blocked(unit, subject, network)
            # Locked: of many guesses at once each counts, none is looked at twice.
            newest = None if is_blocked else await unit.people.newest_code(subject, lock=True)
            if newest is not None:
                _, outcome = check_code(newest, code, keyed=self._keyed, at=now)
                if outcome is CodeOutcome.ACCEPTED:
                    passed = await unit.people.use_code(newest.id, now)
                else:
                    await unit.people.count_try(newest.id)
            elif not is_blocked:
                code_hash(code, keyed=self._keyed, code_id=subject)
            if not passed and not is_blocked:
                for name in (f"wrong:{subject}", f"wrong:net:{network}"):
                    await unit.people.count_attempt(name, now=now, window_s=_HOUR_S)
        # Raised outside: an exception inside would take the count of this very guess back.
        if is_blocked:
            raise too_many(1800)
        if not passed:
            raise refusal()

    async def _is_blocked(self, unit: Unit, subject: str, network: str) -> bool:
        now = self._clock.utc_now()
        for name, most in (
            (f"wrong:{subject}", MAX_FAILURES_PER_HOUR),
            (f"wrong:net:{network}", _FAILURES_PER_NETWORK_PER_HOUR),
        ):
            if await unit.people.attempts(name, now=now, window_s=_HOUR_S) >= most:
                return True
        return False

    def _keyed(self, text: str) -> str:
        return self._vault.index(text, purpose="one-time-code")
