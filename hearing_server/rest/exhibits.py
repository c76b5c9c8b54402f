"""Exhibits over HTTP: drafts and submission, the clerk's desk, opinions, the judge's word, the catalogue."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from aiohttp import hdrs, web
from pydantic import Field, StringConstraints

from hearing_server.domain.case_space.lanes import SealedGround
from hearing_server.domain.exhibits.content import (
    MAX_FILES,
    MAX_PURPOSE_CHARS,
    MAX_REASON_CHARS,
    MAX_SOURCE_CHARS,
    MAX_TITLE_CHARS,
    ExhibitKind,
    Form,
)
from hearing_server.domain.exhibits.exhibits import Result
from hearing_server.domain.exhibits.opinions import Answer, Answers
from hearing_server.domain.exhibits.sealing import Disclosure
from hearing_server.ports.exhibits import ExhibitTerms
from hearing_server.rest.hearings import Id
from hearing_server.rest.routing import Body, Call, Moment, Route, Who
from hearing_server.services.exhibits.bench import NewDecision
from hearing_server.services.exhibits.exchange import MAX_EXCHANGED
from hearing_server.services.exhibits.submissions import Draft

_Reason = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON_CHARS)]
_MaybeReason = Annotated[str, StringConstraints(max_length=MAX_REASON_CHARS)]


class SealBody(Body):
    """保密提交: on which ground, and why, for the court."""

    ground: SealedGround
    reason: _Reason


class ExhibitBody(Body):
    """A draft whole; holes are allowed until it is submitted."""

    title: Annotated[str, StringConstraints(max_length=MAX_TITLE_CHARS)] = ""
    kind: ExhibitKind = ExhibitKind.DOCUMENT
    source: Annotated[str, StringConstraints(max_length=MAX_SOURCE_CHARS)] = ""
    purpose: Annotated[str, StringConstraints(max_length=MAX_PURPOSE_CHARS)] = ""
    form: Form = Form.COPY
    attachment_ids: tuple[Id, ...] = Field((), max_length=MAX_FILES)
    sealed: SealBody | None = None

    def draft(self) -> Draft:
        return Draft(
            title=self.title,
            kind=self.kind,
            source=self.source,
            purpose=self.purpose,
            form=self.form,
            attachment_ids=tuple(self.attachment_ids),
            ground=self.sealed.ground if self.sealed else None,
            seal_reason=self.sealed.reason if self.sealed else "",
        )


class NewExhibitBody(ExhibitBody):
    """`party_id`: for whom; `supersedes`: the version it is to replace."""

    party_id: Id | None = None
    supersedes: Id | None = None


class SubmissionBody(Body):
    """The revision that was looked at."""

    revision: Annotated[int, Field(ge=1, le=2**31)]


class WithdrawalBody(Body):
    reason: _MaybeReason = ""


class ReturnBody(Body):
    reason: _Reason


class ExchangeBody(Body):
    exhibit_ids: tuple[Id, ...] = Field(min_length=1, max_length=MAX_EXCHANGED)
    opinions_until: Moment | None = None
    remind: bool = True


class ExhibitOpinionBody(Body):
    authenticity: Answer
    legality: Answer
    relevance: Answer
    purpose: Answer
    reason: Annotated[str, StringConstraints(max_length=MAX_PURPOSE_CHARS)] = ""
    asks_original: bool = False


class RedactedExhibitBody(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE_CHARS)]
    attachment_id: Id


class DisclosureBody(Body):
    """`party_ids` null: all parties."""

    kind: Disclosure
    party_ids: tuple[Id, ...] | None = Field(None, max_length=50)
    reason: _Reason
    redacted: RedactedExhibitBody | None = None


class ShowingBody(Body):
    hearing_id: Id
    page: Annotated[int, Field(ge=1, le=100_000)] | None = None
    audience: Literal["all", "court"] = "all"


class ExhibitRulingBody(Body):
    result: Result
    reason: _Reason


class ExhibitTermsBody(Body):
    submit_until: Moment | None


async def list_exhibits(call: Call) -> object:
    found = await call.services.exhibits.reading.of_case(call.actor, call.part("case_id"))
    parties = [
        {
            "id": party.id,
            "name": party.person.name,
            "label": found.case.party_label(party).zh,
            "label_en": found.case.party_label(party).en,
        }
        for party in found.case.parties
    ]
    return {
        "items": list(found.items),
        "parties": parties,
        "terms": terms_view(found.terms),
        "me": {"party_ids": sorted(found.party_ids), "may": list(found.may)},
    }


async def begin(call: Call) -> object:
    body = call.body(NewExhibitBody)
    return await call.services.exhibits.submissions.begin(
        call.actor, call.part("case_id"), body.draft(), party_id=body.party_id, supersedes=body.supersedes
    )


async def get_exhibit(call: Call) -> object:
    return await call.services.exhibits.reading.get(call.actor, call.part("exhibit_id"))


async def edit(call: Call) -> object:
    draft = call.body(ExhibitBody).draft()
    return await call.services.exhibits.submissions.edit(call.actor, call.part("exhibit_id"), draft)


async def discard(call: Call) -> object:
    await call.services.exhibits.submissions.discard(call.actor, call.part("exhibit_id"))
    return web.Response(status=204)


async def submit(call: Call) -> object:
    return await call.services.exhibits.submissions.submit(
        call.actor, call.part("exhibit_id"), revision=call.body(SubmissionBody).revision
    )


async def withdraw(call: Call) -> object:
    return await call.services.exhibits.submissions.withdraw(
        call.actor, call.part("exhibit_id"), reason=call.body(WithdrawalBody).reason
    )


async def check(call: Call) -> object:
    return await call.services.exhibits.exchange.check(call.actor, call.part("exhibit_id"))


async def send_back(call: Call) -> object:
    return await call.services.exhibits.exchange.send_back(
        call.actor, call.part("exhibit_id"), reason=call.body(ReturnBody).reason
    )


async def exchange(call: Call) -> object:
    body = call.body(ExchangeBody)
    items = await call.services.exhibits.exchange.exchange(
        call.actor,
        call.part("case_id"),
        body.exhibit_ids,
        opinions_until=body.opinions_until,
        reminds=body.remind,
    )
    return {"items": items}


async def give_opinion(call: Call) -> object:
    body = call.body(ExhibitOpinionBody)
    return await call.services.exhibits.opinions.give(
        call.actor,
        call.part("exhibit_id"),
        answers=Answers(body.authenticity, body.legality, body.relevance, body.purpose),
        reason=body.reason,
        asks_original=body.asks_original,
    )


async def decide(call: Call) -> object:
    body = call.body(DisclosureBody)
    decision = NewDecision(
        kind=body.kind,
        party_ids=body.party_ids,
        reason=body.reason,
        title=body.redacted.title if body.redacted else "",
        attachment_id=body.redacted.attachment_id if body.redacted else "",
    )
    return await call.services.exhibits.bench.decide(call.actor, call.part("exhibit_id"), decision)


async def show(call: Call) -> object:
    body = call.body(ShowingBody)
    return await call.services.exhibits.bench.show(
        call.actor,
        call.part("exhibit_id"),
        hearing_id=body.hearing_id,
        page=body.page,
        to_all=body.audience == "all",
    )


async def rule(call: Call) -> object:
    body = call.body(ExhibitRulingBody)
    return await call.services.exhibits.bench.rule(
        call.actor, call.part("exhibit_id"), result=body.result, reason=body.reason
    )


async def set_terms(call: Call) -> object:
    until = call.body(ExhibitTermsBody).submit_until
    terms = await call.services.exhibits.exchange.set_terms(
        call.actor, call.part("case_id"), submit_until=until
    )
    return terms_view(terms)


async def get_catalogue(call: Call) -> object:
    printed = await call.services.exhibits.catalogues.print(
        call.actor, call.part("case_id"), series=call.request.query.get("side")
    )
    headers = {
        hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(printed.name, safe='')}",
        hdrs.CACHE_CONTROL: "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=printed.content, content_type="application/pdf", headers=headers)


def terms_view(terms: ExhibitTerms) -> dict[str, object]:
    """举证期限, as in docs/PROTOCOL.md section 1."""
    return {"submit_until": terms.submit_until, "set_at": terms.set_at}


_C, _E = "/cases/{case_id}", "/exhibits/{exhibit_id}"
_IN = Who.SIGNED_IN
ROUTES = (
    Route("GET", _C + "/exhibits", list_exhibits, _IN, "Exhibits of a case, as this person may know them"),
    Route("POST", _C + "/exhibits", begin, _IN, "Begin a draft", NewExhibitBody, 201),
    Route("GET", _C + "/exhibits/catalogue", get_catalogue, _IN, "The catalogue as a PDF"),
    Route("PUT", _C + "/exhibit-terms", set_terms, Who.STAFF, "Set the time for evidence", ExhibitTermsBody),
    Route("POST", _C + "/exchanges", exchange, Who.STAFF, "Exchange a set of exhibits", ExchangeBody, 201),
    Route("GET", _E, get_exhibit, _IN, "One exhibit"),
    Route("PUT", _E, edit, _IN, "Change a draft", ExhibitBody),
    Route("DELETE", _E, discard, _IN, "Throw a draft away"),
    Route("POST", _E + "/submission", submit, _IN, "Submit it for ever", SubmissionBody),
    Route("POST", _E + "/withdrawal", withdraw, _IN, "Take it back before the exchange", WithdrawalBody),
    Route("POST", _E + "/check", check, Who.STAFF, "The clerk found it in order"),
    Route("POST", _E + "/return", send_back, Who.STAFF, "Back to its side, with the reason", ReturnBody),
    Route("POST", _E + "/opinions", give_opinion, _IN, "A side's opinion", ExhibitOpinionBody, 201),
    Route("POST", _E + "/disclosure", decide, Who.STAFF, "Who may see a sealed exhibit", DisclosureBody),
    Route("POST", _E + "/showings", show, Who.STAFF, "It is shown in a hearing", ShowingBody, 201),
    Route("POST", _E + "/rulings", rule, Who.STAFF, "The court's ruling on it", ExhibitRulingBody, 201),
)
