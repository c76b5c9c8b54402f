"""Every route × every kind of person over real HTTP: 401, 403 and 404 exactly as the rights table says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hearing_server.app import ROUTES
from hearing_server.demo_court import PASSWORD
from hearing_server.domain.roles import Action, Capacity, can
from hearing_server.kernel import PersonId, Role, new_id
from hearing_server.ports.people import Person, StaffAccount
from hearing_server.rest.routing import Route, Who
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.services.identity.sessions import hash_password
from tests.court import RunningCourt
from tests.rest.doors import DOORS, ELSEWHERE, MEMBERS_ONLY, OFFICES, WHY
from tests.rest.recorded import FILM, accepted, confirmed, copied, recorded
from tests.rest.test_attachments import upload
from tests.sample_files import photo


@dataclass(frozen=True, slots=True)
class Caller:
    name: str
    client: CourtClient
    capacity: Capacity | None
    is_staff: bool


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_every_closed_route__looked_up__stands_in_the_matrix() -> None:
    closed = {name_of(route) for route in ROUTES if route.who is not Who.ALL}
    assert closed == {*DOORS, *OFFICES, *ELSEWHERE}


@asynccontextmanager
async def everybody(court: RunningCourt) -> AsyncIterator[list[Caller]]:
    """One of each kind, and nobody."""
    await hire(court, "judge2", Role.JUDGE)
    offices = {
        "judge": Capacity.JUDGE, "clerk": Capacity.CLERK, "clerk2": Capacity.COLLEAGUE_CLERK,
        "president": Capacity.PRESIDENT, "judge2": Capacity.COLLEAGUE_JUDGE,
    }  # fmt: skip
    people = {"林书瑶": Capacity.PARTY, "徐静": Capacity.REPRESENTATIVE, "温晓岚": Capacity.PUBLIC}
    async with AsyncExitStack() as stack:
        found = [Caller("nobody", await stack.enter_async_context(court.client()), None, is_staff=False)]
        for username, capacity in offices.items():
            client = await stack.enter_async_context(court.staff(username))
            found.append(Caller(username, client, capacity, is_staff=True))
        for name, capacity in people.items():
            client = await stack.enter_async_context(court.party(name))
            found.append(Caller(name, client, capacity, is_staff=False))
        yield found


async def hire(court: RunningCourt, username: str, role: Role) -> None:
    person = Person(
        PersonId(new_id("per")), court.server.profile.court.id, "staff", username, None, None, None, None, None, None,
        created_at=court.server.clock.utc_now(),
    )  # fmt: skip
    async with court.server.units.write() as unit:
        await unit.people.add(person)
        await unit.people.add_staff(StaffAccount(person.id, username, hash_password(PASSWORD), role))


async def ask(client: CourtClient, method: str, path: str, body: Any) -> tuple[int, str]:
    headers = {}
    if isinstance(body, bytes):
        headers["Content-Type"] = "text/csv" if "imports" in path else "image/png"
        headers["X-File-Name"] = "a.png"
    given: dict[str, Any] = (
        {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    )
    async with client.http.request(method, f"{client.url}/api/v1{path}", headers=headers, **given) as answer:
        if answer.content_type != "application/problem+json":
            await answer.read()
            return answer.status, ""
        return answer.status, str((await answer.json(content_type=None))["code"])


def wanted(route: Route, caller: Caller, action: Action | None, *, has_object: bool) -> str:
    """What the table says about this door: the refusal's code, or `let in`."""
    if caller.capacity is None:
        return "session.required"
    if route.who is Who.STAFF and not caller.is_staff:
        return "role.staff_only"
    if not has_object:
        # An office counts here, not a place on some case.
        offices = {Capacity.CLERK: Capacity.COLLEAGUE_CLERK, Capacity.JUDGE: Capacity.COLLEAGUE_JUDGE}
        capacity = offices.get(caller.capacity, caller.capacity)
        return "let in" if action is None or can(capacity, action) else "right.missing"
    if not can(caller.capacity, Action.CASE_SEE):
        return "not_found"
    if action is None or can(caller.capacity, action):
        return "let in"
    return "not_found" if action in MEMBERS_ONLY and caller.capacity in _LOOKERS else "right.missing"


_LOOKERS = (Capacity.PRESIDENT, Capacity.COLLEAGUE_CLERK)
REFUSALS = {"session.required": 401, "role.staff_only": 403, "right.missing": 403, "not_found": 404}


async def paths(court: RunningCourt, callers: list[Caller]) -> dict[str, str]:
    """What stands for the variable parts of paths, all of one case."""
    clerk = next(caller.client for caller in callers if caller.name == "clerk")
    here = await recorded(court)
    await court.server.services.archives.make_due()
    publication = await clerk.post(
        f"/recordings/{here.recording_id}/publications", {"title": "t", "cause": "c"}
    )
    space = await clerk.get(f"/cases/{here.case_id}/space")
    everyone = next(lane["lane"] for lane in space["lanes"] if lane["kind"] == "everyone")
    party = next(caller.client for caller in callers if caller.capacity is Capacity.PARTY).me["id"]
    exhibit = await exchanged_exhibit(callers, here.case_id)
    party_id = (await clerk.get(f"/cases/{here.case_id}"))["parties"][0]["id"]
    return {
        "case_id": here.case_id, "hearing_id": here.hearing_id, "recording_id": here.recording_id,
        "publication_id": publication["id"], "lane": everyone, "stage": "recording", "person_id": party,
        "exhibit_id": exhibit,
        "party_id": party_id,
    }  # fmt: skip


async def exchanged_exhibit(callers: list[Caller], case_id: str) -> str:
    """What every side sees; whose it is decides about more than the table does, and is tested elsewhere."""
    clerk = next(caller.client for caller in callers if caller.name == "clerk")
    file = await upload(clerk, case_id, photo(40, 30))
    words = {"title": "流水", "source": "银行", "purpose": "转账", "attachment_ids": [file["id"]]}
    draft = await clerk.post(f"/cases/{case_id}/exhibits", words)
    path = f"/exhibits/{draft['id']}"
    await clerk.post(path + "/submission", {"revision": draft["revision"]})
    await clerk.post(path + "/check", {})
    await clerk.post(f"/cases/{case_id}/exchanges", {"exhibit_ids": [draft["id"]], "remind": False})
    return str(draft["id"])


def filled(body: Any, party_id: str) -> Any:
    if not isinstance(body, dict):
        return body
    named = {"person_id": party_id, "person_ids": [party_id]}
    return {key: named.get(key, value) for key, value in body.items()}


@pytest.mark.timeout(240)
async def test_every_door__tried_by_everybody__answers_as_the_table_says(court: RunningCourt) -> None:
    routes = {name_of(route): route for route in ROUTES}
    wrong = []
    async with everybody(court) as callers:
        parts = await paths(court, callers)
        for name, (action, body) in {**OFFICES, **DOORS}.items():
            route = routes[name]
            for caller in callers:
                told = wanted(route, caller, action, has_object=name in DOORS)
                path = route.path.format(**parts)
                status, code = await ask(caller.client, route.method, path, filled(body, parts["person_id"]))
                # Says what the court may still do about it.
                code = "right.missing" if code == "film.not_released" else code
                if told in REFUSALS:
                    is_right = (status, code) == (REFUSALS[told], told)
                else:
                    is_right = status not in (401, 404, 500, 503) and code not in REFUSALS
                if not is_right:
                    wrong.append(f"{name} by {caller.name}: {status} {code}, wanted {told}")
    assert not wrong, "\n".join(wrong)


async def test_objects__unknown_and_foreign__answer_alike(court: RunningCourt) -> None:
    """Whoever guesses ids learns nothing from the answer: same status, same code, same words."""
    routes = {name_of(route): route for route in ROUTES}
    wrong = []
    async with everybody(court) as callers:
        parts = await paths(court, callers)
        unknown = {**parts, "case_id": "cas_x", "hearing_id": "hrg_x", "recording_id": "rec_x"}
        unknown |= {"publication_id": "pub_x", "lane": "lan_x", "exhibit_id": "exh_x"}
        outsiders = [one for one in callers if one.name in ("温晓岚", "judge2")]
        for name, (_, body) in DOORS.items():
            for caller in outsiders:
                answers = [
                    await ask(
                        caller.client,
                        routes[name].method,
                        routes[name].path.format(**ids),
                        filled(body, "per_x"),
                    )
                    for ids in (parts, unknown)
                ]
                if answers[0] != answers[1]:
                    wrong.append(f"{name} by {caller.name}: {answers}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", ["cas_%00", "%ED%A0%80", "cas_'%20OR%201=1--", "..%2F..%2Fetc", "x" * 3000])
async def test_paths__that_can_be_no_id__are_not_found(court: RunningCourt, part: str) -> None:
    async with court.staff("clerk") as clerk:
        assert await ask(clerk, "GET", f"/cases/{part}", None) == (404, "not_found")


async def test_publication__needs_a_second_official_and_ends_at_once(court: RunningCourt) -> None:
    here = await recorded(court)
    await court.server.services.archives.make_due()
    async with (
        court.staff("clerk") as clerk,
        court.staff("president") as president,
        court.client() as anybody,
    ):
        made = await clerk.post(
            f"/recordings/{here.recording_id}/publications", {"title": "庭审", "cause": "纠纷"}
        )
        public = f"/public/recordings/{made['id']}"
        assert await ask(anybody, "GET", public + "/film", None) == (404, "not_found")
        copy = {"copy_sha256": (await copied(clerk, made["id"]))["copy"]["sha256"]}
        confirm = f"/publications/{made['id']}/confirm"
        assert await ask(clerk, "POST", confirm, copy) == (403, "publication.same_person")
        assert await ask(president, "POST", confirm, copy) == (409, "publication.not_previewed")
        with pytest.raises(Problem, match=r"objection\.time_runs"):
            await confirmed(president, made["id"])
        await accepted(court, here.case_id, made["id"])
        assert (await confirmed(president, made["id"]))["state"] == "public"
        assert [one["id"] for one in (await anybody.get("/public/recordings"))["items"]] == [made["id"]]
        address = f"{court.url}/api/v1{public}/film"
        async with anybody.http.get(address, headers={"Range": "bytes=300-399"}) as answer:
            assert (answer.status, await answer.read()) == (206, FILM[300:400])
            assert answer.headers["Content-Range"] == f"bytes 300-399/{len(FILM)}"
        async with anybody.http.get(address, headers={"Range": f"bytes={len(FILM)}-"}) as answer:
            assert answer.status == 416
        assert await ask(anybody, "GET", public + "/poster", None) == (200, "")
        await clerk.post(f"/publications/{made['id']}/withdraw", WHY)
        for path in (public, public + "/film", public + "/poster"):
            assert await ask(anybody, "GET", path, None) == (404, "not_found")
        assert (await anybody.get("/public/recordings"))["items"] == []


async def test_hearing__seen_by_a_colleague__is_the_bench_view_without_its_orders(
    court: RunningCourt,
) -> None:
    async with court.staff("president") as president, court.staff("judge") as judge:
        hearing_id = (await judge.get("/hearings"))["items"][0]["id"]
        own = await judge.get(f"/hearings/{hearing_id}")
        seen = await president.get(f"/hearings/{hearing_id}")
        assert seen["me"] == {"person_id": president.me["id"], "may": []}
    assert len(seen["people"]) == len(own["people"])
