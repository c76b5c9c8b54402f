"""Sealed segments become acts while the hearing runs: from then on nobody can exchange a minute of it unseen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.recording.recordings import Recording, RecordingState
from hearing_server.kernel import CaseId, Clock, CourtId, system_actor
from hearing_server.ports.media import SealedPiece, SealedSegments
from hearing_server.ports.units import Units
from hearing_server.services.acts import record_act
from hearing_server.services.recording.record_folders import RecordFolders

# An entry has 4096 bytes at most: 24 objects of some 105 bytes, and the rest of it.
_PER_ACT = 24


@dataclass(frozen=True, slots=True)
class SegmentActs:
    """`note_due` is a job of the process that records; `note` is called once more before a record is closed."""

    units: Units
    clock: Clock
    court_id: CourtId
    folders: RecordFolders
    segments: SealedSegments

    async def note_due(self) -> int:
        """Note what was sealed since the last time, of every running recording; how many acts that were."""
        running: list[tuple[Recording, CaseId]] = []
        async with self.units.read() as unit:
            for recording in await unit.recordings.in_state(RecordingState.RECORDING):
                hearing = await unit.hearings.get(recording.hearing_id)
                if hearing is not None:
                    running.append((recording, hearing.case_id))
        return sum([await self.note(recording, case_id) for recording, case_id in running])

    async def note(self, recording: Recording, case_id: CaseId) -> int:
        """Every sealed segment of this recording, of each recorder, that isn't an act yet; how many acts. OSError."""
        written = 0
        for recorder, folder in self.folders.by_recorder(recording.id).items():
            while await self._note_some(recording, case_id, recorder.value, folder):
                written += 1
        return written

    async def _note_some(self, recording: Recording, case_id: CaseId, recorder: str, folder: Path) -> bool:
        async with self.units.read() as unit:
            last = await unit.log.last_segment(recording.id, recorder)
        pieces = await self.segments.after(folder, last, _PER_ACT)
        if not pieces:
            return False
        async with self.units.write() as unit:
            # The mark commits with the act: a crash between the two is none, and a second process finds it moved.
            if await unit.log.lock_segment(recording.id, recorder) == last:
                await record_act(
                    unit, system_actor(self.court_id), kind=ActKind.RECORDING_SEGMENT_SEALED, chain_id=case_id,
                    at=self.clock.utc_now(), payload=_facts(recording, recorder, pieces),
                    objects=[ActObject(piece.sha256, piece.size_bytes) for piece in pieces],
                )  # fmt: skip
                await unit.log.note_segment(recording.id, recorder, pieces[-1].number)
        return True


def _facts(recording: Recording, recorder: str, pieces: list[SealedPiece]) -> JsonObject:
    return {
        "hearing_id": recording.hearing_id,
        "recording_id": recording.id,
        "recorder": recorder,
        "segments": [
            {"number": piece.number, "sha256": piece.sha256, "size": piece.size_bytes} for piece in pieces
        ],
    }
