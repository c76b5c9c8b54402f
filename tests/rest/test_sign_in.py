"""Coming in: guessing, listing names, planted sessions, join links in the wrong hands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hearing_server.demo_court import PASSWORD
from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt


async def refusal(call: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        await call
    return refused.value


async def fail_to_sign_in(client: CourtClient, username: str, password: str = "wrong") -> Problem:
    return await refusal(client.post("/sign-in/staff", {"username": username, "password": password}))


async def test_password__guessed__known_and_unknown_names_answer_alike_to_the_end(
    court: RunningCourt,
) -> None:
    async with court.client() as client:
        known = [(await fail_to_sign_in(client, "judge")) for _ in range(7)]
        unknown = [(await fail_to_sign_in(client, "nobody")) for _ in range(7)]
    assert [one.code for one in known] == [one.code for one in unknown]
    assert [one.status for one in known] == [403] * 5 + [429] * 2
    assert {one.body["title"] for one in known} == {one.body["title"] for one in unknown}


async def test_password__right_after_too_many_wrong__is_refused_too(court: RunningCourt) -> None:
    async with court.client() as client:
        for _ in range(5):
            await fail_to_sign_in(client, "judge")
        assert (await fail_to_sign_in(client, "judge", PASSWORD)).code == "sign_in.locked"
        assert (await fail_to_sign_in(client, "JUDGE", PASSWORD)).code == "sign_in.locked"
        await client.sign_in_staff("clerk", PASSWORD)


async def test_password__many_guesses_at_once__count_as_many(court: RunningCourt) -> None:
    async with court.client() as client:
        answers = await asyncio.gather(*(fail_to_sign_in(client, "judge") for _ in range(20)))
    assert sum(answer.status == 403 for answer in answers) == 5


async def test_password__right__forgets_the_wrong_ones(court: RunningCourt) -> None:
    async with court.client() as client:
        for _ in range(2):
            for _ in range(4):
                await fail_to_sign_in(client, "judge")
            await client.sign_in_staff("judge", PASSWORD)


async def test_session__planted_before_sign_in__is_worth_nothing(court: RunningCourt) -> None:
    async with court.client() as client:
        client.http.cookie_jar.update_cookies({"hs_session": "planted"})
        await client.sign_in_staff("judge", PASSWORD)
        cookies = {cookie.key: cookie for cookie in client.http.cookie_jar}
    session = cookies["hs_session"]
    assert session.value != "planted"
    assert session["httponly"]
    assert session["samesite"] == "Strict"
    async with court.client() as thief:
        thief.http.cookie_jar.update_cookies({"hs_session": "planted"})
        assert (await refusal(thief.get("/me"))).status == 401


async def test_session__ended__opens_nothing_and_its_ticket_dies_too(court: RunningCourt) -> None:
    async with court.staff("judge") as judge:
        token = next(cookie.value for cookie in judge.http.cookie_jar)
        await judge.call("DELETE", "/me/session")
        judge.http.cookie_jar.update_cookies({"hs_session": token})
        assert (await refusal(judge.get("/me"))).code == "session.required"


async def test_code__asked_for_unknown_phone__answers_as_for_a_known_one(court: RunningCourt) -> None:
    known = (await court.person("林书瑶"))["sign_in"]["phone"]
    async with court.client() as client:
        answers = [await client.post("/sign-in/codes", {"phone": phone}) for phone in (known, "13999999999")]
        assert answers[0] == answers[1]
        wrong = [
            await refusal(client.post("/sign-in/phone", {"phone": phone, "code": "000000"}))
            for phone in (known, "13999999999")
        ]
    assert wrong[0].body["title"] == wrong[1].body["title"]
    assert [one.code for one in wrong] == ["code.wrong"] * 2


async def test_code__guessed_without_end__is_blocked_for_right_ones_too(court: RunningCourt) -> None:
    """The block must hold against the right code, or guessing beyond the limit would be free."""
    phone = (await court.person("林书瑶"))["sign_in"]["phone"]
    async with court.client() as client:
        await client.post("/sign-in/codes", {"phone": phone})
        right = await court.newest_code(phone)
        guess = {"phone": phone, "code": f"{(int(right) + 1) % 1_000_000:06d}"}
        answers = [await refusal(client.post("/sign-in/phone", guess)) for _ in range(17)]
        assert [answer.status for answer in answers] == [403] * 15 + [429] * 2
        assert (await refusal(client.post("/sign-in/phone", {"phone": phone, "code": right}))).status == 429


async def test_code__used__is_worth_nothing(court: RunningCourt) -> None:
    phone = (await court.person("林书瑶"))["sign_in"]["phone"]
    async with court.client() as first, court.client() as second:
        await first.sign_in_phone(phone)
        code = await court.newest_code(phone)
        assert (
            await refusal(second.post("/sign-in/phone", {"phone": phone, "code": code}))
        ).code == "code.wrong"


async def test_code__of_a_link__opens_no_other_door(court: RunningCourt) -> None:
    phone = (await court.person("林书瑶"))["sign_in"]["phone"]
    token = await court.join_token("林书瑶")
    async with court.client() as client:
        await client.post(f"/join-links/{token}/codes")
        code = await court.newest_code(phone)
        assert (
            await refusal(client.post("/sign-in/phone", {"phone": phone, "code": code}))
        ).code == "code.wrong"


async def test_link__in_other_hands__shows_nothing_and_opens_to_the_invited_person_alone(
    court: RunningCourt,
) -> None:
    person, other = await court.person("林书瑶"), await court.person("赵建国")
    token = await court.join_token("林书瑶")
    async with court.client() as client:
        shown = await client.get(f"/join-links/{token}")
        assert set(shown) == {"court", "starts_at", "phone_masked", "state"}
        assert shown["phone_masked"] == "139****0001"
        await client.post(f"/join-links/{token}/codes")
        assert not [body for body in await court.messages(other["sign_in"]["phone"]) if "验证码" in body]
        code = await court.newest_code(person["sign_in"]["phone"])
        entry = {"code": code, "id_last4": other["sign_in"]["id_last4"]}
        wrong_id = await refusal(client.post(f"/join-links/{token}/sessions", entry))
        wrong_code = await refusal(
            client.post(
                f"/join-links/{token}/sessions", {"code": "000000", "id_last4": person["sign_in"]["id_last4"]}
            )
        )
        assert (wrong_id.code, wrong_id.body["title"]) == (wrong_code.code, wrong_code.body["title"])
        entered = await client.post(
            f"/join-links/{token}/sessions", {"code": code, "id_last4": person["sign_in"]["id_last4"]}
        )
    assert entered["me"]["name"] == "林书瑶"


async def test_link__id_guessed_five_times__needs_a_new_code(court: RunningCourt) -> None:
    person = await court.person("林书瑶")
    token = await court.join_token("林书瑶")
    async with court.client() as client:
        await client.post(f"/join-links/{token}/codes")
        code = await court.newest_code(person["sign_in"]["phone"])
        for number in range(5):
            await refusal(
                client.post(f"/join-links/{token}/sessions", {"code": code, "id_last4": f"{number:04d}"})
            )
        right = {"code": code, "id_last4": person["sign_in"]["id_last4"]}
        assert (await refusal(client.post(f"/join-links/{token}/sessions", right))).code == "code.wrong"


async def test_link__unknown_replaced_or_late__says_so_without_a_phone(court: RunningCourt) -> None:
    token = await court.join_token("林书瑶")
    async with court.client() as client, court.staff("clerk") as clerk:
        assert (await refusal(client.get("/join-links/nothing"))).code == "join_link.unknown"
        hearing = next(one for one in (await clerk.get("/hearings"))["items"] if one["title"] == "第一次庭审")
        view = await clerk.get(f"/hearings/{hearing['id']}")
        person_id = next(one["person_id"] for one in view["people"] if one["name"] == "林书瑶")
        await clerk.post(f"/hearings/{hearing['id']}/invitations", {"person_id": person_id})
        assert (await client.get(f"/join-links/{token}")) | {"court": 0, "starts_at": 0} == {
            "court": 0, "starts_at": 0, "phone_masked": None, "state": "expired"
        }  # fmt: skip
        assert (await refusal(client.post(f"/join-links/{token}/codes"))).code == "join_link.expired"
        fresh = await court.join_token("林书瑶")
        assert fresh != token
        await clerk.post(f"/hearings/{hearing['id']}/cancel", {"reason": "改期"})
        assert (await client.get(f"/join-links/{fresh}"))["state"] == "cancelled"
        assert (await refusal(client.post(f"/join-links/{fresh}/codes"))).status == 404


async def test_identity__guessed_at_the_door__is_stopped(court: RunningCourt) -> None:
    async with court.party("林书瑶") as party:
        hearing = (await party.get("/hearings"))["items"][0]["id"]
        answers = [
            await refusal(party.post(f"/hearings/{hearing}/identity", {"id_last4": f"{n:04d}"}))
            for n in range(6)
        ]
        right = (await court.person("林书瑶"))["sign_in"]["id_last4"]
        blocked = await refusal(party.post(f"/hearings/{hearing}/identity", {"id_last4": right}))
    assert [one.status for one in (*answers, blocked)] == [403] * 5 + [429] * 2


async def test_session__late__is_over(court: RunningCourt, monkeypatch: pytest.MonkeyPatch) -> None:
    async with court.staff("judge") as judge:
        assert (await judge.get("/me"))["role"] == "judge"
        real = court.server.clock.utc_now
        monkeypatch.setattr(court.server.clock, "utc_now", lambda: real() + timedelta(hours=12))
        assert (await refusal(judge.get("/me"))).status == 401


async def test_session__same_browser_signs_in_anew__ends_the_former(court: RunningCourt) -> None:
    async with court.staff("clerk") as browser, court.client() as other:
        former = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}
        await browser.sign_in_staff("judge", PASSWORD)
        other.http.cookie_jar.update_cookies(former)
        with pytest.raises(Problem) as refused:
            await other.get("/me")
    assert refused.value.status == 401
