"""Sealing: when the minute to undo a closing is over, the record is closed for ever."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.hearing.hearings import Hearing, HearingState
from hearing_server.domain.recording.recordings import (
    Gap,
    Recording,
    RecordingState,
)
from hearing_server.errors import HearingError
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Clock, system_actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import RecorderControl, RoomEngine, Sealed
from hearing_server.ports.room_media import PersonSum
from hearing_server.ports.units import Units
from hearing_server.services.acts import record_act
from hearing_server.services.docket import enter_docket
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_watch import RecorderWatch
from hearing_server.services.trust.segment_acts import SegmentActs

_log = logging.getLogger(__name__)


class Sealing:
    """The end of every recording."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        watch: RecorderWatch,
        recorder: RecorderControl,
        rooms: RoomEngine,
        folders: RecordFolders,
        segments: SegmentActs,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._watch = watch
        self._recorder = recorder
        self._rooms = rooms
        self._folders = folders
        self._segments = segments

    async def seal_due(self) -> int:
        """Seal the recordings of hearings whose minute to undo the closing is over; how many."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            due = []
            for recording in await unit.recordings.in_state(RecordingState.RECORDING):
                hearing = await unit.hearings.get(recording.hearing_id)
                if hearing is not None and hearing.state is HearingState.CLOSED and hearing.is_final(now):
                    due.append((recording, hearing))
        sealed = 0
        for recording, hearing in due:
            try:
                await self._seal(recording, hearing)
                sealed += 1
            except (HearingError, OSError):
                # A damaged folder must not keep other hearings' records open; it is tried again at the next turn.
                _log.exception("recording not sealed", extra={"recording": recording.id})
        return sealed

    async def _seal(self, recording: Recording, hearing: Hearing) -> None:
        if self._recorder.writing(recording.id) is None:
            # This process isn't writing it (it was restarted after the closing): go on and seal.
            folder, second = self._folders.of(recording.id), self._folders.second(recording.id)
            await self._recorder.start(recording.id, folder, second=second, room=hearing.id)
        sealed = await self._recorder.seal(recording.id)
        self._watch.forget(hearing.id)
        # The last ones were sealed just now: every segment is an act before the record's own.
        await self._segments.note(recording, hearing.case_id)
        lines = await self._lines(hearing)
        await self._rooms.close_room(hearing.id, reason="closed")
        now = self._clock.utc_now()
        names = {person.person_id: person.name for person in hearing.participants}
        done = recording.sealed(
            at=now,
            tracks=sealed.tracks,
            segments=sealed.segments,
            size_bytes=sealed.size_bytes,
            root_sha256=sealed.root_sha256,
            gaps=tuple(_gaps(sealed, {str(k): v for k, v in names.items()})),
        )
        actor = system_actor(self._profile.court.id)
        async with self._units.write() as unit:
            await unit.recordings.save(replace(done, film=done.film.queued()))
            await enter_docket(unit, actor, hearing.case_id, DocketKind.RECORDING_SEALED, at=now)
            await record_act(
                unit, actor, kind=ActKind.RECORDING_SEALED, chain_id=hearing.case_id, at=now,
                payload={"recording_id": recording.id, "root_sha256": sealed.root_sha256, "gaps": len(done.gaps)},
                objects=(ActObject(sealed.root_sha256, sealed.size_bytes),),
            )  # fmt: skip
            for line in lines:
                await record_act(
                    unit, actor, kind=ActKind.PARTICIPANT_LINE_MEASURED, chain_id=hearing.case_id, at=now,
                    payload=_line_facts(hearing, line),
                )  # fmt: skip
            unit.ring(Doorbell("hearing_changed", hearing.id))
            unit.ring(Doorbell("film_queued", recording.id))

    async def _lines(self, hearing: Hearing) -> list[PersonSum]:
        """What everybody's line was like, as long as the room still knows; a restart after the closing forgot it."""
        try:
            media = await self._rooms.media(hearing.id)
        except HearingError:
            return []
        return [line for line in media.totals if hearing.find(line.person_id) is not None]


def _line_facts(hearing: Hearing, line: PersonSum) -> JsonObject:
    """Whole numbers: the chain's canonical form is beyond doubt. The court reads it, and the person it is of."""
    return {
        "hearing_id": hearing.id,
        "person_ids": [line.person_id],
        "present_s": round(line.present_s),
        "weak_s": round(line.weak_s),
        "silent_s": round(line.silent_s),
        "lost_s": round(line.lost_s),
        "worst_rtt_ms": None if line.worst_rtt_ms is None else round(line.worst_rtt_ms),
        "packets_in": line.packets_in,
        "given_up": line.given_up,
        "packets_out": line.packets_out,
        "repairs_sent": line.repairs_sent,
    }


def _gaps(sealed: Sealed, names: Mapping[str, str]) -> list[Gap]:
    return [
        Gap(
            identity_name=names.get(gap.identity),
            source=gap.source,
            start=_utc(gap.from_utc_ns),
            end=_utc(gap.until_utc_ns),
            cause=gap.cause,
        )
        for gap in sealed.gaps
    ]


def _utc(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000 / 1000, UTC)
