"""Hearings before and around the room: schedule, invite, cancel, consent, self-test, look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.hearing import attendance
from hearing_server.domain.hearing.consents import ConsentStage, Decision, decide
from hearing_server.domain.hearing.hearings import BEFORE_THE_END, Hearing, cancel
from hearing_server.domain.hearing.planning import move, schedule
from hearing_server.domain.progress.nodes import NodeKind
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, HearingId, PersonId, Role, new_id, to_wire
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import SeenHearing, access_case, access_hearing
from hearing_server.services.acts import record_act
from hearing_server.services.docket import enter_docket
from hearing_server.services.hearing.changes import act_of, save_change
from hearing_server.services.hearing.door_rate import DoorRate
from hearing_server.services.identity.invitations import AFTERLIFE, issue_invitation
from hearing_server.services.progress.node_pushes import post_node
from hearing_server.services.reminding.notices import queue_sms
from hearing_server.services.reminding.reminders import Reminding


class Hearings:
    """Use-cases outside the running room."""

    def __init__(
        self,
        units: Units,
        vault: Vault,
        clock: Clock,
        profile: CourtProfile,
        link: Callable[[str], str],
        reminders: Reminding,
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._door_rate = DoorRate(clock)
        self._profile = profile
        # From an invitation's token to the address in the SMS.
        self._link = link
        self._reminders = reminders

    async def schedule(
        self, actor: Actor, case_id: str, *, title: str, starts_at: datetime, duration_min: int
    ) -> SeenHearing:
        """排期: a card for the case, an SMS with a link for every party. Errors as domain.hearings.schedule."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, member = await access_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role if member else None), Action.HEARING_SCHEDULE)
            hearing, facts = schedule(
                case,
                hearing_id=HearingId(new_id("hrg")),
                title=title,
                starts_at=starts_at,
                duration_min=duration_min,
                now=now,
            )
            await unit.hearings.add(hearing)
            for fact in facts:
                await act_of(unit, actor, hearing, fact, at=now)
            when = self._local(hearing.starts_at)
            await enter_docket(
                unit, actor, case.id, DocketKind.HEARING_SCHEDULED, at=now, detail=f"{title} {when}"
            )
            await post_node(
                unit, actor, case.id, NodeKind.HEARING_SCHEDULED, _facts(hearing), key=hearing.id, now=now
            )
            for participant in hearing.participants:
                if not participant.is_court:
                    await self._invite(unit, hearing, case, participant.person_id, now=now)
            unit.ring(Doorbell("case_changed", case.id))
        return SeenHearing(hearing, case, member)

    async def take_in(self, unit: Unit, actor: Actor, case: Case) -> None:
        """People new on the case come into its coming hearings and get their links, in the caller's unit."""
        now = self._clock.utc_now()
        for hearing in await unit.hearings.of_case(case.id):
            newcomers = [member for member in case.members() if hearing.find(member.person_id) is None]
            if hearing.state not in BEFORE_THE_END or not newcomers:
                continue
            taken_in = hearing
            for member in case.members():
                taken_in = attendance.add_member(taken_in, member)
            await unit.hearings.save(taken_in, read_version=hearing.version)
            for member in newcomers:
                await self._invite(unit, taken_in, case, member.person_id, now=now)
                await record_act(
                    unit, actor, kind=ActKind.INVITATION_SENT, chain_id=case.id, at=now,
                    payload={"hearing_id": hearing.id, "person_ids": [member.person_id]},
                )  # fmt: skip
            unit.ring(Doorbell("hearing_changed", hearing.id))

    async def drop_out(self, unit: Unit, actor: Actor, case: Case, person_id: PersonId) -> list[HearingId]:
        """Somebody has left the case: out of its coming and running hearings, in the caller's unit.

        Answers those hearings; the caller clears the person's seats after the commit.
        """
        now = self._clock.utc_now()
        found = []
        for hearing in await unit.hearings.of_case(case.id):
            if hearing.state not in BEFORE_THE_END or hearing.find(person_id) is None:
                continue
            await save_change(
                unit, actor, hearing, attendance.drop_member(hearing, person_id, at=now), at=now
            )
            # Also when nothing is stored: pages that show the hearing to the person are closed by it.
            unit.ring(Doorbell("hearing_changed", hearing.id))
            found.append(hearing.id)
        return found

    async def invite_again(self, actor: Actor, hearing_id: str, person_id: str) -> None:
        """A new link by SMS; the old one is dead."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.INVITATION_SEND)
            person = seen.hearing.participant(PersonId(person_id))
            await self._invite(unit, seen.hearing, seen.case, person.person_id, now=now)
            await record_act(
                unit,
                actor,
                kind=ActKind.INVITATION_SENT,
                chain_id=seen.case.id,
                at=now,
                payload={"hearing_id": seen.hearing.id, "person_ids": [person.person_id]},
            )

    async def cancel(self, actor: Actor, hearing_id: str, *, reason: str) -> SeenHearing:
        """取消: links die, everybody is told."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.HEARING_CANCEL)
            after = await save_change(
                unit, actor, seen.hearing, cancel(seen.hearing, at=now, reason=reason), at=now
            )
            await enter_docket(unit, actor, seen.case.id, DocketKind.HEARING_CANCELLED, at=now, detail=reason)
            await post_node(
                unit, actor, seen.case.id, NodeKind.HEARING_CANCELLED,
                {"hearing_id": after.id, "title": after.title}, key=after.id, now=now,
            )  # fmt: skip
            await self._reminders.document_changed(unit, actor, seen.case, "hearing", after.id, now=now)
            for participant in after.participants:
                if not participant.is_court:
                    text = (
                        f"【{seen.case.court.name}】{seen.case.number}原定{self._local(after.starts_at)}"
                        "的在线庭审已取消，另行通知。"
                    )
                    await queue_sms(
                        unit, self._vault, person_id=participant.person_id, body=text,
                        dedup_key=f"cancel:{after.id}:{participant.person_id}", now=now,
                    )  # fmt: skip
            unit.ring(Doorbell("case_changed", seen.case.id))
        return SeenHearing(after, seen.case, seen.member)

    async def move(
        self, actor: Actor, hearing_id: str, *, starts_at: datetime, duration_min: int
    ) -> SeenHearing:
        """改期: new links by SMS (the old ones' time is over), a card and a push; whoever was reminded is asked anew.

        Errors: as domain.hearing.planning.move.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.HEARING_MOVE)
            change = move(seen.hearing, at=now, starts_at=starts_at, duration_min=duration_min)
            after = await save_change(unit, actor, seen.hearing, change, at=now)
            if after == seen.hearing:
                return seen
            when = self._local(after.starts_at)
            await enter_docket(
                unit, actor, seen.case.id, DocketKind.HEARING_MOVED, at=now, detail=f"{after.title} {when}"
            )
            await post_node(
                unit, actor, seen.case.id, NodeKind.HEARING_MOVED, _facts(after),
                key=f"{after.id}:{after.version}", now=now,
            )  # fmt: skip
            for participant in after.participants:
                if not participant.is_court:
                    await self._invite(unit, after, seen.case, participant.person_id, now=now)
            await self._reminders.document_changed(unit, actor, seen.case, "hearing", after.id, now=now)
        return SeenHearing(after, seen.case, seen.member)

    async def get(self, actor: Actor, hearing_id: str) -> SeenHearing:
        async with self._units.read() as unit:
            return await access_hearing(unit, actor, hearing_id)

    async def of_case(self, actor: Actor, case_id: str) -> list[Hearing]:
        async with self._units.read() as unit:
            case, _ = await access_case(unit, actor, case_id)
            return await unit.hearings.of_case(case.id)

    async def mine(self, actor: Actor) -> list[tuple[Hearing, Case]]:
        """Hearings of the cases the actor sees, by time."""
        async with self._units.read() as unit:
            if actor.role in (Role.CLERK, Role.PRESIDENT):
                cases = await unit.cases.of_court(actor.court_id)
            else:
                cases = await unit.cases.of_person(actor.person_id)
            by_id = {case.id: case for case in cases}
            hearings = await unit.hearings.of_cases(list(by_id))
        return [(hearing, by_id[hearing.case_id]) for hearing in hearings]

    async def decide_consent(
        self, actor: Actor, hearing_id: str, *, stage: ConsentStage, decision: Decision, text_version: str
    ) -> SeenHearing:
        """A person's decision, kept with version and hash of the text that was shown.

        Errors: RateLimited `door.too_fast`.
        """
        self._door_rate.spend(actor.person_id)
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.CONSENT_DECIDE)
            consent = decide(
                hearing_id=seen.hearing.id, person_id=actor.person_id, stage=stage,
                decision=decision, text_version=text_version, at=now,
            )  # fmt: skip
            after, _ = attendance.note_consent(seen.hearing, consent)
            await unit.hearings.save(after, read_version=seen.hearing.version)
            await record_act(
                unit,
                actor,
                kind=ActKind.CONSENT_DECIDED,
                chain_id=seen.case.id,
                at=now,
                payload={
                    "hearing_id": after.id,
                    "stage": stage.value,
                    "decision": decision.value,
                    "text_version": consent.text_version,
                    "text_sha256": consent.text_sha256,
                },
            )
            unit.ring(Doorbell("hearing_changed", after.id))
        return SeenHearing(after, seen.case, seen.member)

    async def note_self_test(
        self, actor: Actor, hearing_id: str, *, camera: bool, microphone: bool, playback: bool
    ) -> SeenHearing:
        """What trying camera and microphone gave, one's own word. Errors: RateLimited `door.too_fast`."""
        self._door_rate.spend(actor.person_id)
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.SELF_TEST)
            change = attendance.note_self_test(
                seen.hearing, actor.person_id, camera=camera, microphone=microphone, playback=playback, at=now
            )
            after = await save_change(unit, actor, seen.hearing, change, at=now)
        return SeenHearing(after, seen.case, seen.member)

    async def _invite(
        self, unit: Unit, hearing: Hearing, case: Case, person_id: PersonId, *, now: datetime
    ) -> None:
        ends = hearing.starts_at + timedelta(minutes=hearing.duration_min) + AFTERLIFE
        token = await issue_invitation(
            unit, hearing_id=hearing.id, person_id=person_id, now=now, expires_at=ends
        )
        text = (
            f"【{case.court.name}】您有一场在线庭审，时间{self._local(hearing.starts_at)}。"
            f"请提前打开链接核验身份并测试设备：{self._link(token)} 。链接仅限本人使用，请勿转发。"
        )
        await queue_sms(
            unit, self._vault, person_id=person_id, body=text, dedup_key=f"invite:{new_id('inv')}", now=now
        )

    def _local(self, moment: datetime) -> str:
        there = moment.astimezone(self._profile.time_zone)
        return f"{there.month}月{there.day}日{there:%H:%M}"


def _facts(hearing: Hearing) -> JsonObject:
    return {"hearing_id": hearing.id, "title": hearing.title, "starts_at": to_wire(hearing.starts_at)}
