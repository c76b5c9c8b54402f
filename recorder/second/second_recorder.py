"""Keeps the second recorder alive: one process for all recordings of this one, fed, watched, and started again.

Whatever happens to it (killed, stopped, its disk hangs or is full) costs the room and the first recorder nothing
but the memory its feeds may hold. Belongs to the event loop it was started on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder.second.feed import Feed
from recorder.second.feed_wire import FeedError, Frame, FrameKind, pack_json, read_frame
from recorder.writing.session import RecordingFailure, WritingProof
from recorder.writing.writer import SEAL_S

BEAT_S = 0.05  # how long a packet waits to be sent
# A process that has said nothing for so many of our own beats (20 s) hangs. Counted in beats, because a machine or a
# process that stood still itself must not take that for the other's silence.
_HUNG_BEATS = 400
# A proof older than this proves nothing.
_FRESH_BEATS = 40
# What waits in the socket's buffer is sent; more stays in the feed until the other end reads again.
_SENDING_BYTES = 1 << 20
_BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)
_LASTED_S = 60.0
_BEGIN_AGAIN_S = 1.0
# With nothing to record for so many beats (a minute) the process ends; the next recording starts another.
_IDLE_BEATS = 1200
# The packages lie here: a process with another working folder must find them as we did.
_PACKAGES = Path(__file__).resolve().parents[2]

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class SecondRecording:
    """One recording of the other process. `feed` is the sink; `seal_s` is for tests."""

    feed: Feed
    folder: Path
    recording_id: str
    seal_s: float = SEAL_S
    failure: str | None = "recorder.starting"
    is_begun: bool = False
    _is_beginning: bool = False
    _begin_at_s: float = 0.0
    _told: dict[str, Any] = field(default_factory=dict)
    _silent_beats: int = 0
    _ended: asyncio.Future[tuple[str, str]] | None = None
    _ending: str = ""


class SecondRecorder:
    """Starts the process with the first recording and keeps it until `stop`."""

    def __init__(self) -> None:
        self._recordings: dict[int, SecondRecording] = {}
        self._next = 1
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._unsent: list[bytes] = []
        self._silent_beats = 0
        self._idle_beats = 0
        self._keeping: asyncio.Task[None] | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The process of now; None without one."""
        return self._process.pid if self._process is not None else None

    def record(self, folder: Path, *, recording_id: str, seal_s: float = SEAL_S) -> SecondRecording:
        """A recording into `folder`, begun as soon as the process is there; its feed takes packets at once."""
        number, self._next = self._next, self._next + 1
        recording = SecondRecording(Feed(number), folder.absolute(), recording_id, seal_s)
        self._recordings[number] = recording
        self._idle_beats = 0
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="second-recorder")
        return recording

    def proof(self, recording: SecondRecording) -> WritingProof:
        """What the process said last of this recording, as long as it is fresh."""
        told = recording._told
        failure = recording.failure or told.get("failure")
        if failure is None and recording._silent_beats > _FRESH_BEATS:
            failure = "writer.stalled"
        return WritingProof(
            synced_bytes=told.get("synced_bytes", 0),
            last_synced_age_s=recording._silent_beats * BEAT_S,
            advancing=bool(told.get("advancing")) and failure is None,
            tracks={str(number): 0 for number in range(recording.feed.tracks)},
            failure=failure,
            free_bytes=told.get("free_bytes", 0),
        )

    async def end(self, recording: SecondRecording, *, at_ns: int, keep: bool, timeout_s: float) -> None:
        """Close the recording behind all it was fed, or throw it away (`keep` false). RecordingFailure when the other
        process does not get that done in time: what it has then is a crashed recording.
        """
        recording.feed.end(at_ns=at_ns)
        recording._ending = "close" if keep else "abandon"
        recording._ended = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                code, title = await recording._ended
        except TimeoutError:
            # Told all the same: what it can still write it closes, and lets the folder go.
            how = "close" if keep else "abandon"
            self._unsent.append(pack_json(FrameKind.END, recording.feed.number, {"how": how}))
            raise RecordingFailure("writer.stalled", "the second recorder does not answer") from None
        finally:
            self._recordings.pop(recording.feed.number, None)
        if code:
            raise RecordingFailure(code, title)

    async def stop(self, *, within_s: float = 10.0) -> None:
        """Hang up: the process seals what it has and ends. One that does not is left to it."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        self._keeping = None
        process, writer = self._process, self._writer
        if writer is not None:
            writer.close()
        self._process = self._writer = None
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, within_s)

    # -- the process ----------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Start it and serve it, again and again, as long as there is anything to record."""
        tries = 0
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                reader = await self._start()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen(reader))
                    group.create_task(self._beat())
            except* (EOFError, FeedError, OSError) as errors:
                why = str(errors.exceptions[0]) or "it ended"
                log.log(
                    logging.ERROR if self._recordings else logging.INFO,
                    "the second recorder is gone: %s",
                    why,
                )
            await self._kill()
            if self._idle_beats > _IDLE_BEATS and not self._recordings:
                self._keeping = None
                return
            for recording in self._recordings.values():
                recording.is_begun = recording._is_beginning = False
                recording.failure = "recorder.down"
                recording._told = {}
            tries = 1 if loop.time() - began_s > _LASTED_S else tries + 1
            await asyncio.sleep(_BACK_OFF_S[min(tries, len(_BACK_OFF_S)) - 1])

    async def _start(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.to_thread(_spawn, theirs.fileno())
        self.starts += 1
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._unsent, self._silent_beats = [], 0
        return reader

    async def _kill(self) -> None:
        process, writer = self._process, self._writer
        self._process = self._writer = None
        if writer is not None:
            writer.transport.abort()
        if process is not None:
            process.kill()
            # One that waits for its disk inside the kernel dies when the disk lets it: nobody waits for that here.
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, 1.0)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            self._hear(await read_frame(reader))

    def _hear(self, frame: Frame) -> None:
        self._silent_beats = 0
        recording = self._recordings.get(frame.recording)
        if recording is None:
            return
        content = frame.json()
        if frame.kind == FrameKind.STATUS:
            recording._told, recording._silent_beats = content, 0
            recording.feed.settle(content["settled"])
            recording.feed.is_disk_failing = str(content["failure"] or "").startswith("disk.")
        elif frame.kind == FrameKind.BEGUN:
            self._begun(recording, content["code"])
        elif frame.kind == FrameKind.ENDED and recording._ended is not None and not recording._ended.done():
            recording._ended.set_result((content["code"], content["title"]))

    def _begun(self, recording: SecondRecording, code: str) -> None:
        recording._is_beginning = False
        recording.failure = code or None
        recording.is_begun = not code
        if code:
            recording._begin_at_s = asyncio.get_running_loop().time() + _BEGIN_AGAIN_S
        else:
            self._unsent += recording.feed.again()

    # -- feeding --------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Send what came since the last beat; EOFError when the process must be started again."""
        while True:
            await asyncio.sleep(BEAT_S)
            self._silent_beats += 1
            if self._silent_beats > _HUNG_BEATS:
                raise EOFError("it hangs")
            self._idle_beats = 0 if self._recordings else self._idle_beats + 1
            if self._idle_beats > _IDLE_BEATS:
                raise EOFError("nothing is recorded")
            for recording in tuple(self._recordings.values()):
                recording._silent_beats += 1
                self._serve(recording)
            self._send()

    def _serve(self, recording: SecondRecording) -> None:
        # Taken also while nobody can be sent it: a backlog of many small frames is sent again one by one.
        frame = recording.feed.take_batch()
        if recording.is_begun:
            if frame is not None:
                self._unsent.append(frame)
            if recording._ending and recording.feed.is_settled:
                ending, recording._ending = recording._ending, ""
                self._unsent.append(pack_json(FrameKind.END, recording.feed.number, {"how": ending}))
        elif not recording._is_beginning and asyncio.get_running_loop().time() >= recording._begin_at_s:
            recording._is_beginning = True
            order = {
                "folder": str(recording.folder),
                "recording_id": recording.recording_id,
                "from_ns": recording.feed.oldest_ns,
                "resent_until": recording.feed.last_sent,
                "seal_s": recording.seal_s,
            }
            self._unsent.append(pack_json(FrameKind.BEGIN, recording.feed.number, order))

    def _send(self) -> None:
        writer = self._writer
        sent = 0
        while writer is not None and sent < len(self._unsent):
            if writer.transport.get_write_buffer_size() > _SENDING_BYTES:
                break
            writer.write(self._unsent[sent])
            sent += 1
        del self._unsent[:sent]


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH", ""))))
    return subprocess.Popen(
        [sys.executable, "-m", "recorder.second.second_process", str(descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        # What ends us (Ctrl-C, a signal to our group) must leave it the time to seal.
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )
