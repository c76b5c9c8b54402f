"""变更诉讼代理人: who acts for a party, and until when. Who leaves is out everywhere in the same commit."""

from __future__ import annotations

import logging
from contextlib import suppress

from hearing_server.domain.acts import ActKind
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import HearingError
from hearing_server.filing.cases import Case, PartyKind, Representation
from hearing_server.filing.docket import DocketKind
from hearing_server.filing.intake import RepresentativeIntake
from hearing_server.kernel import Actor, Clock, PartyId, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import RoomEngine
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.private_lanes import drop_from_mediations
from hearing_server.services.cases.cases import CaseFiling
from hearing_server.services.docket import enter_docket
from hearing_server.services.hearing.hearings import Hearings

_log = logging.getLogger(__name__)


class Representatives:
    """Use-cases of the clerk who is shown a 授权委托书 or its revocation."""

    def __init__(
        self, units: Units, clock: Clock, filing: CaseFiling, hearings: Hearings, rooms: RoomEngine
    ) -> None:
        self._units = units
        self._clock = clock
        self._filing = filing
        self._hearings = hearings
        self._rooms = rooms

    async def add(self, actor: Actor, case_id: str, party_id: str, new: RepresentativeIntake) -> Case:
        """One more agent of a party; they come into its coming hearings and read its lanes from the first event.

        Errors: NotFound, Forbidden; Conflict `case.closed`, `case.person_already_on_case`,
        `case.too_many_representatives`; Invalid with fields.
        """
        async with self._units.write() as unit:
            case = await self._case(unit, actor, case_id)
            person = await self._filing.take_person(unit, actor, PartyKind.NATURAL, new, "")
            agent = Representation(PartyId(new_id("rep")), person, new.authority)
            changed = case.with_representative(PartyId(party_id), agent)
            await unit.cases.add_representative(case.id, PartyId(party_id), agent)
            await self._note(unit, actor, changed, agent, DocketKind.REPRESENTATIVE_ADDED)
            await self._hearings.take_in(unit, actor, changed)
            hearings = [hearing.id for hearing in await unit.hearings.of_case(case.id)]
        for hearing_id in hearings:
            # Back after having been an agent before: the room may know them as sent out.
            with suppress(HearingError):
                await self._rooms.readmit(hearing_id, agent.person.id)
        return changed

    async def end(self, actor: Actor, case_id: str, agent_id: str) -> Case:
        """An agency ends. Unless another one keeps them on the case, the person loses lanes, files and seat at once.

        Errors: NotFound, Forbidden; Conflict `case.closed`.
        """
        async with self._units.write() as unit:
            case = await self._case(unit, actor, case_id)
            changed, _, agent = case.without_representative(PartyId(agent_id))
            await unit.cases.end_representation(agent.id, now=self._clock.utc_now())
            await self._note(unit, actor, changed, agent, DocketKind.REPRESENTATIVE_ENDED)
            left = []
            if changed.member(agent.person.id) is None:
                await drop_from_mediations(unit, actor, case, changed, agent.person.id, clock=self._clock)
                left = await self._hearings.drop_out(unit, actor, changed, agent.person.id)
        for hearing_id in left:
            try:
                await self._rooms.remove(hearing_id, agent.person.id, reason="removed")
            except HearingError as error:
                _log.info("no seat to clear", extra={"code": error.code})
        return changed

    async def _case(self, unit: Unit, actor: Actor, case_id: str) -> Case:
        case, member = await access_case(unit, actor, case_id, lock=True)
        require(capacity_of(actor.role, member.role if member else None), Action.REPRESENTATION_CHANGE)
        return case

    async def _note(
        self, unit: Unit, actor: Actor, case: Case, agent: Representation, kind: DocketKind
    ) -> None:
        now = self._clock.utc_now()
        is_new = kind is DocketKind.REPRESENTATIVE_ADDED
        await enter_docket(unit, actor, case.id, kind, at=now, detail=agent.person.name)
        await record_act(
            unit, actor, kind=ActKind.REPRESENTATIVE_ADDED if is_new else ActKind.REPRESENTATIVE_ENDED,
            chain_id=case.id, at=now, payload={"representative_id": agent.id, "person_ids": [agent.person.id]},
        )  # fmt: skip
        unit.ring(Doorbell("case_changed", case.id))
