"""One recording by two recorders: the first in this process, the second in its own; neither can stop the other.

An order goes to both with the same moment, so that their journals say the same. A first recorder whose folder refuses
is tried again while the second writes; the second looks after itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from hearing_server.adapters.rooms import EngineRooms
from hearing_server.kernel import HearingId, RecordingId
from hearing_server.ports.media import RecorderWriting, Writing
from recorder.second.second_recorder import SecondRecorder, SecondRecording
from recorder.union.union import point_to_second
from recorder.writing.session import CLOSE_TIMEOUT_S, RecordingFailure, RecordingSession, WritingProof
from signaling.errors import SignalingError
from signaling.sink import PacketSink

_log = logging.getLogger(__name__)
# A first recorder whose folder refused is tried again this often.
_MEND_S = 3.0
# A folder that hangs instead of refusing must not keep the opening from being told so.
_CREATE_S = 5.0
# Beside the first's own timeout: the two are closed at once, and the second drains what waits first.
_END_S = CLOSE_TIMEOUT_S


class RecorderPair:
    """`second` is None where the court records once."""

    def __init__(
        self,
        rooms: EngineRooms,
        recording_id: RecordingId,
        folder: Path,
        second: SecondRecording | None,
        keeper: SecondRecorder,
    ) -> None:
        self.folder = folder
        self.room: HearingId | None = None
        self.first: RecordingSession | None = None
        self.second = second
        self._rooms = rooms
        self._recording_id = recording_id
        self._keeper = keeper
        self._refusal = "recorder.starting"
        self._creating: asyncio.Task[RecordingSession] | None = None
        self._mending: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start both. RecordingFailure when the first refuses and there is no second."""
        try:
            await self._begin_first()
        except RecordingFailure as error:
            if self.second is None:
                raise
            _log.error("the first recorder does not begin", extra={"code": error.code})
            self._refusal = error.code
            self._mending = asyncio.create_task(self._mend(), name="recorder-mending")

    async def listen(self, room: HearingId) -> None:
        """Both hear the room from here on."""
        if self.room is None:
            for sink in self._sinks():
                await self._rooms.attach(room, sink)
            self.room = room

    async def detach(self) -> None:
        """Neither hears the room any more."""
        room, self.room = self.room, None
        if room is None:
            return
        for sink in self._sinks():
            # A room that was closed before has let its listeners go already.
            with contextlib.suppress(SignalingError):
                await self._rooms.engine.detach_sink(room, sink)

    # --- the court's orders --------------------------------------------------------------------

    @property
    def paused(self) -> str:
        if self.first is not None:
            return self.first.paused
        return self.second.feed.paused if self.second is not None else ""

    def pause(self, *, code: str) -> None:
        at_ns = time.monotonic_ns()
        if self.first is not None and not self.first.paused:
            self.first.pause(code=code, at_ns=at_ns)
        if self.second is not None:
            self.second.feed.pause(code=code, at_ns=at_ns)

    def resume(self) -> None:
        at_ns = time.monotonic_ns()
        if self.first is not None and self.first.paused:
            self.first.resume(at_ns=at_ns)
        if self.second is not None:
            self.second.feed.resume(at_ns=at_ns)

    def mark(self, *, kind: str, text: str) -> None:
        at_ns = time.monotonic_ns()
        for recorder in (self.first, self.second.feed if self.second is not None else None):
            if recorder is not None:
                recorder.mark(kind=kind, text=text, at_ns=at_ns)

    # --- what is proven ------------------------------------------------------------------------

    def writing(self) -> Writing:
        parts = [_part("first", self.first.proof() if self.first is not None else None, self._refusal)]
        tracks = len(self.first.track_ids) if self.first is not None else 0
        if self.second is not None:
            parts.append(_part("second", self._keeper.proof(self.second), ""))
            tracks = max(tracks, self.second.feed.tracks)
        is_advancing = any(part.is_advancing for part in parts)
        return Writing(
            is_advancing=is_advancing,
            size_bytes=max(part.size_bytes for part in parts),
            tracks=tracks,
            failure=None if is_advancing else parts[0].failure,
            free_bytes=min(part.free_bytes for part in parts),
            is_paused=bool(self.paused),
            recorders=tuple(parts),
        )

    # --- the end -------------------------------------------------------------------------------

    async def close(self) -> None:
        """Drain, sync, seal both. RecordingFailure when neither could; what one of them lacks the union tells."""
        await self._stop_mending()
        at_ns = time.monotonic_ns()
        work: list[Awaitable[Any]] = [self.first.close()] if self.first is not None else []
        if self.second is not None:
            work.append(self._keeper.end(self.second, at_ns=at_ns, keep=True, timeout_s=_END_S))
        results = await asyncio.gather(*work, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors:
            if not isinstance(error, RecordingFailure):
                raise error
            _log.error("a recorder was not closed", extra={"code": error.code})
        if errors and len(errors) == len(work):
            raise errors[0]

    async def abandon(self) -> None:
        """Stop both and throw away what they wrote."""
        await self._stop_mending()
        if self.first is not None:
            with contextlib.suppress(RecordingFailure):
                await self.first.close()
        if self.second is not None:
            with contextlib.suppress(RecordingFailure):
                await self._keeper.end(
                    self.second, at_ns=time.monotonic_ns(), keep=False, timeout_s=_CREATE_S
                )
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    # --- inside --------------------------------------------------------------------------------

    def _sinks(self) -> list[PacketSink]:
        sinks: list[PacketSink] = [self.first] if self.first is not None else []
        return [*sinks, self.second.feed] if self.second is not None else sinks

    async def _begin_first(self) -> None:
        """In a thread: a volume that hangs keeps that thread, and nobody else."""
        if self._creating is None:
            self._creating = asyncio.create_task(asyncio.to_thread(self._create))
        done, _ = await asyncio.wait({self._creating}, timeout=_CREATE_S)
        if not done:
            raise RecordingFailure("writer.stalled", "the recording folder does not answer")
        creating, self._creating = self._creating, None
        self.first = creating.result()

    def _create(self) -> RecordingSession:
        session = RecordingSession.create(self.folder, recording_id=self._recording_id)
        if self.second is not None:
            # Whoever reads the folder later finds the other one; without it both must be named.
            with contextlib.suppress(OSError):
                point_to_second(self.folder, self.second.folder)
        return session

    async def _mend(self) -> None:
        """Try the first again until it writes; then it hears and knows what the second hears and knows."""
        while True:
            await asyncio.sleep(_MEND_S)
            try:
                await self._begin_first()
            except RecordingFailure as error:
                self._refusal = error.code
                continue
            assert self.first is not None
            assert self.second is not None
            if self.second.feed.paused:
                self.first.pause(code=self.second.feed.paused, at_ns=time.monotonic_ns())
            if self.room is not None:
                with contextlib.suppress(SignalingError):
                    await self._rooms.attach(self.room, self.first)
            _log.warning("the first recorder writes now")
            return

    async def _stop_mending(self) -> None:
        mending, self._mending = self._mending, None
        if mending is not None:
            mending.cancel()
            await asyncio.gather(mending, return_exceptions=True)


def _part(name: str, proof: WritingProof | None, refusal: str) -> RecorderWriting:
    if proof is None:
        return RecorderWriting(name, is_advancing=False, size_bytes=0, failure=refusal, free_bytes=0)
    return RecorderWriting(
        name,
        is_advancing=proof.advancing and proof.failure is None,
        size_bytes=proof.synced_bytes,
        failure=proof.failure,
        free_bytes=proof.free_bytes,
    )
