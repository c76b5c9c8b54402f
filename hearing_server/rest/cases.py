"""Cases: filing, parties, docket, acts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hearing_server.domain.hearing.hearings import BEFORE_THE_END
from hearing_server.domain.trust.act_readers import is_of_private_lane
from hearing_server.filing.cases import (
    MAX_REPRESENTATIVES,
    Authority,
    Case,
    Openness,
    Party,
    PartyKind,
    PersonRef,
    Procedure,
    Standing,
)
from hearing_server.filing.closed_doors import MAX_REASON_CHARS
from hearing_server.filing.docket import DocketEntry
from hearing_server.filing.intake import (
    MAX_CAUSE_CHARS,
    MAX_NAME_CHARS,
    MAX_PARTIES,
    Faults,
    read_parties,
    read_party,
    read_terms,
)
from hearing_server.kernel import Actor, PersonId
from hearing_server.rest.closed_doors import doors_view
from hearing_server.rest.hearings import hearing_brief
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.cases.cases import NewCase

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS)]
Text32 = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class RepresentativeBody(Body):
    name: Name
    phone: Text32
    id_number: Text32
    authority: Authority = Authority.GENERAL


class PartyBody(Body):
    standing: Standing
    kind: PartyKind = PartyKind.NATURAL
    name: Name
    phone: Text32
    id_number: Text32
    representatives: tuple[RepresentativeBody, ...] = Field((), max_length=MAX_REPRESENTATIVES)


class CaseBody(Body):
    number: str | None = Field(None, max_length=64)
    type_code: Annotated[str, StringConstraints(min_length=1, max_length=3)] = "民初"
    cause: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CAUSE_CHARS)]
    procedure: Procedure = Procedure.ORDINARY
    openness: Openness = Openness.OPEN
    # For a case that is not open; checked with everything else by the filing core.
    closed_ground: str | None = Field(None, max_length=32)
    closed_reason: str | None = Field(None, max_length=MAX_REASON_CHARS)
    closed_request: str | None = Field(None, max_length=MAX_REASON_CHARS)
    judge_id: Text32
    clerk_id: Text32 | None = None
    parties: tuple[PartyBody, ...] = Field(min_length=1, max_length=MAX_PARTIES)


async def list_cases(call: Call) -> object:
    cases = await call.services.cases.mine(call.actor)
    hearings = await call.services.hearings.mine(call.actor)
    unread = await call.services.space.unread(call.actor, [case.id for case in cases])
    items = []
    for case in cases:
        ahead = (h for h, c in hearings if c.id == case.id and h.state in BEFORE_THE_END)
        following = next(ahead, None)
        brief = case_brief(case, call.actor)
        brief["next_hearing"] = hearing_brief(following, case) if following else None
        brief["unread"] = unread.get(case.id, 0)
        items.append(brief)
    return {"items": items}


async def get_case(call: Call) -> object:
    return await whole_case(call, call.part("case_id"))


async def file_case(call: Call) -> object:
    body, faults = call.body(CaseBody), Faults()
    given = body.model_dump(mode="json")
    terms, parties = read_terms(given, faults), read_parties(given["parties"], faults)
    faults.raise_if_any("body.invalid")
    assert terms is not None
    new = NewCase(
        terms,
        judge_id=PersonId(body.judge_id),
        clerk_id=PersonId(body.clerk_id) if body.clerk_id else None,
        number=body.number or None,
        type_code=body.type_code,
        parties=parties,
    )
    case = await call.services.cases.file(call.actor, new)
    return await whole_case(call, case.id)


async def add_party(call: Call) -> object:
    faults = Faults()
    party = read_party(call.body(PartyBody).model_dump(mode="json"), faults)
    faults.raise_if_any("body.invalid")
    assert party is not None
    case = await call.services.cases.add_party(call.actor, call.part("case_id"), party)
    return await whole_case(call, case.id)


async def whole_case(call: Call, case_id: str) -> object:
    """The answer of every route that shows or changes a case."""
    case, _, docket = await call.services.cases.get(call.actor, case_id)
    view = case_view(case, call.actor, docket)
    view["hearings"] = [
        hearing_brief(h, case) for h in await call.services.hearings.of_case(call.actor, case.id)
    ]
    return view


async def list_acts(call: Call) -> object:
    after_seq = call.whole_number("after", 0, at_most=2**53)
    page = await call.services.acts.of_case(call.actor, call.part("case_id"), after_seq=after_seq)
    return {
        "items": [
            {
                "case_seq": act.case_seq,
                "act_id": act.id,
                # That a lane was opened at all is for those inside: a kind that says it is not said to others.
                "kind": "withheld" if act.case_seq in page.withheld and is_of_private_lane(act) else act.kind,
                "at": act.at,
                "actor": {"id": "", "name": ""}
                if act.case_seq in page.withheld
                else {"id": act.actor_id, "name": page.names.get(act.actor_id, "系统")},
                "role": "" if act.case_seq in page.withheld else act.role,
                "summary": {} if act.case_seq in page.withheld else act.payload,
                "withheld": act.case_seq in page.withheld,
                "entry_sha256": act.entry_sha256,
                "prev": act.prev_sha256,
            }
            for act in page.acts
        ],
        "intact": page.is_intact,
        "broken_seq": page.broken_seq,
    }


def case_brief(case: Case, actor: Actor) -> dict[str, object]:
    """CaseBrief, as in docs/PROTOCOL.md section 1."""
    member = case.member(actor.person_id)
    return {
        "id": case.id,
        "number": str(case.number),
        "cause": case.cause,
        "procedure": case.procedure,
        "openness": case.openness,
        "closed_doors": doors_view(case.closed_doors),
        "state": case.state,
        "court": {"id": case.court.id, "name": case.court.name, "name_en": case.court.name_en},
        "judge": _person(case.judge),
        "clerk": _person(case.clerk),
        "filed_at": case.filed_at,
        "parties": [
            {
                "id": party.id,
                "person_id": party.person.id,
                "name": party.person.name,
                "kind": party.kind,
                "standing": party.standing,
                "ordinal": party.ordinal,
                "label": case.party_label(party).zh,
                "label_en": case.party_label(party).en,
            }
            for party in case.parties
        ],
        "my_role": member.role if member else actor.role,
        "next_hearing": None,
        "unread": 0,
    }


def case_view(case: Case, actor: Actor, docket: list[DocketEntry]) -> dict[str, object]:
    """Case, as in docs/PROTOCOL.md section 1. Contact details only for the court and for oneself."""
    view = case_brief(case, actor)
    view["parties"] = [_party_view(case, party, actor) for party in case.parties]
    view["hearings"] = []
    view["docket"] = docket
    return view


def _party_view(case: Case, party: Party, actor: Actor) -> dict[str, object]:
    label = case.party_label(party)
    return {
        "id": party.id,
        "person_id": party.person.id,
        "name": party.person.name,
        "kind": party.kind,
        "standing": party.standing,
        "ordinal": party.ordinal,
        "label": label.zh,
        "label_en": label.en,
        **_contact(party.person, actor),
        "representatives": [
            {
                "id": agent.id,
                "person_id": agent.person.id,
                "name": agent.person.name,
                "authority": agent.authority,
                **_contact(agent.person, actor),
            }
            for agent in party.representatives
        ],
    }


def _contact(person: PersonRef, actor: Actor) -> dict[str, object]:
    if not actor.is_staff and person.id != actor.person_id:
        return {"phone_masked": None, "id_masked": None}
    return {"phone_masked": person.phone_masked, "id_masked": person.id_masked}


def _person(person: PersonRef | None) -> dict[str, object] | None:
    return {"id": person.id, "name": person.name} if person else None


ROUTES = (
    Route("GET", "/cases", list_cases, Who.SIGNED_IN, "My cases"),
    Route("POST", "/cases", file_case, Who.STAFF, "File a case at the counter", CaseBody, 201),
    Route("GET", "/cases/{case_id}", get_case, Who.SIGNED_IN, "One case"),
    Route("POST", "/cases/{case_id}/parties", add_party, Who.STAFF, "Add a party", PartyBody, 201),
    Route("GET", "/cases/{case_id}/acts", list_acts, Who.SIGNED_IN, "The act log of a case"),
)
