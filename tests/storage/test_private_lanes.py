"""Sealed lanes, mediations and agencies on both databases: one per side, and nothing by who has left."""

from __future__ import annotations

import asyncio

import pytest

from hearing_server.domain.case_space.amendments import PostingRules
from hearing_server.domain.case_space.lanes import LaneKind, SealedGround
from hearing_server.domain.case_space.messages import EventType, first_broken_seq
from hearing_server.errors import Conflict, NotFound
from hearing_server.filing.cases import Case
from hearing_server.kernel import LaneId, Role, SystemClock
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.case_space.private_lanes import PrivateLanes
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.test_lanes import actor, filed, lane_of, space  # noqa: F401 - fixtures
from tests.unit.court_pieces import AGENT, DEFENDANT, JUDGE, NOW, PLAINTIFF

JUDGE_ACTOR = actor(JUDGE, Role.JUDGE)


async def post(space: CaseSpace, person: object, lane: str, number: int) -> dict[str, object]:  # noqa: F811
    return await space.post(
        person, lane, client_id=f"client-{number:04d}", type=EventType.TEXT, body={"text": f"第{number}条"}  # type: ignore[arg-type]
    )  # fmt: skip


async def test_sealed__opened_at_once_by_a_party_and_its_agent__is_one_lane(
    units: SqlUnits, filed: Case  # noqa: F811
) -> None:  # fmt: skip
    lanes = PrivateLanes(units, SystemClock())
    made = await asyncio.gather(
        *(
            lanes.open_sealed(actor(person), filed.id, ground=SealedGround.PRIVACY)
            for person in (DEFENDANT, AGENT, DEFENDANT, AGENT)
        )
    )
    other = await lanes.open_sealed(actor(PLAINTIFF), filed.id, ground=SealedGround.TRADE_SECRET)
    async with units.read() as unit:
        acts = [act.kind.value for act in await unit.acts.after(filed.id, 0, 50)]
        stored = await unit.space.lanes_of_cases([filed.id])
    assert len({lane["lane"] for lane in made}) == 1
    assert other["lane"] != made[0]["lane"]
    assert acts.count("lane.sealed_opened") == 2
    assert sorted(lane.slot for lane in stored if lane.kind is LaneKind.SEALED) == ["defendant", "plaintiff"]


async def test_sealed__many_posts_at_once__leave_as_many_stubs_in_one_unbroken_chain(
    units: SqlUnits, filed: Case, space: CaseSpace  # noqa: F811
) -> None:  # fmt: skip
    lanes = PrivateLanes(units, SystemClock())
    ours = str((await lanes.open_sealed(actor(DEFENDANT), filed.id, ground=SealedGround.PRIVACY))["lane"])
    public = await lane_of(units, filed)
    await asyncio.gather(
        *(post(space, actor(DEFENDANT), ours, number) for number in range(12)),
        *(post(space, actor(PLAINTIFF), public, number) for number in range(12)),
        *(post(space, JUDGE_ACTOR, ours, number) for number in range(12)),
    )
    async with units.read() as unit:
        secret = await unit.space.events(LaneId(ours), limit=100)
        told = await unit.space.events(public, limit=100)
    stubs = [event.body for event in told if event.body.get("card") == "sealed_stub"]
    assert (first_broken_seq(secret), first_broken_seq(told)) == (None, None)
    assert len(secret) == len(stubs) == 24
    assert {stub["sha256"] for stub in stubs} == {event.hash.hex() for event in secret}
    assert "第" not in "".join(str(stub) for stub in stubs)


async def test_mediation__let_out_and_in_again__reads_from_their_last_coming(
    units: SqlUnits, filed: Case, space: CaseSpace  # noqa: F811
) -> None:  # fmt: skip
    lanes = PrivateLanes(units, SystemClock())
    made = await lanes.open_mediation(
        JUDGE_ACTOR, filed.id, person_ids=[PLAINTIFF, DEFENDANT, AGENT], title="调解", is_agreed=False
    )
    lane = str(made["lane"])
    await post(space, actor(AGENT), lane, 1)
    before = await space.unread(actor(AGENT), [filed.id])
    await lanes.let_out(JUDGE_ACTOR, lane, AGENT)
    with pytest.raises(NotFound):
        await space.history(actor(AGENT), lane, limit=10)
    with pytest.raises(NotFound):
        await post(space, actor(AGENT), lane, 2)
    await post(space, actor(PLAINTIFF), lane, 3)
    again = await lanes.let_in(JUDGE_ACTOR, lane, AGENT, with_history=False)
    page = await space.history(actor(AGENT), lane, limit=50)
    whole = await space.history(actor(PLAINTIFF), lane, limit=50)
    assert (page.first_seq, page.events[0]["seq"]) == (whole.lane.head_seq, whole.lane.head_seq)
    assert len(page.events) < len(whole.events)
    assert (await space.unread(actor(AGENT), [filed.id]))[filed.id] <= before[filed.id]
    # Coming in a second time changes nothing for who is in.
    assert (await lanes.let_in(JUDGE_ACTOR, lane, AGENT, with_history=True))["head_seq"] == again["head_seq"]


async def test_mediation__closed__takes_nothing_and_is_closed_once(
    units: SqlUnits, filed: Case, space: CaseSpace  # noqa: F811
) -> None:  # fmt: skip
    lanes = PrivateLanes(units, SystemClock())
    made = await lanes.open_mediation(
        JUDGE_ACTOR, filed.id, person_ids=[PLAINTIFF, DEFENDANT], title="调解", is_agreed=False
    )
    lane = str(made["lane"])
    first, second = await asyncio.gather(lanes.close(JUDGE_ACTOR, lane), lanes.close(JUDGE_ACTOR, lane))
    assert first["head_seq"] == second["head_seq"]
    with pytest.raises(Conflict, match=r"lane\.closed"):
        await post(space, actor(PLAINTIFF), lane, 1)
    with pytest.raises(Conflict, match=r"lane\.closed"):
        await lanes.let_in(JUDGE_ACTOR, lane, AGENT, with_history=True)
    async with units.read() as unit:
        acts = [act.kind.value for act in await unit.acts.after(filed.id, 0, 50)]
    assert acts.count("mediation.closed") == 1


async def test_post__while_the_agency_ends__is_stored_before_it_or_refused(
    units: SqlUnits, filed: Case, space: CaseSpace  # noqa: F811
) -> None:  # fmt: skip
    public = await lane_of(units, filed)
    agency = next(agent for party in filed.parties for agent in party.representatives)

    async def end() -> int:
        async with units.write() as unit:
            await unit.cases.get(filed.id, lock=True)
            await unit.acts.lock_head(filed.id)
            await unit.cases.end_representation(agency.id, now=NOW)
            lane = await unit.space.lane(public)
            assert lane is not None
            return lane.head_seq

    posts = [post(space, actor(AGENT), public, number) for number in range(20)]
    ended, *answers = await asyncio.gather(end(), *posts, return_exceptions=True)
    assert isinstance(ended, int)
    stored = [answer for answer in answers if isinstance(answer, dict)]
    assert all(isinstance(answer, dict | NotFound) for answer in answers)
    async with units.read() as unit:
        events = await unit.space.events(public, limit=100)
    assert len(events) == len(stored)
    assert all(int(str(answer["seq"])) <= ended for answer in stored), "nothing after the end"


async def test_client_id__repeated_after_a_restart__gets_the_first_answer(
    units: SqlUnits, filed: Case  # noqa: F811
) -> None:  # fmt: skip
    public = await lane_of(units, filed)
    answers = []
    for _ in range(2):
        life = CaseSpace(units, SystemClock(), GroupCommit(units), PostingRules())
        life.start()
        answers.append(await post(life, actor(PLAINTIFF), public, 1))
        await life.stop()
    assert answers[0] == answers[1]
