"""The writer thread of one recording: takes records from a bounded queue and makes them durable.

The event loop only appends to a deque. The thread wakes every TICK_S, encodes what waits, writes it unbuffered,
syncs, and seals a segment every SEAL_S. When the disk refuses, it says so, keeps everything in memory and
tries again every RETRY_S; the session in front refuses new packets once the memory's bound is reached.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict

from google_crc32c import extend as crc32c_extend
from google_crc32c import value as crc32c_value

from recorder.account.inventory import Inventory
from recorder.account.manifest import GapCause, SealedSegment
from recorder.clock import NS_PER_S, ClockRun, MachineClocks
from recorder.journal import (
    ANCHOR,
    CHECKSUM,
    FLAG_REPEATED,
    HEADER,
    SYNC,
    RecordKind,
    compact_json,
    encode_json,
    encode_record,
)
from recorder.writing.segments import Batch, SegmentChain

TICK_S = 0.25  # written and synced together: what a kill -9 or a power cut can cost (design 5.1); 50 ms cost half as
# much CPU again and made no power cut cheaper
HEARTBEAT_S = 0.5  # makes the proof of writing advance when nobody speaks
ANCHOR_S = 10.0  # how soon a step of the wall clock is noted
SEAL_S = 3.0  # design 5.2: sealed every 2-5 s
SEAL_BYTES = 64 << 20  # a flood must not make a segment that no reader wants in memory
RETRY_S = 0.5
CLOSING_TRIES = 4  # attempts to bring the rest to a refusing disk before close() gives up
PACKET_WEIGHT_BYTES = 256  # what a waiting packet costs in memory besides its bytes
BATCH_RECORDS = 512  # encoded in one go, ~1 ms; the write behind it lets the event loop have the interpreter

Item = tuple[int, int, int, bytes]  # kind, track number, at_ns, payload

log = logging.getLogger(__name__)


class JournalWriter:
    """Owns the thread, the chain of segments and the inventory while the thread runs.

    `on_sealed` and `on_failure` are called in the thread; `on_failure(None)` tells that the disk takes data again.
    """

    def __init__(
        self,
        chain: SegmentChain,
        inventory: Inventory,
        run: ClockRun,
        clocks: MachineClocks,
        *,
        on_sealed: Callable[[SealedSegment], None],
        on_failure: Callable[[str | None], None],
        seal_s: float = SEAL_S,
    ) -> None:
        self.queue: deque[Item] = deque()
        self.settled_weight_bytes = (
            0  # only this thread writes it; the session subtracts it from what it offered
        )
        self.failure: str | None = None
        self.last_synced_ns = clocks.monotonic_ns()
        self.last_tick_ns = self.last_synced_ns
        self.synced_bytes = 0
        self.synced_track_bytes: dict[int, int] = {}
        self.finished = False  # everything offered is durable and sealed
        self._chain = chain
        self._inventory = inventory
        self._run = run
        self._shift_ns = run.elapsed_ns - run.monotonic_ns
        self._clocks = clocks
        self._on_sealed = on_sealed
        self._on_failure = on_failure
        self._seal_ns = int(seal_s * NS_PER_S)
        self._own: list[
            Item
        ] = []  # nobody offered these: they weigh nothing, so that offers and settlements match
        self._stop = threading.Event()
        self._failed_since_ns = 0
        self._retry_at_ns = 0
        now_ns = clocks.monotonic_ns()
        self._next_heartbeat_ns = now_ns
        self._next_anchor_ns = now_ns
        self._sealed_at_ns = now_ns
        self._thread = threading.Thread(target=self._work, name="recorder-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to drain, seal and end."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """True when the thread has ended within `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def first_write(self) -> None:
        """Before the thread starts: the first segment with its clock anchor, synced. Raises OSError."""
        self._chain.take(_unweighed(self._encode([self._anchor(self._clocks.monotonic_ns())])))
        self._chain.flush()
        self._chain.sync()
        self._after_sync(self._clocks.monotonic_ns())

    @property
    def segment_number(self) -> int:
        """Number of the segment being written, or of the next one."""
        return self._chain.open_number

    def _work(self) -> None:
        while not self._stop.wait(TICK_S):
            self._tick_guarded()
        for _ in range(CLOSING_TRIES):
            self._tick_guarded(closing=True)
            if self.finished:
                return
            time.sleep(RETRY_S if self.failure else 0)

    def _tick_guarded(self, *, closing: bool = False) -> None:
        """One tick; a refusing disk is a state, and anything else must not end the record of a hearing either."""
        now_ns = self._clocks.monotonic_ns()
        try:
            if now_ns >= self._retry_at_ns or closing:
                self._tick(now_ns, closing)
        except OSError as error:
            self._failed(failure_code(error), now_ns)
        except Exception:
            log.exception("recorder writer")
            self._failed("writer.error", now_ns)
        self._publish_segments()
        self.last_tick_ns = self._clocks.monotonic_ns()

    def _tick(self, now_ns: int, closing: bool) -> None:
        self._chain.ensure_open()
        self._drain(now_ns)
        self._chain.sync()
        self._after_sync(now_ns)
        due = now_ns - self._sealed_at_ns >= self._seal_ns or self._chain.open_bytes >= SEAL_BYTES
        if closing or due:
            self._chain.seal()
            self._sealed_at_ns = now_ns
        if closing and not self.queue and not self._own:
            self.finished = True

    def _drain(self, now_ns: int) -> None:
        own, self._own = self._own, []
        if now_ns >= self._next_heartbeat_ns:
            self._next_heartbeat_ns = now_ns + int(HEARTBEAT_S * NS_PER_S)
            own.append((RecordKind.HEARTBEAT, 0, now_ns, b""))
        if now_ns >= self._next_anchor_ns:
            self._next_anchor_ns = now_ns + int(ANCHOR_S * NS_PER_S)
            own.append(self._anchor(now_ns))
        waiting = len(self.queue)
        while waiting > 0:
            count = min(waiting, BATCH_RECORDS)
            self._chain.take(self._encode([self.queue.popleft() for _ in range(count)]))
            self._chain.flush()
            waiting -= count
        if own:
            self._chain.take(_unweighed(self._encode(own)))
        self._chain.flush()

    def _encode(self, items: list[Item]) -> Batch:
        parts: list[bytes] = []
        packets = weight_bytes = 0
        shift_ns, inventory = self._shift_ns, self._inventory
        ledgers, latest_ns = inventory.ledgers, self._run.monotonic_ns
        pack, pack_checksum = HEADER.pack, CHECKSUM.pack
        for kind, track, at_ns, payload in items:
            size = len(payload)
            head = pack(SYNC, kind, 0, size, at_ns, track)
            parts += (head, pack_checksum(crc32c_extend(crc32c_value(head), payload)), payload)
            weight_bytes += size
            if kind == RecordKind.PACKET:
                packets += 1
                if at_ns > latest_ns:
                    latest_ns = at_ns
                if track in ledgers:
                    ledgers[track].packet(at_ns + shift_ns, payload)
            else:  # notes may close the book of a track: it must stand at the latest packet before them
                inventory.last_ns = max(inventory.last_ns, latest_ns + shift_ns)
                inventory.take(kind, track, at_ns + shift_ns, payload)
        inventory.last_ns = max(inventory.last_ns, latest_ns + shift_ns)
        weight_bytes += PACKET_WEIGHT_BYTES * packets
        first_ns, last_ns = (max(items[index][2] + shift_ns, 0) for index in (0, -1))
        return Batch(b"".join(parts), len(items), packets, first_ns, last_ns, weight_bytes)

    def _anchor(self, now_ns: int) -> Item:
        before_ns = self._clocks.monotonic_ns()
        utc_ns = self._clocks.utc_ns()
        after_ns = self._clocks.monotonic_ns()
        doubt_ns = min((after_ns - before_ns) // 2, 0xFFFFFFFF)
        return (RecordKind.ANCHOR, 0, max((before_ns + after_ns) // 2, now_ns), ANCHOR.pack(utc_ns, doubt_ns))

    def _after_sync(self, now_ns: int) -> None:
        self.last_synced_ns = self._clocks.monotonic_ns()
        self.settled_weight_bytes = self._chain.settled_weight_bytes
        self.synced_bytes = self._chain.synced_bytes
        self.synced_track_bytes = self._inventory.track_bytes()
        if self.failure is not None:
            self._recovered(now_ns)

    def _failed(self, code: str, now_ns: int) -> None:
        self._retry_at_ns = now_ns + int(RETRY_S * NS_PER_S)
        if self.failure is None:
            self._failed_since_ns = now_ns
        if self.failure != code:
            self.failure = code
            log.error("recorder cannot write: %s", code)
            self._on_failure(code)

    def _recovered(self, now_ns: int) -> None:
        content = {
            "cause": GapCause.DISK.value,
            "from_ns": self._failed_since_ns + self._shift_ns,
            "until_ns": now_ns + self._shift_ns,
            "detail": self.failure,
        }
        self._own.append((RecordKind.GAP, 0, now_ns, compact_json(content)))
        self.failure = None
        log.warning("recorder writes again")
        self._on_failure(None)

    def _publish_segments(self) -> None:
        for segment in self._chain.new_segments:
            self._inventory.add_segment(segment)
            self._on_sealed(segment)
        self._chain.new_segments.clear()


def _unweighed(batch: Batch) -> Batch:
    batch.weight_bytes = 0
    return batch


def preface(inventory: Inventory, run: ClockRun) -> Batch:
    """Records repeated at the head of a segment: live tracks and the pause in force."""
    shift_ns = run.monotonic_ns - run.elapsed_ns
    parts = []
    for number, info, started_ns in inventory.live_tracks():
        at_ns = max(started_ns + shift_ns, 0)
        parts.append(encode_json(RecordKind.TRACK, number, at_ns, asdict(info), FLAG_REPEATED))
    if inventory.paused:
        at_ns = run.monotonic_ns
        code = compact_json({"code": inventory.paused})
        parts.append(encode_record(RecordKind.PAUSE, 0, at_ns, code, FLAG_REPEATED))
    return Batch(b"".join(parts), len(parts), 0, -1, -1)


def failure_code(error: OSError) -> str:
    """A stable code for what the disk said."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk.full"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "disk.read_only"
    return "disk.io" if error.errno == errno.EIO else "disk.refused"
