"""What every step of an exhibit leaves behind: the row, its act, the bell; and how it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.canonical_json import JsonObject, JsonValue
from hearing_server.domain.exhibits.exhibit_view import exhibit_view
from hearing_server.domain.exhibits.exhibits import Exhibit
from hearing_server.domain.exhibits.opinions import Opinion
from hearing_server.domain.exhibits.sight import Sight, Viewer, is_stub_news, may_see
from hearing_server.domain.roles import Capacity
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, PersonId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit
from hearing_server.services.access import SeenExhibit
from hearing_server.services.acts import record_act

# Word of the bell's note: also those who see only the stub can tell that something changed.
FOR_ALL = "for_all"


async def keep(
    unit: Unit,
    actor: Actor,
    case: Case,
    after: Exhibit,
    kind: ActKind,
    *,
    at: datetime,
    before: Exhibit | None,
    details: JsonObject | None = None,
) -> None:
    """Write the exhibit as it is now, its act and the bell, in the caller's unit."""
    await unit.exhibits.save(after)
    await record_act(
        unit,
        actor,
        kind=kind,
        chain_id=case.id,
        at=at,
        payload={
            "exhibit_id": after.id,
            "number": after.label.zh if after.label else "",
            "version": after.version,
            "sha256": after.sha256,
            "parties": act_readers(case, after),
            **(details or {}),
        },
        objects=[ActObject(file.sha256, file.size_bytes) for file in after.content.files]
        if kind in (ActKind.EXHIBIT_SUBMITTED, ActKind.EXHIBIT_EXCHANGED)
        else (),
    )
    ring(unit, after, before)


def ring(unit: Unit, after: Exhibit, before: Exhibit | None) -> None:
    """Tell live pages after the commit."""
    note = ((FOR_ALL, "1"),) if is_stub_news(before, after) else ()
    unit.ring(Doorbell("exhibit_changed", after.id, note))


def act_readers(case: Case, exhibit: Exhibit) -> JsonValue:
    """The parties who may read an act of this exhibit now; None: all of the case."""
    if exhibit.is_for_all:
        return None
    return [
        party.id
        for party in case.parties
        if may_see(exhibit, Viewer(party.person.id, is_court=False, party_ids=frozenset({party.id})))
        is Sight.FULL
    ]


async def names_of(
    unit: Unit, exhibits: Iterable[Exhibit], opinions: Iterable[Opinion]
) -> dict[PersonId, str]:
    """Everybody who did something with them, also those who have left the case."""
    people = {step.by for exhibit in exhibits for step in exhibit.steps}
    people |= {opinion.person_id for opinion in opinions}
    found = await unit.people.many(sorted(people)) if people else {}
    return {person_id: person.name for person_id, person in found.items()}


async def answer(unit: Unit, seen: SeenExhibit, now: Exhibit) -> dict[str, object]:
    """The exhibit as the person who changed it gets it."""
    return await view(unit, now, seen.case, seen.viewer, seen.capacity)


async def view(
    unit: Unit, exhibit: Exhibit, case: Case, viewer: Viewer, capacity: Capacity
) -> dict[str, object]:
    """One exhibit for somebody who may know of it."""
    opinions = await unit.exhibits.opinions_of(exhibit.id)
    names = await names_of(unit, [exhibit], opinions)
    found = exhibit_view(exhibit, case, viewer, capacity, opinions=opinions, names=names)
    assert found is not None, "who came through the door sees something"
    return found
