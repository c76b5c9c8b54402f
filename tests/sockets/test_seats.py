"""Seats in the room against people who kept a grant, a socket or a device they should not use any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.seat import Seat
from tests.court import RunningCourt


@asynccontextmanager
async def lobby(court: RunningCourt) -> AsyncIterator[tuple[CourtClient, Seat, Seat]]:
    """The judge, 林书瑶 admitted and seated, 赵建国 waiting."""
    async with AsyncExitStack() as stack:
        judge = await stack.enter_async_context(court.staff("judge"))
        seats = []
        for name in ("林书瑶", "赵建国"):
            person = await stack.enter_async_context(court.client())
            sign_in = (await court.person(name))["sign_in"]
            hearing_id = await person.enter_by_link(
                await court.join_token(name), sign_in["phone"], sign_in["id_last4"]
            )
            for text in (await person.get("/config"))["consents"]:
                await person.put(
                    f"/hearings/{hearing_id}/consents/{text['stage']}",
                    {"decision": "granted", "text_version": text["version"]},
                )
            seat = Seat(person, hearing_id, decode=False)
            await seat.connect()
            stack.push_async_callback(seat.close)
            await seat.report("waiting")
            seats.append(seat)
        lin, zhao = seats
        await judge.post(f"/hearings/{lin.hearing_id}/admissions", {"person_ids": [lin.client.me["id"]]})
        yield judge, lin, zhao


def seated(court: RunningCourt) -> int:
    return court.engine.stats().participants


async def emptied(court: RunningCourt) -> None:
    async with asyncio.timeout(20):
        while seated(court):  # noqa: ASYNC110 - the engine's count has no event
            await asyncio.sleep(0.05)


async def grant_of(seat: Seat) -> str:
    return str((await seat.client.post(f"/hearings/{seat.hearing_id}/grants"))["grant"])


async def refused_code(seat: Seat, grant: str) -> str:
    with pytest.raises(Problem) as refused:
        await seat.command("room_join", grant=grant)
    return refused.value.code


async def test_grant__kept_over_an_order_to_leave__opens_nothing_after_the_order_is_lifted(
    court: RunningCourt,
) -> None:
    async with lobby(court) as (judge, lin, _):
        kept, person = await grant_of(lin), lin.client.me["id"]
        await lin.take()
        path = f"/hearings/{lin.hearing_id}/removals"
        await judge.post(path, {"person_id": person, "reason": "扰乱法庭秩序"})
        assert await refused_code(lin, kept) == "hearing.removed"
        await judge.call("DELETE", f"{path}/{person}")
        assert await refused_code(lin, kept) == "hearing.not_admitted"
        assert seated(court) == 0
        await lin.report("waiting")
        await judge.post(f"/hearings/{lin.hearing_id}/admissions", {"all": True})
        await lin.take()
        assert seated(court) == 1


async def test_room_join__without_a_grant__asks_whether_the_person_may_enter_now(court: RunningCourt) -> None:
    async with lobby(court) as (judge, lin, zhao):
        with pytest.raises(Problem) as waits:
            await zhao.command("room_join")
        await lin.command("room_join")
        assert (waits.value.code, seated(court)) == ("hearing.not_admitted", 1)
        order = {"person_id": lin.client.me["id"], "reason": "扰乱法庭秩序"}
        await judge.post(f"/hearings/{lin.hearing_id}/removals", order)
        with pytest.raises(Problem) as removed:
            await lin.command("room_join")
        assert (removed.value.code, seated(court)) == ("hearing.removed", 0)


async def test_grant__in_another_persons_hands__leaves_its_owner_seated(court: RunningCourt) -> None:
    async with lobby(court) as (judge, lin, zhao):
        await lin.take()
        stolen = await grant_of(lin)
        assert await refused_code(zhao, stolen) == "hearing.not_admitted"
        await judge.post(f"/hearings/{lin.hearing_id}/admissions", {"all": True})
        assert await refused_code(zhao, stolen) == "grant.not_yours"
        assert (seated(court), lin.ended) == (1, None)
        await zhao.take()
        assert seated(court) == 2


async def test_seat__on_a_second_device__is_refused_until_the_first_leaves(court: RunningCourt) -> None:
    async with lobby(court) as (_, lin, _), court.client() as tablet:
        await lin.take()
        await tablet.sign_in_phone((await court.person("林书瑶"))["sign_in"]["phone"])
        second = Seat(tablet, lin.hearing_id, decode=False)
        await second.connect()
        if seated(court):
            assert await refused_code(second, await grant_of(second)) == "seat.taken"
            await lin.command("room_leave")
        await second.take()
        assert seated(court) == 1
        await second.close()


async def test_seat__taken_again_on_its_own_connection__ends_the_former_one_alone(
    court: RunningCourt,
) -> None:
    async with lobby(court) as (_, lin, _):
        former = (await lin.take())["seat"]
        again = (await lin.take())["seat"]
        await lin.command("presence_report", stage="waiting")  # whatever was said before it has arrived
        assert again != former
        assert (seated(court), lin.ended) == (1, None)


async def test_sign_out__with_the_socket_gone_already__ends_the_seat_in_the_room(court: RunningCourt) -> None:
    async with lobby(court) as (_, lin, _):
        await lin.take()
        await lin.lose_socket()
        assert seated(court) == 1, "a phone that lost its socket keeps its media"
        await lin.client.call("DELETE", "/me/session")
        await emptied(court)


async def test_sign_out__with_a_live_socket__closes_it_and_takes_no_command_more(court: RunningCourt) -> None:
    async with lobby(court) as (_, lin, _):
        await lin.take()
        ticket = await lin.client.ticket()
        await lin.client.call("DELETE", "/me/session")
        await emptied(court)
        stale = Seat(lin.client, lin.hearing_id, decode=False)

        async def old_ticket() -> str:
            return ticket

        lin.client.ticket = old_ticket  # type: ignore[method-assign]
        with pytest.raises(Exception, match=r"(?i)refused|fail|invalid|not connected|namespace"):
            await stale.connect()


async def test_cancel__with_people_in_the_room__sends_them_home(court: RunningCourt) -> None:
    async with lobby(court) as (_, lin, _), court.staff("clerk") as clerk:
        await lin.take()
        kept = await grant_of(lin)
        await clerk.post(f"/hearings/{lin.hearing_id}/cancel", {"reason": "法官临时有事"})
        await emptied(court)
        assert await refused_code(lin, kept) == "hearing.over"


async def test_camera__turned_off_by_the_court__does_not_come_back_as_a_screen(court: RunningCourt) -> None:
    async with lobby(court) as (judge, lin, _):
        await lin.take()
        person: Any = lin.client.me["id"]
        body = {"person_id": person, "source": "camera"}
        await judge.post(f"/hearings/{lin.hearing_id}/mutes", {**body, "muted": True})
        room = court.engine._rooms[lin.hearing_id]
        assert {(person, "camera"), (person, "screen")} <= room.court_mutes
        await judge.post(f"/hearings/{lin.hearing_id}/mutes", {**body, "muted": False})
        assert not room.court_mutes


async def stopped(attempt: Callable[[int], Awaitable[object]], *, attempts: int) -> Problem:
    """The refusal that ends a row of attempts."""
    for turn in range(attempts):
        try:
            await attempt(turn)
        except Problem as problem:
            return problem
    raise AssertionError("nobody stopped it")


async def test_page__flickering_without_end__leaves_a_bounded_trace_in_the_log_and_the_person_seated(
    court: RunningCourt,
) -> None:
    async with lobby(court) as (judge, lin, _):
        await lin.take()
        problem = await stopped(
            lambda turn: lin.report("present", "hidden" if turn % 2 else "visible"), attempts=200
        )
        assert (problem.code, problem.body["retryable"]) == ("door.too_fast", True)
        assert 0 < problem.body["retry_after_ms"] <= 1000
        problem = await stopped(lambda _: lin.client.post(f"/hearings/{lin.hearing_id}/grants"), attempts=100)
        assert (problem.status, problem.code) == (429, "door.too_fast")
        tested = {"camera": True, "microphone": True, "playback": True, "details": {}}
        problem = await stopped(
            lambda _: lin.client.put(f"/hearings/{lin.hearing_id}/self-test", tested), attempts=200
        )
        assert (problem.status, problem.code) == (429, "door.too_fast")
        assert seated(court) == 1
        view = await judge.get(f"/hearings/{lin.hearing_id}")
        assert (
            next(p for p in view["people"] if p["person_id"] == lin.client.me["id"])["presence"] == "present"
        )
