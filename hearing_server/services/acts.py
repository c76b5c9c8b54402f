"""The act log as a use-case: every legally relevant act is a chained row in the commit of its business."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.acts import (
    NO_PREVIOUS,
    SALT_BYTES,
    Act,
    ActKind,
    ActObject,
    seal_act,
    verify_chain,
)
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.exhibits.sight import viewer_of
from hearing_server.domain.hearing.hearings import BEFORE_THE_END, Hearing
from hearing_server.domain.trust.act_readers import ActReader
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import ActId, Actor, PersonId, new_id
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_case

# A page of the act log, and how many acts one check of the chain reads at a time.
PAGE = 200
_STRETCH = 1000


@dataclass(frozen=True, slots=True)
class ActPage:
    """Some acts of a chain with their actors' names; `is_intact` speaks of the whole chain.

    `withheld`: numbers of the acts whose actor and content are not for this reader.
    """

    acts: tuple[Act, ...]
    names: dict[str, str]
    is_intact: bool
    broken_seq: int | None
    withheld: frozenset[int] = frozenset()


async def record_act(
    unit: Unit,
    actor: Actor,
    *,
    kind: ActKind,
    chain_id: str,
    at: datetime,
    payload: JsonObject,
    objects: Sequence[ActObject] = (),
) -> Act:
    """Append one act in the caller's unit: it commits with the business or not at all.

    `chain_id` is the case, or the court for what belongs to no case. `payload` is shown to those who may see the
    chain; the entry holds only commitments to it.
    """
    act = seal_act(
        id=ActId(new_id("act")),
        court_code=actor.court_id,
        chain_id=chain_id,
        head=await unit.acts.lock_head(chain_id),
        kind=kind,
        at=at,
        actor_id=actor.person_id,
        role=actor.role.value,
        payload=payload,
        salt=secrets.token_bytes(SALT_BYTES),
        objects=objects,
    )
    await unit.acts.append(act)
    return act


async def acts_of(unit: Unit, chain_id: str) -> list[Act]:
    """The whole chain, for papers that hold all of it."""
    found: list[Act] = []
    while stretch := await unit.acts.after(chain_id, found[-1].case_seq if found else 0, _STRETCH):
        found += stretch
    return found


class ActLog:
    """Reading the log of a case."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def of_case(self, actor: Actor, case_id: str, *, after_seq: int) -> ActPage:
        """A page of the case's acts after `after_seq`, and whether the whole chain holds."""
        async with self._units.read() as unit:
            case, member = await access_case(unit, actor, case_id)
            reader = await act_reader(unit, actor, case, member)
            page = await unit.acts.after(case.id, after_seq, PAGE)
            broken_seq = await _first_break(unit, case.id)
            people = await unit.people.many([PersonId(act.actor_id) for act in page])
        names = {str(person_id): person.name for person_id, person in people.items()}
        withheld = frozenset(act.case_seq for act in page if not reader.may_read(act))
        return ActPage(tuple(page), names, broken_seq is None, broken_seq, withheld)


async def act_reader(unit: Unit, actor: Actor, case: Case, member: CaseMember | None) -> ActReader:
    """Whose eyes this person has for the acts of the case."""
    if actor.is_staff:
        return ActReader(actor.person_id, is_staff=True)
    entered = [hearing for hearing in await unit.hearings.of_case(case.id) if _is_inside(hearing, actor)]
    lanes = await unit.space.lanes_of_cases([case.id])
    viewer = viewer_of(case, actor.person_id)
    return ActReader(
        actor.person_id,
        is_staff=False,
        hearings=frozenset(hearing.id for hearing in entered),
        lanes={lane.id: seq for lane in lanes if (seq := lane.first_seq_for(member)) is not None},
        parties=frozenset(viewer.party_ids) if viewer else frozenset(),
    )


def _is_inside(hearing: Hearing, actor: Actor) -> bool:
    person = hearing.find(actor.person_id)
    return hearing.state not in BEFORE_THE_END or (person is not None and person.is_admitted)


async def _first_break(unit: Unit, chain_id: str) -> int | None:
    # Read first: acts that are appended meanwhile only make the chain longer.
    known_seq, known_sha256 = await unit.acts.head(chain_id)
    head = (0, NO_PREVIOUS)
    while stretch := await unit.acts.after(chain_id, head[0], _STRETCH):
        report = verify_chain(stretch, after=head)
        if not report.is_intact:
            return report.broken_seq
        head = (stretch[-1].case_seq, stretch[-1].entry_sha256)
    if head[0] < known_seq:
        # The newest acts are gone: no link of those that are left says so.
        return head[0] + 1
    return known_seq if head[0] == known_seq and head[1] != known_sha256 else None
