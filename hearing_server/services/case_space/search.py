"""Searching: what the person may see anyway, found by its words. What is shown is read again through its own door."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.case_space.amendments import amendments_of
from hearing_server.domain.case_space.lane_view import sender_view
from hearing_server.domain.case_space.messages import EventType
from hearing_server.domain.case_space.search import Excerpt, excerpt_of, terms_of
from hearing_server.domain.exhibits.sight import Sight, may_see, viewer_of
from hearing_server.domain.roles import Action, can, capacity_of
from hearing_server.errors import Invalid, NotFound, RateLimited
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import Actor, AttachmentId, Clock, ExhibitId, LaneId, to_wire
from hearing_server.ports.search import Cursor, Found, Scope, Source
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_member_case
from hearing_server.services.case_space.attachments import is_shown
from hearing_server.services.case_space.indexing import exhibit_text, searchable
from hearing_server.services.person_rate import PersonRate

PAGE_HITS = 20
_BATCH = 50
# Of what was found and may not be shown (a sealed exhibit, a message of before one's time) no more is passed over.
_MOST_LOOKED_AT = 500
# A hand that types asks twice a second at most.
_BURST, _PER_S = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class _Place:
    """A case, and what the person who searches is there."""

    case: Case
    member: CaseMember


class Search:
    """The one use-case."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._rate = PersonRate(clock, burst=_BURST, per_s=_PER_S)

    async def search(
        self,
        actor: Actor,
        query: str,
        *,
        case_id: str | None = None,
        sources: Sequence[Source] = tuple(Source),
        after: str | None = None,
    ) -> dict[str, object]:
        """{items, next}: newest first; `next` is where the following page begins, None at the end.

        Errors: Invalid `search.query`, `search.cursor`; NotFound; RateLimited `search.too_fast`.
        """
        terms, cursor = terms_of(query), _cursor_of(after)
        wait_s = self._rate.spend(actor.person_id)
        if wait_s is not None:
            raise RateLimited(
                "search.too_fast",
                zh="查找过于频繁，请稍候",
                en="Too many searches; please wait a moment",
                retry_after_s=wait_s,
            )
        async with self._units.read() as unit:
            places = await _places(unit, actor, case_id)
            scope = await _scope(unit, places, sources)
            items: list[dict[str, object]] = []
            last, looked_at = cursor, 0
            while len(items) < PAGE_HITS and looked_at < _MOST_LOOKED_AT:
                batch = await unit.search.find(scope, terms, before=last, limit=_BATCH)
                for found in batch:
                    looked_at += 1
                    last = (found.at, found.source.value, found.subject, found.part)
                    hit = await _hit(unit, places[found.case_id], found, terms)
                    if hit is not None:
                        items.append({**hit, "cursor": _wire(last)})
                    if len(items) == PAGE_HITS:
                        break
                if len(batch) < _BATCH:
                    break
        # The next page begins behind what was shown: where the hidden ones lie is nobody's to know.
        return {"items": items, "next": items[-1]["cursor"] if len(items) == PAGE_HITS else None}


async def _places(unit: Unit, actor: Actor, case_id: str | None) -> dict[str, _Place]:
    if case_id is not None:
        found = [_Place(*await access_member_case(unit, actor, case_id))]
    else:
        mine = await unit.cases.of_person(actor.person_id)
        found = [_Place(case, member) for case in mine if (member := case.member(actor.person_id))]
    seen = {
        place.case.id: place
        for place in found
        if can(capacity_of(actor.role, place.member.role), Action.SPACE_READ)
    }
    if case_id is not None and not seen:
        raise NotFound
    return {str(one): place for one, place in seen.items()}


async def _scope(unit: Unit, places: dict[str, _Place], sources: Sequence[Source]) -> Scope:
    case_ids = [place.case.id for place in places.values()]
    lanes = await unit.space.lanes_of_cases(case_ids)
    mine = [lane.id for lane in lanes if lane.first_seq_for(places[lane.case_id].member) is not None]
    return Scope(case_ids, mine, sources)


async def _hit(unit: Unit, place: _Place, found: Found, terms: Sequence[str]) -> dict[str, object] | None:
    """What may be shown of one, as its own door says now; None for nothing."""
    match found.source:
        case Source.MESSAGE:
            hit = await _message(unit, place, LaneId(found.subject), found.part, terms)
        case Source.DOCUMENT:
            hit = await _document(unit, place, AttachmentId(found.subject), found.part, terms)
        case Source.EXHIBIT:
            hit = await _exhibit(unit, place, ExhibitId(found.subject), terms)
    if hit is None:
        return None
    common = {
        "source": found.source.value,
        "case_id": place.case.id,
        "case_number": str(place.case.number),
        "at": to_wire(found.at),
    }
    return {**common, **hit}


async def _message(
    unit: Unit, place: _Place, lane_id: LaneId, seq: int, terms: Sequence[str]
) -> dict[str, object] | None:
    lane = await unit.space.lane(lane_id)
    first_seq = lane.first_seq_for(place.member) if lane else None
    event = (await unit.messages.at(lane_id, (seq,))).get(seq)
    if lane is None or event is None or first_seq is None or seq < first_seq:
        return None
    amendments = amendments_of(await unit.messages.amending(lane_id, (seq,)))
    if amendments.tombstone_of(event) is not None:
        return None
    is_text = event.type is EventType.TEXT
    text = amendments.text_at(event, lane.head_seq + 1) if is_text else searchable(event)
    excerpt = excerpt_of(text, terms)
    if excerpt is None:
        return None
    gone = event.sender_id if event.sender_id and not place.case.member(event.sender_id) else None
    people = await unit.people.many([gone]) if gone else {}
    names = {person_id: person.name for person_id, person in people.items()}
    return {
        "lane": lane.id,
        "lane_kind": lane.kind.value,
        "seq": seq,
        "type": event.type.value,
        "sender": sender_view(event, place.case, names),
        **_excerpt_view(excerpt),
    }


async def _document(
    unit: Unit, place: _Place, file_id: AttachmentId, page: int, terms: Sequence[str]
) -> dict[str, object] | None:
    attachment = await unit.attachments.get(file_id)
    if attachment is None or not attachment.is_ready:
        return None
    is_own = attachment.uploader_id == place.member.person_id
    if not is_own and not await is_shown(unit, place.case, place.member, file_id):
        return None
    excerpt = excerpt_of((await unit.attachments.texts(file_id)).get(page, ""), terms)
    if excerpt is None:
        return None
    return {
        "attachment_id": file_id,
        "name": attachment.name,
        "page": page,
        "pages": attachment.pages,
        **_excerpt_view(excerpt),
    }


async def _exhibit(
    unit: Unit, place: _Place, exhibit_id: ExhibitId, terms: Sequence[str]
) -> dict[str, object] | None:
    exhibit = await unit.exhibits.get(exhibit_id)
    viewer = viewer_of(place.case, place.member.person_id)
    if exhibit is None or viewer is None or may_see(exhibit, viewer) is not Sight.FULL:
        return None
    excerpt = excerpt_of(exhibit_text(exhibit), terms)
    if excerpt is None:
        return None
    label = exhibit.label
    return {
        "exhibit_id": exhibit_id,
        "title": exhibit.content.title,
        "label": label.zh if label else "",
        "label_en": label.en if label else "",
        **_excerpt_view(excerpt),
    }


def _excerpt_view(excerpt: Excerpt) -> dict[str, object]:
    return {"text": excerpt.text, "marks": [list(mark) for mark in excerpt.marks]}


def _wire(cursor: Cursor) -> str:
    at, *rest = cursor
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), *rest]).encode()).decode().rstrip("=")


def _cursor_of(text: str | None) -> Cursor | None:
    """Errors: Invalid `search.cursor`."""
    if text is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        at, source, subject, part = parts
        moment = datetime.fromisoformat(at)
        if not (isinstance(source, str) and isinstance(subject, str) and type(part) is int and moment.tzinfo):
            raise ValueError
        if "\x00" in source + subject or not 0 <= part < 2**53:
            raise ValueError
    except (ValueError, TypeError, binascii.Error, UnicodeError) as error:
        raise Invalid(
            "search.cursor", zh="翻页位置无效，请重新查找", en="The page mark is not valid; search again"
        ) from error
    return moment, source, subject, part
