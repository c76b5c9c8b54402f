"""Where a person can be reached: the phone of the case file, and what the person gave or a browser made."""

from __future__ import annotations

from collections import defaultdict

from hearing_server.domain.reminding.channels import Channel
from hearing_server.kernel import PersonId
from hearing_server.ports.units import Unit
from hearing_server.ports.vault import Vault
from hearing_server.services.reminding.notices import Address

Reach = dict[PersonId, dict[Channel, list[Address]]]


async def addresses_of(unit: Unit, vault: Vault, person_ids: list[PersonId]) -> Reach:
    """Usable addresses per person and channel; two queries for any number of people.

    The phone of the file serves SMS and voice calls. It was given when the case was filed, by the party themselves or
    by somebody else: as an address of service it counts as "found" (在线诉讼规则 art 31).
    """
    reach: Reach = {person_id: defaultdict(list) for person_id in person_ids}
    for person_id, person in (await unit.people.many(person_ids)).items():
        if person.phone_sealed is not None:
            phone = vault.open(person.phone_sealed, context=f"persons.phone:{person_id}")
            for channel in (Channel.SMS, Channel.VOICE):
                reach[person_id][channel].append(Address(channel.value, phone, origin="found"))
    for contact in await unit.contacts.of_people(person_ids):
        if contact.is_usable:
            to = vault.open(contact.address_sealed, context=f"contacts.address:{contact.id}")
            found = Address(contact.channel, to, contact.id, contact.origin)
            reach[contact.person_id][Channel(contact.channel)].append(found)
    return reach
