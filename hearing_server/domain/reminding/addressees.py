"""On whom a reminder falls: the party, the agents who stand in for them, or both.

Source: 民诉法 art 88 (service on an agent is service on the party), art 61 (one or two agents each).
"""

from __future__ import annotations

from collections.abc import Iterable

from hearing_server.domain.reminding.grounds import Addressee
from hearing_server.filing.cases import Case, Party
from hearing_server.kernel import PersonId

Recipients = dict[PersonId, tuple[PersonId, ...]]


def obliged_people(case: Case, chosen: Iterable[PersonId], addressee: Addressee) -> Recipients:
    """Each obliged person with the parties they stand for; whoever was chosen by name stays chosen.

    An agent for two chosen parties has one obligation for both.
    """
    parties = {party.person.id: party for party in case.parties}
    found: Recipients = {}
    for person_id in chosen:
        party = parties.get(person_id)
        agents = _agents(party) if party is not None and addressee is not Addressee.PERSON else []
        if not agents or addressee is Addressee.BOTH:
            found.setdefault(person_id, ())
        for agent in agents:
            found[agent] = tuple(dict.fromkeys((*found.get(agent, ()), person_id)))
    return found


def _agents(party: Party) -> list[PersonId]:
    return [agent.person.id for agent in party.representatives]
