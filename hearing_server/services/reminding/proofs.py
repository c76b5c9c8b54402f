"""送达回证: everything that is known of one obligation, for one sheet of paper or a file."""

from __future__ import annotations

from hearing_server.domain.acts import Act
from hearing_server.domain.reminding.channels import Channel
from hearing_server.domain.reminding.obligation_view import obligation_view, task_view
from hearing_server.domain.reminding.service_effect import AddressOrigin, Effect, service_effect
from hearing_server.domain.roles import Action, can, capacity_of
from hearing_server.errors import NotFound
from hearing_server.kernel import Actor, Clock, to_wire
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import access_member_case
from hearing_server.services.reminding.addresses import addresses_of
from hearing_server.services.reminding.holding import Held, hold
from hearing_server.services.reminding.rules import ReminderRules

_STRETCH = 1000


class ReminderProofs:
    """Reads only; for the judge and the clerk of the case, and the recipient."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, rules: ReminderRules) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._rules = rules

    async def of_obligation(self, actor: Actor, obligation_id: str) -> dict[str, object]:
        """Who, what by hash, when, each attempt with its grade, each act by number, and since when it counts as served.

        Errors: NotFound.
        """
        async with self._units.read() as unit:
            held = await hold(unit, obligation_id, lock=False)
            if held is None:
                raise NotFound
            _, member = await access_member_case(unit, actor, held.case.id)
            is_court = can(capacity_of(actor.role, member.role), Action.REMINDERS_SEE)
            if not is_court and held.obligation.person_id != actor.person_id:
                raise NotFound
            effect = await self._effect(unit, held) if held.reminder.serves else None
            acts = await _acts_of(unit, held)
            proved_by = [_act_view(act) for act in acts]
            consents = await unit.contacts.consents(held.case.id)
        consent = consents.get(held.obligation.person_id)
        acknowledgment, handed = held.obligation.acknowledgment, held.obligation.handed_over
        shown = obligation_view(held.case, held.reminder, held.obligation, grounds=self._rules.grounds)
        return (
            shown
            | task_view(held.case, held.obligation, None)
            | {
                "made_at": to_wire(self._clock.utc_now()),
                "court": {"name": held.case.court.name, "name_en": held.case.court.name_en},
                "cause": held.case.cause,
                "serves": held.reminder.serves,
                "acknowledgment": None
                if acknowledgment is None
                else {
                    "at": to_wire(acknowledgment.at),
                    "text_sha256": acknowledgment.text_sha256,
                    "identity": acknowledgment.identity,
                },
                "handed_over": None if handed is None else {"at": to_wire(handed.at), "note": handed.note},
                "service_consent": None
                if consent is None
                else {
                    "granted": consent.granted,
                    "at": to_wire(consent.at),
                    "text_sha256": consent.text_sha256,
                },
                "effect": None if effect is None else _effect_view(effect),
                "acts": proved_by,
            }
        )

    async def _effect(self, unit: Unit, held: Held) -> Effect:
        person_id = held.obligation.person_id
        reach = (await addresses_of(unit, self._vault, [person_id]))[person_id]
        origins = {
            channel: AddressOrigin(addresses[0].origin) for channel, addresses in reach.items() if addresses
        }
        # The page after signing in is the court's own system: who agreed to it has given that very address.
        origins[Channel.IN_APP] = AddressOrigin.CONFIRMED
        consent = (await unit.contacts.consents(held.case.id)).get(person_id)
        return service_effect(
            held.obligation, has_consented=consent is not None and consent.granted, origins=origins
        )


async def _acts_of(unit: Unit, held: Held) -> list[Act]:
    wanted = {held.obligation.id, held.reminder.id}
    found: list[Act] = []
    after = 0
    while stretch := await unit.acts.after(held.case.id, after, _STRETCH):
        found += [
            act
            for act in stretch
            if act.payload.get("obligation_id") in wanted or act.payload.get("reminder_id") in wanted
        ]
        after = stretch[-1].case_seq
    return found


def _act_view(act: Act) -> dict[str, object]:
    return {
        "id": act.id,
        "seq": act.case_seq,
        "kind": act.kind.value,
        "at": to_wire(act.at),
        "entry_sha256": act.entry_sha256,
        "link": f"/acts/{act.id}",
    }


def _effect_view(effect: Effect) -> dict[str, object]:
    return {
        "at": to_wire(effect.at) if effect.at else None,
        "rule": effect.rule.value if effect.rule else None,
        "channel": effect.channel.value if effect.channel else None,
        "is_presumed": effect.is_presumed,
        "missing": effect.missing.value if effect.missing else None,
    }
