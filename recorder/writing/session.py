"""RecordingSession: the sink a room feeds, from opening to the sealed manifest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.account.inventory import PAUSE_CAUSES, Inventory
from recorder.account.manifest import GapCause, Manifest, SealedSegment
from recorder.clock import NS_PER_S, MachineClocks, SystemClocks, next_run
from recorder.durable import Disk
from recorder.folder import (
    JOURNAL_FOLDER,
    LOCK_NAME,
    MANIFEST_NAME,
    OPEN_SUFFIX,
    open_segment_path,
    sealed_segment_path,
)
from recorder.journal import MAX_PAYLOAD_BYTES, REPORT, RecordKind, compact_json
from recorder.reading.recording import RecordingError, take_inventory
from recorder.reading.recovery import find_past, highest_number, seal_leftovers
from recorder.writing.live_track import LiveTrack
from recorder.writing.segments import SegmentChain
from recorder.writing.telling import on_loop
from recorder.writing.writer import PACKET_WEIGHT_BYTES, SEAL_S, JournalWriter, failure_code, preface
from signaling.sink import TrackInfo

QUEUE_BYTES = 64 << 20  # 20 s of a full hearing (6 people, 3 layers, 20 Mbit/s) while a disk does not answer
VIDEO_SHARE = 0.75  # above this share of the queue pictures are refused, so that voices and notes still fit
STALL_S = 2.0  # the thread ticks every 250 ms; the judge must know within 3 s (design 5.5)
ADVANCE_S = 1.5  # three heartbeats
CLOSE_TIMEOUT_S = 60.0  # draining a full queue to a slow disk


class RecordingFailure(Exception):
    """The record cannot be written. `code` is stable and dotted: disk.full, disk.read_only, disk.io, recording.…"""

    def __init__(self, code: str, title: str) -> None:
        super().__init__(title)
        self.code = code
        self.title = title


@dataclass(frozen=True, slots=True)
class WritingProof:
    """What is known to be on the disk. `advancing`: the file was seen growing within the last ADVANCE_S.

    `tracks`: durable RTP bytes by track id. `failure`: None, or a code (disk.full, disk.io, disk.read_only,
    disk.refused, writer.error, writer.stalled).
    """

    synced_bytes: int
    last_synced_age_s: float
    advancing: bool
    tracks: dict[str, int]
    failure: str | None
    free_bytes: int


class RecordingSession:
    """A PacketSink that records. Create it with `create`; its methods belong to one thread (the event loop's).

    Overflow policy: what waits for the disk is bounded by `queue_bytes`. Beyond VIDEO_SHARE of it video packets,
    beyond all of it audio packets are refused until half is free again; every refusal becomes a gap in the ledger
    ("overload", or "disk" while the disk fails). Notes and events are small and always taken.
    """

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        recording_id: str,
        clock: MachineClocks | None = None,
        disk: Disk | None = None,
        on_alarm: Callable[[str | None], None] | None = None,
        on_sealed: Callable[[SealedSegment], None] | None = None,
        queue_bytes: int = QUEUE_BYTES,
        seal_s: float = SEAL_S,
        from_ns: int | None = None,
    ) -> RecordingSession:
        """Start recording into `folder`, or go on in a folder that a crash or a close left.

        Blocks for a few syncs (ms); going on reads the last segment only, and close() then reads the whole journal.
        `on_alarm(code)` tells that writing fails, `on_alarm(None)` that it works again; `on_sealed` gets each
        segment. Both run on the loop that was running when `create` was called, else in the writer thread.
        `from_ns`: what is recorded first arrived then; a run that gets what waited while nobody wrote begins there.
        RecordingFailure: recording.busy (another process writes here), recording.mismatch (another recording's
        folder), recording.damaged (its last segment cannot be read), disk.* (the folder refuses).
        """
        disk, clock = disk or Disk(), clock or SystemClocks()
        try:
            disk.make_folder(folder / JOURNAL_FOLDER)
            lock = disk.lock(folder / LOCK_NAME)
        except OSError as error:
            raise RecordingFailure(failure_code(error), "the recording folder cannot be written") from error
        if lock is None:
            raise RecordingFailure("recording.busy", "another process records into this folder")
        try:
            session = cls(folder, recording_id, clock, disk, queue_bytes, lock)
            session._begin(on_alarm, on_sealed, seal_s, from_ns)
        except OSError as error:
            os.close(lock)
            raise RecordingFailure(failure_code(error), "the recording folder cannot be written") from error
        except RecordingError as error:
            os.close(lock)
            raise RecordingFailure("recording.damaged", str(error)) from error
        except BaseException:
            os.close(lock)
            raise
        return session

    def __init__(
        self, folder: Path, recording_id: str, clock: MachineClocks, disk: Disk, queue_bytes: int, lock: int
    ) -> None:
        self.folder, self.recording_id = folder, recording_id
        self._clock, self._disk = clock, disk
        self._queue_bytes = queue_bytes
        self._lock = lock
        self._tracks: dict[str, LiveTrack] = {}
        self._numbers: dict[str, int] = {}
        self._offered_bytes, self._closing = 0, False
        self._seen_at: tuple[int, int] = (0, 0)
        self._seen_ns = 0

    def _begin(
        self,
        on_alarm: Callable[[str | None], None] | None,
        on_sealed: Callable[[SealedSegment], None] | None,
        seal_s: float,
        from_ns: int | None,
    ) -> None:
        past = find_past(self.folder, self._disk)
        if past is not None and past.recording_id != self.recording_id:
            raise RecordingFailure("recording.mismatch", "the folder holds another recording")
        now_ns, boot_id = self._clock.monotonic_ns(), self._clock.boot_id()
        waited_ns = max(now_ns - from_ns, 0) if from_ns is not None else 0
        if past is not None and past.run.boot_id == boot_id:
            # Where the run before ended on this very clock, no run begins earlier.
            ended_ns = past.run.monotonic_ns + past.last_ns - past.run.elapsed_ns
            waited_ns = min(waited_ns, max(now_ns - ended_ns, 0))
        run = next_run(
            past.run if past else None,
            past.last_ns if past else 0,
            run=past.run.run + 1 if past else 1,
            boot_id=boot_id,
            monotonic_ns=now_ns - waited_ns,
            utc_ns=self._clock.utc_ns() - waited_ns,
        )
        self._run = run
        self._goes_on = past is not None
        self._paused = past.paused if past else ""
        self._next_track = past.next_track if past else 1
        self._bytes_before = past.total_bytes if past else 0
        inventory = Inventory(self._next_track)
        inventory.recording_id = self.recording_id
        inventory.begin_run(run)
        if self._paused:
            inventory.take(RecordKind.PAUSE, 0, run.elapsed_ns, compact_json({"code": self._paused}))
        chain = SegmentChain(
            self.folder,
            self._disk,
            self.recording_id,
            run,
            past.previous if past else (0, "", 0),
            lambda: preface(inventory, run),
            lambda: inventory.next_track,
        )
        chain.skip_to(highest_number(self.folder) + 1)
        self._inventory = inventory
        self._writer = JournalWriter(
            chain,
            inventory,
            run,
            self._clock,
            on_sealed=on_loop(on_sealed),
            on_failure=on_loop(on_alarm),
            seal_s=seal_s,
        )
        self._queue = self._writer.queue
        self._disk.remove(self.folder / MANIFEST_NAME)  # it would tell of the time before
        self._writer.first_write()
        self._seen_at = self._position()
        self._writer.start()

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        """A new track; a `track_id` that comes back gets a new number."""
        if self._closing:
            return
        share = 1.0 if track.kind == "audio" else VIDEO_SHARE
        number, self._next_track = self._next_track, self._next_track + 1
        self._tracks[track.track_id] = LiveTrack(number, int(self._queue_bytes * share))
        self._numbers[track.track_id] = number
        self._note(RecordKind.TRACK, number, max(at_ns, self._run.monotonic_ns), compact_json(asdict(track)))

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        """One RTP packet; nothing while the record is paused, and nothing of a track never started."""
        track = self._tracks.get(track_id)
        if track is None or self._paused or self._closing:
            return
        weight_bytes = len(packet) + PACKET_WEIGHT_BYTES
        waiting_bytes = self._offered_bytes - self._writer.settled_weight_bytes + weight_bytes
        if track.refused_packets:
            if waiting_bytes > self._queue_bytes // 2:
                track.refuse(len(packet), at_ns, track.cause)
                return
            self._end_refusal(track, at_ns)
        elif waiting_bytes > track.limit_bytes or len(packet) > MAX_PAYLOAD_BYTES:
            track.refuse(len(packet), at_ns, GapCause.DISK if self._writer.failure else GapCause.OVERLOAD)
            return
        self._offered_bytes += weight_bytes
        self._queue.append((RecordKind.PACKET, track.number, at_ns, packet))

    def take_packets(self, track_id: str, packets: list[tuple[int, bytes]]) -> None:
        """Some packets of one track, (at_ns, packet) each: at once, unless one of them might be refused."""
        track = None if self._paused or self._closing else self._tracks.get(track_id)
        weight_bytes = sum(len(packet) for _, packet in packets) + len(packets) * PACKET_WEIGHT_BYTES
        waiting_bytes = self._offered_bytes - self._writer.settled_weight_bytes + weight_bytes
        if track is None or track.refused_packets or waiting_bytes > track.limit_bytes:
            for at_ns, packet in packets:
                self.packet(track_id, packet, at_ns)
            return
        self._offered_bytes += weight_bytes
        self._queue.extend([(RecordKind.PACKET, track.number, at_ns, packet) for at_ns, packet in packets])

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None:
        """An RTCP sender report of the track."""
        track = self._tracks.get(track_id)
        if track is not None and not self._closing:
            payload = REPORT.pack(ntp & 0xFFFFFFFFFFFFFFFF, rtp_timestamp & 0xFFFFFFFF)
            self._note(RecordKind.REPORT, track.number, at_ns, payload)

    def track_event(self, track_id: str, event: str, at_ns: int) -> None:
        """Something that explains a hole; also recorded while paused."""
        track = self._tracks.get(track_id)
        if track is not None and not self._closing:
            self._note(RecordKind.EVENT, track.number, at_ns, compact_json({"event": event}))

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None:
        """The track is over."""
        track = self._tracks.pop(track_id, None)
        if track is not None and not self._closing:
            self._end_refusal(track, at_ns)
            self._note(RecordKind.TRACK_END, track.number, at_ns, compact_json({"cause": cause}))

    def given_up(self, track_id: str, refusal: Mapping[str, Any], *, at_ns: int) -> None:
        """Whoever feeds this session refused packets: a LiveTrack's refusal with its times on the monotonic clock."""
        track = self._tracks.get(track_id)
        if track is not None and not self._closing:
            shift_ns = self._run.elapsed_ns - self._run.monotonic_ns
            times = {name: refusal[name] + shift_ns for name in ("from_ns", "until_ns")}
            self._note(RecordKind.GAP, track.number, at_ns, compact_json({**refusal, **times}))

    @property
    def paused(self) -> str:
        """Code of the pause in force, or an empty string. A pause outlives a crash."""
        return self._paused

    def pause(self, *, code: str, at_ns: int) -> None:
        """Record nothing until resume. `code`: recess, closed_exhibit, mediation, no other (法释〔2017〕5号 第3条)."""
        if code not in PAUSE_CAUSES:
            raise ValueError(f"pause code {code!r}")
        if not self._paused and not self._closing:
            self._paused = code
            self._note(RecordKind.PAUSE, 0, at_ns, compact_json({"code": code}))

    def resume(self, *, at_ns: int) -> None:
        """Record again. Nothing happens when the record is not paused."""
        if self._paused and not self._closing:
            self._paused = ""
            self._note(RecordKind.RESUME, 0, at_ns, b"")

    def mark(self, *, kind: str, text: str, at_ns: int) -> None:
        """A log note such as "opened", "closed", "removed". `text` is cut at 4000 characters."""
        if not self._closing:
            self._note(RecordKind.MARK, 0, at_ns, compact_json({"kind": kind, "text": text[:4000]}))

    @property
    def track_ids(self) -> Collection[str]:
        """Every track id of this run."""
        return self._numbers.keys()

    def proof(self) -> WritingProof:
        """What is on the disk now, by the file system's word. Cheap; ask once or twice a second."""
        now_ns = self._clock.monotonic_ns()
        writer = self._writer
        position = self._position()
        if position > self._seen_at:
            self._seen_at, self._seen_ns = position, now_ns
        failure = writer.failure
        if failure is None and now_ns - writer.last_tick_ns > STALL_S * NS_PER_S:
            failure = "writer.stalled"
        grew = self._seen_ns > 0 and now_ns - self._seen_ns <= ADVANCE_S * NS_PER_S
        synced = writer.synced_track_bytes
        free_bytes = 0
        with suppress(OSError):
            free_bytes = self._disk.free_bytes(self.folder)
        return WritingProof(
            synced_bytes=self._bytes_before + writer.synced_bytes,
            last_synced_age_s=(now_ns - writer.last_synced_ns) / NS_PER_S,
            advancing=grew and failure is None,
            tracks={track_id: synced.get(number, 0) for track_id, number in self._numbers.items()},
            failure=failure,
            free_bytes=free_bytes,
        )

    @property
    def offered_bytes(self) -> int:
        """Weight of everything taken so far; durable as soon as `settled_bytes` has reached it."""
        return self._offered_bytes

    @property
    def settled_bytes(self) -> int:
        """Weight of what is durable, in the order in which it was taken."""
        return self._writer.settled_weight_bytes

    def leave(self, timeout_s: float) -> None:
        """Drain, sync and seal without a word of closing: whoever fed this is gone, and another run goes on from here.

        Blocks. RecordingFailure when the disk does not take the rest; nothing more can be recorded either way.
        """
        self._closing = True
        self._writer.stop()
        is_done = self._writer.join(timeout_s)
        if is_done and self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        if not self._writer.finished:
            raise RecordingFailure(self._writer.failure or "disk.refused", "the last records are not on disk")

    async def close(self) -> Manifest:
        """Drain, sync, seal, write manifest.json. RecordingFailure when the disk does not take the rest.

        What lies on the disk then is a crashed recording: recover() or create() go on from it.
        """
        if not self._closing:
            now_ns = self._clock.monotonic_ns()
            for track in self._tracks.values():
                self._end_refusal(track, now_ns)
            self._note(RecordKind.CLOSE, 0, now_ns, b"{}")
            self._closing = True
            self._writer.stop()
        return await asyncio.to_thread(self._finish)

    def _finish(self) -> Manifest:
        if not self._writer.join(CLOSE_TIMEOUT_S):
            raise RecordingFailure("writer.stalled", "the disk does not answer")
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        if not self._writer.finished:
            raise RecordingFailure(
                self._writer.failure or "disk.refused", "the end of the recording is not on disk"
            )
        self._seal_leftovers()
        # The book of a run that goes on knows nothing of the runs before; the journal knows all.
        manifest = take_inventory(self.folder) if self._goes_on else self._inventory.manifest()
        try:
            self._disk.replace_file(self.folder / MANIFEST_NAME, manifest.to_json().encode())
        except OSError as error:
            raise RecordingFailure(failure_code(error), "the manifest cannot be written") from error
        return manifest

    def _seal_leftovers(self) -> None:
        """Cut and rename what the disk refused to cut or rename at its time; what it refuses again stays named."""
        left = [segment for segment in self._inventory.segments if segment.name.endswith(OPEN_SUFFIX)]
        if not left:
            return
        with suppress(OSError):
            seal_leftovers(self.folder, self._disk)
        for segment in left:
            path = sealed_segment_path(self.folder, segment.number)
            with suppress(OSError):
                size_bytes = self._disk.size_bytes(path)
                self._inventory.rename_segment(segment.name, f"{JOURNAL_FOLDER}/{path.name}", size_bytes)

    # -- inside ---------------------------------------------------------------------------------------------

    def _note(self, kind: int, track: int, at_ns: int, payload: bytes) -> None:
        self._offered_bytes += len(payload)
        self._queue.append((kind, track, at_ns, payload))

    def _end_refusal(self, track: LiveTrack, at_ns: int) -> None:
        if track.refused_packets:
            shift_ns = self._run.elapsed_ns - self._run.monotonic_ns
            self._note(RecordKind.GAP, track.number, at_ns, track.take_refusal(at_ns, shift_ns))

    def _position(self) -> tuple[int, int]:
        """(segment number, size) of the newest file, as the file system tells it."""
        number = self._writer.segment_number
        for path in (open_segment_path(self.folder, number), sealed_segment_path(self.folder, number)):
            with suppress(OSError):
                return number, self._disk.size_bytes(path)
        return self._seen_at
