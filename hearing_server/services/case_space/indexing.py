"""Keeps the texts for searching in step with lanes, files and exhibits: a job that follows them, never in their way."""

from __future__ import annotations

from hearing_server.domain.case_space.amendments import target_seq
from hearing_server.domain.case_space.messages import EventType, LaneEvent
from hearing_server.domain.case_space.search import normal
from hearing_server.domain.exhibits.exhibits import Exhibit, ExhibitState
from hearing_server.kernel import AttachmentId, CaseId, ExhibitId, LaneId
from hearing_server.ports.search import SearchEntry, Source
from hearing_server.ports.units import Unit, Units

# So much in one commit: others wait for it on SQLite.
_EVENTS = 200
_SUBJECTS = 20
# A page of a document holds a few thousand characters; a table of figures is no reason to keep more.
_MAX_CHARS = 50_000


class SearchIndexing:
    """A job over everything that came since it last looked."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def index_due(self) -> int:
        """Take in a batch; how many subjects were behind."""
        async with self._units.read() as unit:
            lanes = await unit.search.lanes_behind(_SUBJECTS)
            files = await unit.search.files_behind(_SUBJECTS)
            exhibits = await unit.search.exhibits_behind(_SUBJECTS)
        for lane_id, upto in lanes:
            async with self._units.write() as unit:
                await _index_lane(unit, lane_id, upto)
        for file_id in files:
            async with self._units.write() as unit:
                await _index_file(unit, file_id)
        for exhibit_id in exhibits:
            async with self._units.write() as unit:
                await _index_exhibit(unit, exhibit_id)
        return len(lanes) + len(files) + len(exhibits)


async def _index_lane(unit: Unit, lane_id: LaneId, upto: int) -> None:
    lane = await unit.space.lane(lane_id)
    events = await unit.space.events(lane_id, after=upto, limit=_EVENTS)
    if lane is None or not events:
        return
    for event in events:
        await _index_event(unit, lane.case_id, event)
    await unit.search.mark(Source.MESSAGE, lane_id, events[-1].seq)


async def _index_event(unit: Unit, case_id: CaseId, event: LaneEvent) -> None:
    """A message under its own number; a correction is what its message says now; a tombstone takes it out."""
    seq = target_seq(event) or event.seq
    if event.type is EventType.TOMBSTONE:
        await unit.search.forget(Source.MESSAGE, event.lane, seq)
        return
    text = searchable(event)
    if not text:
        return
    is_first = seq == event.seq
    target = event if is_first else (await unit.messages.at(event.lane, (seq,))).get(seq)
    if target is not None:
        entry = SearchEntry(
            Source.MESSAGE, event.lane, seq, case_id, target.server_time, normal(text)[:_MAX_CHARS]
        )
        await unit.search.put(entry)


async def _index_file(unit: Unit, file_id: AttachmentId) -> None:
    attachment = await unit.attachments.get(file_id)
    if attachment is None:
        return
    for page, text in (await unit.attachments.texts(file_id)).items():
        words = normal(text)[:_MAX_CHARS]
        if words:
            await unit.search.put(
                SearchEntry(Source.DOCUMENT, file_id, page, attachment.case_id, attachment.uploaded_at, words)
            )
    await unit.search.mark(Source.DOCUMENT, file_id, 1)


async def _index_exhibit(unit: Unit, exhibit_id: ExhibitId) -> None:
    exhibit = await unit.exhibits.get(exhibit_id)
    if exhibit is None:
        return
    # Drafts are their desk's alone and change with every key: they are found once they are submitted.
    if exhibit.state is not ExhibitState.DRAFT:
        words = normal(exhibit_text(exhibit))
        at = exhibit.submitted_at or exhibit.created_at
        await unit.search.put(SearchEntry(Source.EXHIBIT, exhibit.id, 0, exhibit.case_id, at, words))
    await unit.search.mark(Source.EXHIBIT, exhibit.id, exhibit.revision)


def searchable(event: LaneEvent) -> str:
    """What people can look for in an event: words, or the name of a file. Cards are found where they lead."""
    if event.type is EventType.CARD:
        return ""
    return "\n".join(str(event.body[name]) for name in ("text", "name") if event.body.get(name))


def exhibit_text(exhibit: Exhibit) -> str:
    """Title, source and purpose, and the names of its files."""
    content = exhibit.content
    return "\n".join((content.title, content.purpose, content.source, *(file.name for file in content.files)))
