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
from tests.court import RunningCourt, invented_id
from tests.rest.recorded import FILM, accepted, confirmed, copied, recorded
from tests.rest.test_attachments import upload
from tests.sample_files import photo

A = Action
PARTY = {"standing": "third_party", "name": "丙某", "phone": "13600000009", "id_number": invented_id(900)}
AGENT = {"name": "丁某", "phone": "13600000010", "id_number": invented_id(901)}
SOON = {"title": "第二次庭审", "starts_at": "2099-01-01T00:00:00Z", "duration_min": 30}
WHY = {"reason": "测试"}
PICTURE = b"not a picture"

# Route → (what the table calls it, body). None: whoever sees the case. In an order that leaves the hearing alive.
DOORS: dict[str, tuple[Action | None, Any]] = {
    "GET /cases/{case_id}": (A.CASE_SEE, None),
    "GET /cases/{case_id}/acts": (A.ACTS_READ, None),
    "POST /cases/{case_id}/parties": (A.PARTY_ADD, PARTY),
    "POST /cases/{case_id}/hearings": (A.HEARING_SCHEDULE, SOON),
    "GET /hearings/{hearing_id}": (A.HEARING_SEE, None),
    "GET /hearings/{hearing_id}/media": (A.MEDIA_SEE, None),
    "POST /hearings/{hearing_id}/invitations": (A.INVITATION_SEND, {"person_id": "PARTY"}),
    "POST /hearings/{hearing_id}/identity": (None, {"id_last4": "0000"}),
    "PUT /hearings/{hearing_id}/consents/{stage}": (
        A.CONSENT_DECIDE,
        {"decision": "granted", "text_version": "x"},
    ),
    "PUT /hearings/{hearing_id}/self-test": (
        A.SELF_TEST,
        {"camera": True, "microphone": True, "playback": True},
    ),
    "POST /hearings/{hearing_id}/grants": (A.ROOM_ENTER, {}),
    "POST /hearings/{hearing_id}/seat/moved": (A.ROOM_ENTER, {"seat": "seat_x", "sources": {}}),
    "POST /hearings/{hearing_id}/seat/moved/answer": (
        A.ROOM_ENTER,
        {"seat": "seat_x", "version": 1, "sdp": "v=0"},
    ),
    "POST /hearings/{hearing_id}/admissions": (A.ADMIT, {"person_ids": ["PARTY"]}),
    "POST /hearings/{hearing_id}/open": (A.OPEN, {}),
    "POST /hearings/{hearing_id}/recess": (A.RECESS, WHY),
    "POST /hearings/{hearing_id}/resume": (A.RESUME, {}),
    "POST /hearings/{hearing_id}/seal": (A.SEAL, WHY),
    "POST /hearings/{hearing_id}/unseal": (A.UNSEAL, {}),
    "POST /hearings/{hearing_id}/close": (A.CLOSE, {}),
    "POST /hearings/{hearing_id}/reopen": (A.REOPEN, {}),
    "POST /hearings/{hearing_id}/mutes": (A.MUTE, {"person_id": "PARTY", "muted": True}),
    "POST /hearings/{hearing_id}/removals": (A.REMOVE, {"person_id": "PARTY", **WHY}),
    "DELETE /hearings/{hearing_id}/removals/{person_id}": (A.REMOVE, None),
    "GET /recordings/{recording_id}": (None, None),
    "GET /recordings/{recording_id}/replay": (A.FILM_VIEW, None),
    "GET /recordings/{recording_id}/replay/film.m3u8": (A.FILM_VIEW, None),
    "GET /recordings/{recording_id}/replay/tracks": (A.FILM_VIEW, None),
    "POST /recordings/{recording_id}/replay/tracks": (
        A.FILM_VIEW,
        {"tracks": [{"person_id": "per_nobody", "shown": "camera"}]},
    ),
    "GET /recordings/{recording_id}/film": (A.FILM_DOWNLOAD, None),
    "POST /recordings/{recording_id}/downloads": (A.FILM_RELEASE, {"allowed": True}),
    "GET /hearings/{hearing_id}/failures": (A.FAILURES_SEE, None),
    "GET /recordings/{recording_id}/failures": (A.FAILURES_SEE, None),
    "GET /recordings/{recording_id}/archive": (A.ARCHIVE_SEE, None),
    "GET /recordings/{recording_id}/archive/package": (A.ARCHIVE_TAKE, None),
    "POST /recordings/{recording_id}/archive/hold": (A.ARCHIVE_HOLD, WHY),
    "POST /recordings/{recording_id}/archive/release": (A.ARCHIVE_HOLD, WHY),
    "POST /recordings/{recording_id}/archive": (A.ARCHIVE_HOLD, {}),
    "POST /recordings/{recording_id}/publications": (A.PUBLICATION_SUBMIT, {"title": "t", "cause": "c"}),
    "GET /cases/{case_id}/publications": (A.PUBLICATION_SEE, None),
    "POST /hearings/{hearing_id}/broadcast": (A.PUBLICATION_SUBMIT, {"title": "t"}),
    "GET /hearings/{hearing_id}/broadcast": (A.PUBLICATION_SEE, None),
    "PUT /hearings/{hearing_id}/broadcast/response": (A.PUBLICATION_RESPOND, {"objects": False}),
    "PUT /hearings/{hearing_id}/broadcast/responses/{person_id}/answer": (
        A.PUBLICATION_DECIDE,
        {"upheld": False, "answer": "不成立"},
    ),
    "POST /hearings/{hearing_id}/broadcast/approve": (A.PUBLICATION_DECIDE, {}),
    "POST /hearings/{hearing_id}/broadcast/reject": (A.PUBLICATION_DECIDE, WHY),
    "POST /hearings/{hearing_id}/broadcast/cut": (A.PUBLICATION_WITHDRAW, WHY),
    "GET /publications/{publication_id}": (A.PUBLICATION_SEE, None),
    "GET /publications/{publication_id}/film": (A.PUBLICATION_DECIDE, None),
    "PUT /publications/{publication_id}/redactions": (A.PUBLICATION_SUBMIT, {"redactions": []}),
    "PUT /publications/{publication_id}/response": (A.PUBLICATION_RESPOND, {"objects": False}),
    "PUT /publications/{publication_id}/responses/{person_id}/answer": (
        A.PUBLICATION_DECIDE,
        {"upheld": False, "answer": "不成立"},
    ),
    "POST /publications/{publication_id}/confirm": (A.PUBLICATION_DECIDE, {"copy_sha256": "0" * 64}),
    "POST /publications/{publication_id}/reject": (A.PUBLICATION_DECIDE, WHY),
    "POST /publications/{publication_id}/withdraw": (A.PUBLICATION_WITHDRAW, WHY),
    "POST /recordings/{recording_id}/film": (A.FILM_COMPOSE, {}),
    "GET /cases/{case_id}/space": (A.SPACE_READ, None),
    "GET /lanes/{lane}/events": (A.SPACE_READ, None),
    "POST /cases/{case_id}/sealed-lane": (A.SEALED_SUBMIT, {"ground": "privacy"}),
    "POST /cases/{case_id}/mediations": (A.MEDIATION_LEAD, {"person_ids": ["per_nobody"], "title": "t"}),
    "POST /cases/{case_id}/parties/{party_id}/representatives": (A.REPRESENTATION_CHANGE, AGENT),
    "POST /cases/{case_id}/attachments": (A.SPACE_WRITE, PICTURE),
    "POST /cases/{case_id}/reminders": (
        A.REMINDER_ISSUE,
        {"person_ids": ["PARTY"], "title": "t", "text": "x"},
    ),
    "GET /cases/{case_id}/reminders": (A.REMINDERS_SEE, None),
    "POST /cases/{case_id}/contact-requests": (A.CONTACT_ASK, {"topic": "materials", "way": "message"}),
    "GET /cases/{case_id}/contact-requests": (A.CONTACT_SEE, None),
    "GET /cases/{case_id}/exhibits": (A.EXHIBITS_SEE, None),
    "POST /cases/{case_id}/exhibits": (A.EXHIBIT_SUBMIT, {"title": "借条"}),
    "GET /cases/{case_id}/exhibits/catalogue": (A.EXHIBITS_SEE, None),
    "PUT /cases/{case_id}/exhibit-terms": (A.EXHIBIT_TERMS, {"submit_until": None}),
    "POST /cases/{case_id}/exchanges": (
        A.EXHIBIT_EXCHANGE,
        {"exhibit_ids": ["exh_x"], "opinions_until": "2020-01-01T00:00:00Z"},
    ),
    "GET /exhibits/{exhibit_id}": (A.EXHIBITS_SEE, None),
    "PUT /exhibits/{exhibit_id}": (A.EXHIBIT_SUBMIT, {"title": "借条"}),
    "DELETE /exhibits/{exhibit_id}": (A.EXHIBIT_SUBMIT, {}),
    "POST /exhibits/{exhibit_id}/submission": (A.EXHIBIT_SUBMIT, {"revision": 1}),
    "POST /exhibits/{exhibit_id}/withdrawal": (A.EXHIBIT_SUBMIT, {}),
    "POST /exhibits/{exhibit_id}/check": (A.EXHIBIT_CHECK, {}),
    "POST /exhibits/{exhibit_id}/return": (A.EXHIBIT_CHECK, WHY),
    "POST /exhibits/{exhibit_id}/opinions": (
        A.EXHIBIT_OPINE,
        {one: "accepted" for one in ("authenticity", "legality", "relevance", "purpose")},
    ),
    "POST /exhibits/{exhibit_id}/disclosure": (A.EXHIBIT_DISCLOSE, {"kind": "keep", **WHY}),
    "POST /exhibits/{exhibit_id}/showings": (A.EXHIBIT_SHOW, {"hearing_id": "hrg_x"}),
    "POST /exhibits/{exhibit_id}/rulings": (A.EXHIBIT_RULE, {"result": "admitted", **WHY}),
    "POST /hearings/{hearing_id}/cancel": (A.HEARING_CANCEL, WHY),
}
# No object in the path: for every signed-in person about themselves, or for an office.
OFFICES: dict[str, tuple[Action | None, Any]] = {
    "GET /me": (None, None),
    "POST /socket-tickets": (None, {}),
    "GET /staff": (None, None),
    "GET /cases": (None, None),
    "GET /hearings": (None, None),
    "GET /me/obligations": (None, None),
    "POST /cases": (A.CASE_FILE, {"cause": "c", "judge_id": "x", "parties": [PARTY]}),
    "POST /case-imports": (A.CASE_IMPORT, b"x"),
    "GET /recordings": (A.RECORDINGS_LIST, None),
    "GET /contact-requests": (A.CONTACT_ANSWER, None),
    "GET /publications": (A.RECORDINGS_LIST, None),
}
# Tried by tests of their own: they need an object of the person, or end the session.
ELSEWHERE = {
    "POST /failures/{failure_id}/signature",
    "GET /acts/{act_id}/proof",
    "GET /log",
    "DELETE /me/session",
    "GET /recordings/{recording_id}/replay/film-{number}.ts",
    "GET /recordings/{recording_id}/replay/tracks/{person_id}/{shown}/{size}.m3u8",
    "GET /recordings/{recording_id}/replay/tracks/{person_id}/{shown}/{size}-{number}.ts",
    # An order that is never lifted would close the doors for every other route of the matrix.
    "POST /cases/{case_id}/closed-doors",
    "POST /hearings/{hearing_id}/closed-doors",
    "DELETE /cases/{case_id}/representatives/{representative_id}",
    "PUT /lanes/{lane}/people/{person_id}",
    "DELETE /lanes/{lane}/people/{person_id}",
    "POST /lanes/{lane}/close",
    "GET /attachments/{attachment_id}",
    "GET /attachments/{attachment_id}/preview",
    "POST /obligations/{obligation_id}/displayed",
    "POST /contact-requests/{request_id}/take",
    "POST /contact-requests/{request_id}/phone",
    "POST /contact-requests/{request_id}/answer",
    "POST /contact-requests/{request_id}/done",
    "POST /contact-requests/{request_id}/withdraw",
    "POST /lanes/{lane}/events/{seq}/withheld",
    "POST /obligations/{obligation_id}/acknowledgment",
}
# Places of the members-only space answer "no such thing" to staff who only look at the case.
MEMBERS_ONLY = {
    A.SEALED_SUBMIT, A.MEDIATION_LEAD, A.SPACE_READ, A.SPACE_WRITE, A.CONTACT_ASK, A.REMINDER_ISSUE, A.REMINDERS_SEE,
    *(action for action in A if action.value.startswith("exhibit")),
}  # fmt: skip


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
