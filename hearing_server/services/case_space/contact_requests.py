"""Asking to be contacted, and the clerks' queue that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.contact_requests import (
    ContactRequest,
    ContactStep,
    ContactTopic,
    ContactWay,
    answer,
    ask,
    finish,
    run_late,
    take,
    withdraw,
)
from hearing_server.domain.roles import Action, can, capacity_of, require
from hearing_server.errors import Conflict, NotFound, RateLimited
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import (
    Actor,
    CaseId,
    Clock,
    ContactRequestId,
    CourtId,
    PersonId,
    new_id,
    system_actor,
    to_wire,
)
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import access_case, access_member_case
from hearing_server.services.acts import record_act

# One screen of a desk; what is due first comes first.
_QUEUE = 100
_BATCH = 50
_DAY = timedelta(days=1)
_Change = Callable[[ContactRequest, datetime], ContactRequest]


@dataclass(frozen=True, slots=True)
class ContactNews:
    """A request changed: who asked, and whose court it is."""

    case_id: CaseId
    asker_id: PersonId
    court_id: CourtId


class ContactDesk:
    """Use-cases of requests for contact."""

    def __init__(
        self, units: Units, vault: Vault, clock: Clock, court_id: CourtId, *, per_day: int, due_h: int
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._system = system_actor(court_id)
        self._per_day = per_day
        self._due_h = due_h

    async def ask(
        self,
        actor: Actor,
        case_id: str,
        *,
        topic: ContactTopic,
        text: str,
        way: ContactWay,
        from_at: datetime | None,
        until_at: datetime | None,
    ) -> dict[str, object]:
        """Errors: NotFound, Forbidden `right.missing`, RateLimited `contact.too_many`, Invalid `contact.…`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role), Action.CONTACT_ASK)
            # Two taps at once wait for each other here, and are counted.
            await unit.acts.lock_head(case.id)
            since = await unit.contact_requests.asked_since(case.id, actor.person_id, since=now - _DAY)
            if since >= self._per_day:
                raise RateLimited(
                    "contact.too_many",
                    zh=f"每案每天最多提交 {self._per_day} 次联系请求，急事请致电法院",
                    en=f"At most {self._per_day} requests a day in a case; call the court if it is urgent",
                    retry_after_s=3600,
                )
            request = ask(
                id=ContactRequestId(new_id("ctr")), case_id=case.id, court_id=case.court.id,
                asker_id=actor.person_id, topic=topic, text=text, way=way,
                from_at=from_at, until_at=until_at, at=now, due_h=self._due_h,
            )  # fmt: skip
            await unit.contact_requests.add(request)
            await _record(unit, actor, ActKind.CONTACT_ASKED, request, now)
            return (await _views(unit, [(case, request)]))[0]

    async def of_case(self, actor: Actor, case_id: str) -> list[dict[str, object]]:
        """The actor's own requests in the case; all of them for the clerks and the judge of the case."""
        async with self._units.read() as unit:
            case, member = await access_case(unit, actor, case_id)
            capacity = capacity_of(actor.role, member.role if member else None)
            require(capacity, Action.CONTACT_SEE)
            of_person = None if can(capacity, Action.CONTACT_SEE_ALL) else actor.person_id
            found = await unit.contact_requests.of_case(case.id, asker_id=of_person)
            return await _views(unit, [(case, request) for request in found])

    async def queue(self, actor: Actor) -> list[dict[str, object]]:
        """What waits for the clerks of the actor's court, the earliest due first."""
        async with self._units.read() as unit:
            require(capacity_of(actor.role, None), Action.CONTACT_ANSWER)
            found = await unit.contact_requests.open_of_court(actor.court_id, limit=_QUEUE)
            cases = {case_id: await unit.cases.get(case_id) for case_id in {one.case_id for one in found}}
            pairs = [(case, one) for one in found if (case := cases[one.case_id]) is not None]
            return await _views(unit, pairs)

    async def take(self, actor: Actor, request_id: str) -> dict[str, object]:
        """Errors: NotFound, Forbidden `right.missing`, Conflict `contact.not_open`."""
        return await self._by_clerk(
            actor,
            request_id,
            ActKind.CONTACT_TAKEN,
            lambda request, now: take(request, clerk=actor.person_id, at=now),
        )

    async def phone(self, actor: Actor, request_id: str) -> str:
        """The number to call, for the clerk who took the request; each look is an act.

        Errors: NotFound (no number, too), Forbidden `right.missing`, Conflict `contact.not_taken`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            request, _, member = await self._access(unit, actor, request_id)
            require(capacity_of(actor.role, member.role if member else None), Action.CONTACT_ANSWER)
            if request.taken is None or request.taken.by != actor.person_id:
                raise Conflict(
                    "contact.not_taken", zh="请先接单再查看电话", en="Take the request first, then the number"
                )
            asker = await unit.people.get(request.asker_id)
            if asker is None or asker.phone_sealed is None:
                raise NotFound
            await _record(unit, actor, ActKind.CONTACT_PHONE_SEEN, request, now)
        return self._vault.open(asker.phone_sealed, context=f"persons.phone:{asker.id}")

    async def answer(self, actor: Actor, request_id: str, *, text: str, way: ContactWay) -> dict[str, object]:
        """Errors: NotFound, Forbidden `right.missing`, Conflict `contact.not_open`, Invalid `contact.answer`."""
        return await self._by_clerk(
            actor,
            request_id,
            ActKind.CONTACT_ANSWERED,
            lambda request, now: answer(request, clerk=actor.person_id, text=text, way=way, at=now),
        )

    async def finish(self, actor: Actor, request_id: str) -> dict[str, object]:
        """Errors: NotFound, Forbidden `right.missing`, Conflict `contact.not_answered`."""
        return await self._by_clerk(
            actor,
            request_id,
            ActKind.CONTACT_DONE,
            lambda request, now: finish(request, by=actor.person_id, at=now),
        )

    async def withdraw(self, actor: Actor, request_id: str) -> dict[str, object]:
        """Errors: NotFound, Forbidden `right.missing`, Conflict `contact.not_open`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            before, case, member = await self._access(unit, actor, request_id)
            require(capacity_of(actor.role, member.role if member else None), Action.CONTACT_ASK)
            if before.asker_id != actor.person_id:
                raise NotFound
            after = withdraw(before, at=now)
            return await self._save(unit, actor, case, before, after, ActKind.CONTACT_WITHDRAWN, now)

    async def run_late_due(self) -> int:
        """Job: requests nobody answered in time get a clerk's name; how many were looked at."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            due = await unit.contact_requests.due(now, _BATCH)
        for request_id in due:
            async with self._units.write() as unit:
                before = await unit.contact_requests.get(request_id, lock=True)
                case = await unit.cases.get(before.case_id) if before else None
                if before is None or case is None:
                    continue
                after = run_late(before, clerk=case.clerk.id if case.clerk else None, at=now)
                await self._save(unit, self._system, case, before, after, ActKind.CONTACT_OVERDUE, now)
        return len(due)

    async def news(self, request_id: str) -> ContactNews | None:
        """For those who tell live pages."""
        async with self._units.read() as unit:
            request = await unit.contact_requests.get(ContactRequestId(request_id))
        return ContactNews(request.case_id, request.asker_id, request.court_id) if request else None

    async def _by_clerk(
        self, actor: Actor, request_id: str, kind: ActKind, change: _Change
    ) -> dict[str, object]:
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            before, case, member = await self._access(unit, actor, request_id)
            require(capacity_of(actor.role, member.role if member else None), Action.CONTACT_ANSWER)
            return await self._save(unit, actor, case, before, change(before, now), kind, now)

    async def _access(
        self, unit: Unit, actor: Actor, request_id: str
    ) -> tuple[ContactRequest, Case, CaseMember | None]:
        """The door: the asker, and those of the court who may see the case."""
        request = await unit.contact_requests.get(ContactRequestId(request_id), lock=True)
        if request is None:
            raise NotFound
        case, member = await access_case(unit, actor, request.case_id)
        capacity = capacity_of(actor.role, member.role if member else None)
        if request.asker_id != actor.person_id and not can(capacity, Action.CONTACT_SEE_ALL):
            raise NotFound
        return request, case, member

    async def _save(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        before: ContactRequest,
        after: ContactRequest,
        kind: ActKind,
        now: datetime,
    ) -> dict[str, object]:
        if after != before:
            await unit.contact_requests.save(after)
            await _record(unit, actor, kind, after, now)
        return (await _views(unit, [(case, after)]))[0]


async def _record(unit: Unit, actor: Actor, kind: ActKind, request: ContactRequest, now: datetime) -> None:
    await record_act(
        unit,
        actor,
        kind=kind,
        chain_id=request.case_id,
        at=now,
        # `person_ids`: whose eyes the act is for beside the court's.
        payload={
            "contact_request_id": request.id,
            "topic": request.topic.value,
            "state": request.state.value,
            "person_ids": [request.asker_id],
        },
    )
    unit.ring(Doorbell("contact_changed", request.id))


async def _views(unit: Unit, pairs: Sequence[tuple[Case, ContactRequest]]) -> list[dict[str, object]]:
    people = await unit.people.many(sorted(set(_people(request for _, request in pairs))))
    names = {person_id: person.name for person_id, person in people.items()}

    def step(done: ContactStep | None) -> dict[str, object] | None:
        return (
            {"person_id": done.by, "name": names.get(done.by, ""), "at": to_wire(done.at)} if done else None
        )

    def view(case: Case, request: ContactRequest) -> dict[str, object]:
        asker = case.member(request.asker_id)
        return {
            "id": request.id,
            "case": {"id": case.id, "number": str(case.number), "cause": case.cause},
            "asker": {
                "person_id": request.asker_id,
                "name": names.get(request.asker_id, ""),
                "label": asker.label.zh if asker else "",
                "label_en": asker.label.en if asker else "",
            },
            "topic": request.topic.value,
            "text": request.text,
            "way": request.way.value,
            "from_at": request.from_at,
            "until_at": request.until_at,
            "asked_at": request.asked_at,
            "due_at": request.due_at,
            "state": request.state.value,
            "taken": step(request.taken),
            "answered": step(request.answered),
            "answer": request.answer or None,
            "answered_way": request.answered_way.value if request.answered_way else None,
            "done": step(request.done),
            "overdue_at": request.overdue_at,
            "assigned_to": names.get(request.assigned_to) if request.assigned_to else None,
        }

    return [view(case, request) for case, request in pairs]


def _people(requests: Iterable[ContactRequest]) -> Iterable[PersonId]:
    for request in requests:
        yield request.asker_id
        for done in (request.taken, request.answered, request.done):
            if done is not None:
                yield done.by
        if request.assigned_to is not None:
            yield request.assigned_to
