"""通知设置: where a person may be reached beside the phone of the file, and what they wish to hear how."""

from __future__ import annotations

import json
import re
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.codes import CodeOutcome, check_code, code_of, issue_code, resend_wait_s
from hearing_server.domain.reminding.channels import Channel
from hearing_server.domain.reminding.service_texts import SERVICE_CONSENT, ServiceText
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from hearing_server.kernel import Actor, Clock, new_id
from hearing_server.ports.contacts import Contact, ServiceConsent
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.identity.secrets import random_below
from hearing_server.services.progress.node_pushes import IN_WORDS
from hearing_server.services.reminding.letters import Words
from hearing_server.services.reminding.notices import Address, queue_notice

# A person with more browsers than this has left some behind; the oldest makes room.
MAX_PER_CHANNEL = 5
_TRIES_PER_HOUR = 10
_HOUR_S = 3600
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}={0,2}")
WISHES = (Channel.SMS.value, Channel.WECHAT.value, Channel.EMAIL.value, Channel.WEB_PUSH.value, IN_WORDS)


class ContactBook:
    """Use-cases of the settings page; everybody's own alone."""

    def __init__(self, units: Units, vault: Vault, clock: Clock) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock

    async def of(self, actor: Actor) -> dict[str, object]:
        """Contacts and wishes."""
        async with self._units.read() as unit:
            found = await unit.contacts.of_people([actor.person_id])
            wishes = (await unit.contacts.wishes([actor.person_id])).get(actor.person_id, {})
            person = await unit.people.get(actor.person_id)
        return {
            "phone": person.phone_masked if person else None,
            "contacts": [
                {
                    "id": one.id,
                    "channel": one.channel,
                    "label": one.label,
                    "is_confirmed": one.confirmed_at is not None,
                    "last_proof_at": one.last_proof_at,
                }
                for one in found
            ],
            "wishes": {name: wishes.get(name, name != IN_WORDS) for name in WISHES},
        }

    async def add(self, actor: Actor, *, channel: str, address: str, label: str = "") -> str:
        """Add an address; its id. An e-mail address counts once its code came back, a browser and an openid at once.

        Errors: Invalid `contact.address`, RateLimited `contact.too_many`.
        """
        address, shown = _checked(channel, address, label)
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            await self._count(unit, actor, now)
            index = self._vault.index(address, purpose=f"contact:{channel}")
            same = await unit.contacts.same(actor.person_id, channel, index)
            if same is not None:
                return same.id
            others = [
                one for one in await unit.contacts.of_people([actor.person_id]) if one.channel == channel
            ]
            for old in others[: max(0, len(others) - MAX_PER_CHANNEL + 1)]:
                await unit.contacts.end(old.id, now)
            contact_id = new_id("ctc")
            needs_code = channel == Channel.EMAIL
            await unit.contacts.add(
                Contact(
                    id=contact_id,
                    person_id=actor.person_id,
                    channel=channel,
                    address_sealed=self._vault.seal(address, context=f"contacts.address:{contact_id}"),
                    address_index=index,
                    label=shown,
                    origin="given",
                    created_at=now,
                    confirmed_at=None if needs_code else now,
                )
            )
            await _act(unit, actor, ActKind.SERVICE_ADDRESS_ADDED, now, contact_id, channel)
            if needs_code:
                await self._send_code(unit, actor, contact_id, address, now)
        return contact_id

    async def confirm(self, actor: Actor, contact_id: str, code: str) -> None:
        """The code that was sent there. Errors: NotFound, Forbidden `code.wrong`."""
        now, passed = self._clock.utc_now(), False
        async with self._units.write() as unit:
            await self._own(unit, actor, contact_id)
            newest = await unit.people.newest_code(_subject(contact_id), lock=True)
            if newest is not None:
                _, outcome = check_code(newest, code, keyed=self._keyed, at=now)
                if outcome is CodeOutcome.ACCEPTED and await unit.people.use_code(newest.id, now):
                    await unit.contacts.confirm(contact_id, now)
                    passed = True
                else:
                    await unit.people.count_try(newest.id)
        # Raised outside: an exception inside would take the count of this guess back.
        if not passed:
            raise Forbidden("code.wrong", zh="验证码错误或已过期", en="The code is wrong or too old")

    async def end(self, actor: Actor, contact_id: str) -> None:
        """Nothing goes there any more. Errors: NotFound."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            contact = await self._own(unit, actor, contact_id)
            await unit.contacts.end(contact.id, now)
            await _act(unit, actor, ActKind.SERVICE_ADDRESS_ENDED, now, contact.id, contact.channel)

    async def wish(self, actor: Actor, wishes: dict[str, bool]) -> None:
        """Switch a way of being told of news on or off; forced reminders ask nobody. Errors: Invalid `contact.wish`."""
        if set(wishes) - set(WISHES):
            raise Invalid("contact.wish", zh="没有这项通知设置", en="There is no such setting")
        async with self._units.write() as unit:
            before = (await unit.contacts.wishes([actor.person_id])).get(actor.person_id, {})
            await unit.contacts.save_wishes(actor.person_id, before | wishes)

    async def service_consent(self, actor: Actor, case_id: str) -> tuple[ServiceText, ServiceConsent | None]:
        """The text in force and what the actor decided on it in this case. Errors: NotFound."""
        async with self._units.read() as unit:
            case, _ = await access_member_case(unit, actor, case_id)
            return SERVICE_CONSENT, (await unit.contacts.consents(case.id)).get(actor.person_id)

    async def decide_service(
        self, actor: Actor, case_id: str, *, granted: bool, text_version: str
    ) -> ServiceConsent:
        """同意电子送达, or not; the text's hash is kept. Errors: NotFound, Conflict `consent.old_text`."""
        now = self._clock.utc_now()
        if text_version != SERVICE_CONSENT.version:
            raise Conflict(
                "consent.old_text", zh="同意书已更新，请重新阅读", en="The text has changed; read it again"
            )
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role), Action.SERVICE_CONSENT)
            consent = ServiceConsent(
                case.id, actor.person_id, granted, SERVICE_CONSENT.version, SERVICE_CONSENT.sha256, now
            )
            await unit.contacts.add_consent(consent)
            await record_act(
                unit, actor, kind=ActKind.SERVICE_CONSENT_DECIDED, chain_id=case.id, at=now,
                payload={
                    "granted": granted, "text_version": consent.text_version, "text_sha256": consent.text_sha256,
                    "person_ids": [actor.person_id],
                },
            )  # fmt: skip
        return consent

    async def _own(self, unit: Unit, actor: Actor, contact_id: str) -> Contact:
        contact = await unit.contacts.get(contact_id)
        if contact is None or contact.person_id != actor.person_id or contact.ended_at is not None:
            raise NotFound
        return contact

    async def _count(self, unit: Unit, actor: Actor, now: datetime) -> None:
        name = f"contact:{actor.person_id}"
        if await unit.people.count_attempt(name, now=now, window_s=_HOUR_S) > _TRIES_PER_HOUR:
            raise RateLimited(
                "contact.too_many",
                zh="操作过于频繁，请稍后再试",
                en="Too many changes; try later",
                retry_after_s=600,
            )

    async def _send_code(
        self, unit: Unit, actor: Actor, contact_id: str, address: str, now: datetime
    ) -> None:
        if resend_wait_s(await unit.people.newest_code(_subject(contact_id)), at=now) > 0:
            return
        code = code_of(random_below(10**6))
        issued = issue_code(
            id=new_id("otc"), subject=_subject(contact_id), code=code, keyed=self._keyed, at=now
        )
        await unit.people.add_code(issued)
        await queue_notice(
            unit,
            self._vault,
            person_id=actor.person_id,
            address=Address(Channel.EMAIL.value, address),
            words=Words("法院：邮箱验证码", f"验证码 {code}，用于确认您的邮箱，5 分钟内有效。请勿告诉他人。"),
            dedup_key=issued.id,
            now=now,
        )

    def _keyed(self, text: str) -> str:
        return self._vault.index(text, purpose="one-time-code")


def _subject(contact_id: str) -> str:
    return f"contact:{contact_id}"


async def _act(unit: Unit, actor: Actor, kind: ActKind, now: datetime, contact_id: str, channel: str) -> None:
    await record_act(
        unit, actor, kind=kind, chain_id=actor.court_id, at=now,
        payload={"contact_id": contact_id, "channel": channel, "person_ids": [actor.person_id]},
    )  # fmt: skip


def _checked(channel: str, address: str, label: str) -> tuple[str, str]:
    """The address in its one form, and what the person sees of it. Errors: Invalid `contact.address`."""
    address = address.strip()
    if channel == Channel.EMAIL and len(address) <= 254 and _EMAIL.fullmatch(address):
        name, _, domain = address.partition("@")
        return f"{name}@{domain.lower()}", f"{name[:2]}…@{domain.lower()}"
    if channel == Channel.WECHAT and _OPENID.fullmatch(address):
        return address, f"{address[:3]}…{address[-2:]}"
    if channel == Channel.WEB_PUSH:
        return _subscription(address), label[:60] or "浏览器"
    raise Invalid("contact.address", zh="地址格式不正确", en="The address is malformed")


def _subscription(text: str) -> str:
    """A push subscription as its three parts, canonical; whether its service may be called is the channel's to say."""
    try:
        given = json.loads(text)
        endpoint, keys = given["endpoint"], given["keys"]
        parts = {"p256dh": keys["p256dh"], "auth": keys["auth"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid("contact.address", zh="地址格式不正确", en="The address is malformed") from None
    is_good = (
        isinstance(endpoint, str)
        and endpoint.isascii()
        and endpoint.isprintable()
        and len(endpoint) <= 1000
        and all(isinstance(part, str) and _KEY.fullmatch(part) for part in parts.values())
    )
    if not is_good:
        raise Invalid("contact.address", zh="地址格式不正确", en="The address is malformed")
    return json.dumps({"endpoint": endpoint, "keys": parts}, sort_keys=True)
