"""What became of a message: signed reports of gateways, and what browsers say of a push they showed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hearing_server.domain.reminding.signed_calls import Direction, is_signed
from hearing_server.errors import Forbidden, Malformed, NotFound
from hearing_server.kernel import Clock, ObligationId
from hearing_server.ports.notices import Notice
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.reminding.letters import is_push_token
from hearing_server.services.reminding.reminders import Reminding

# How much each word proves; a report that proves less than one before it changes nothing.
_RANK = {"": 0, "failed": 1, "delivered": 2, "displayed": 3, "opened": 4}
_GATEWAY_WORDS = ("delivered", "displayed", "failed")
_BROWSER_WORDS = ("displayed", "opened")
_OBLIGATION = "obl_"


class DeliveryReports:
    """`secrets`: per channel, what its gateway signs with; a channel without one takes no reports."""

    def __init__(
        self,
        units: Units,
        vault: Vault,
        clock: Clock,
        reminding: Reminding,
        secrets: Mapping[str, bytes],
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._reminding = reminding
        self._secrets = secrets

    async def take(
        self, channel: str, *, timestamp: str, nonce: str, signature: str, body: bytes
    ) -> dict[str, object]:
        """One report `{key, state, detail?}`. Late, double and unknown ones are answered alike: the gateway is done.

        Errors: Forbidden `report.signature` (wrong, old, played again), Malformed `report.malformed`.
        """
        now = self._clock.utc_now()
        secret = self._secrets.get(channel)
        if secret is None or not is_signed(
            secret,
            Direction.REPORT,
            timestamp=timestamp,
            nonce=nonce,
            body=body,
            given=signature,
            now_s=now.timestamp(),
        ):
            raise _unsigned()
        key, state, detail = _read(body)
        async with self._units.write() as unit:
            if not await unit.space.mark_once(f"report:{channel}:{nonce}", now=now):
                raise _unsigned()
            notice = await unit.notices.by_key(key)
            if notice is not None and notice.channel == channel:
                await self._note(unit, notice, state, detail)
        return {"ok": True}

    async def browser_said(self, notice_id: str, token: str, state: str) -> None:
        """A push was shown or tapped. Errors: NotFound for a wrong token and an unknown notice alike."""
        if state not in _BROWSER_WORDS or not is_push_token(self._vault, notice_id, token):
            raise NotFound
        async with self._units.write() as unit:
            notice = await unit.notices.get(notice_id)
            if notice is None:
                raise NotFound
            contact_id = notice.dedup_key.rpartition(":")[2]
            await self._note(unit, notice, state, "")
            if contact_id.startswith("ctc_"):
                await unit.contacts.note_proof(contact_id, self._clock.utc_now())

    async def _note(self, unit: Unit, notice: Notice, state: str, detail: str) -> None:
        obligation_id = notice.dedup_key.partition(":")[0]
        is_ours = obligation_id.startswith(_OBLIGATION)
        if is_ours:
            # The order of locks that every change of an obligation keeps.
            obligation = await unit.reminders.obligation(ObligationId(obligation_id))
            if obligation is not None:
                await unit.acts.lock_head(obligation.case_id)
        current = await unit.notices.by_key(notice.dedup_key, lock=True)
        if current is None or _RANK[state] <= _RANK.get(current.report, 0):
            return
        now = self._clock.utc_now()
        await unit.notices.note_report(notice.id, report=state, detail=detail, at=now)
        if is_ours:
            await self._reminding.settle_within(unit, obligation_id)


def _read(body: bytes) -> tuple[str, str, str]:
    try:
        said = json.loads(body)
        key, state, detail = said["key"], said["state"], said.get("detail", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _malformed() from None
    texts = (key, state, detail)
    if not all(isinstance(text, str) and len(text) <= 200 and "\x00" not in text for text in texts):
        raise _malformed()
    if state not in _GATEWAY_WORDS:
        raise _malformed()
    return key, state, detail


def _unsigned() -> Forbidden:
    return Forbidden(
        "report.signature", zh="回执签名无效或已使用", en="The report's signature is wrong, old, or was used"
    )


def _malformed() -> Malformed:
    return Malformed("report.malformed", zh="回执格式有误", en="The report is malformed")
