"""The feed of the second recorder: takes what a room forwards and keeps it until the other process has it on its disk.

It is the `PacketSink` of the recorder in the other process. Nothing here waits, syncs or touches a file: a packet costs
one append, a batch one encoding every 50 ms. What is sent stays here until it is told durable, so that a recorder that
dies gets it again and loses nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field

from recorder.account.manifest import GapCause
from recorder.journal import MAX_PAYLOAD_BYTES, REPORT, RecordKind, compact_json
from recorder.second.feed_wire import FedItem, pack_batch
from recorder.writing.live_track import LiveTrack
from recorder.writing.writer import PACKET_WEIGHT_BYTES
from signaling.sink import TrackInfo

FEED_BYTES = 64 << 20  # 20 s of a full hearing, as much as the first recorder keeps for its own disk
VIDEO_SHARE = 0.75  # above this share pictures are refused, so that voices and notes still fit
# What ends the state that another word began; the states in force are told again to a recorder that begins anew.
_ENDS = {
    "unmuted": "muted",
    "released": "held",
    "device_back": "device_lost",
    "wanted": "not_wanted",
    "relieved": "overloaded",
}


@dataclass(slots=True)
class _Batch:
    number: int
    frame: bytes
    weight_bytes: int
    oldest_ns: int
    notes: list[FedItem]


@dataclass(slots=True)
class _Known:
    """A track that lives at the point up to which everything is durable, and the states in force there."""

    started: FedItem
    states: dict[str, FedItem] = field(default_factory=dict)


class Feed:
    """`number` names the recording on the wire.

    Overflow policy: what waits is bounded by `limit_bytes`. Beyond VIDEO_SHARE of it video packets, beyond all of it
    audio packets are refused until half is free again; a GAP record of the second recorder then says so ("disk" while
    its disk fails, else "overload"). Notes and events are small and always taken.
    """

    def __init__(self, number: int, *, limit_bytes: int = FEED_BYTES) -> None:
        self.number = number
        self.is_disk_failing = False
        self._limit_bytes = limit_bytes
        self._fresh: list[FedItem] = []
        self._held_bytes = 0
        self._fresh_weight_bytes = 0
        self._kept: deque[_Batch] = deque()
        self._next_batch = 1
        self._tracks: dict[str, LiveTrack] = {}
        self._next_track = 1
        self._known: dict[int, _Known] = {}
        self._known_pause: FedItem | None = None
        self._paused = ""
        self.refused_packets = 0

    @property
    def held_bytes(self) -> int:
        """What is not durable yet, weighed as in memory."""
        return self._held_bytes

    @property
    def is_settled(self) -> bool:
        """Everything ever offered is durable."""
        return not self._fresh and not self._kept

    @property
    def tracks(self) -> int:
        """Tracks ever started."""
        return self._next_track - 1

    # -- the sink -------------------------------------------------------------------------------------------

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        """A new track; a `track_id` that comes back gets a new number."""
        share = 1.0 if track.kind == "audio" else VIDEO_SHARE
        number, self._next_track = self._next_track, self._next_track + 1
        self._tracks[track.track_id] = LiveTrack(number, int(self._limit_bytes * share))
        self._note(RecordKind.TRACK, number, at_ns, compact_json(asdict(track)))

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        """One RTP packet; nothing while the record is paused, and nothing of a track never started."""
        track = self._tracks.get(track_id)
        if track is None or self._paused:
            return
        weight_bytes = len(packet) + PACKET_WEIGHT_BYTES
        if (track.refused_packets or self._held_bytes + weight_bytes > track.limit_bytes) and self._refuses(
            track, packet, at_ns
        ):
            return
        self._held_bytes += weight_bytes
        self._fresh_weight_bytes += weight_bytes
        self._fresh.append((RecordKind.PACKET, track.number, at_ns, packet))

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None:
        """An RTCP sender report of the track."""
        track = self._tracks.get(track_id)
        if track is not None:
            payload = REPORT.pack(ntp & 0xFFFFFFFFFFFFFFFF, rtp_timestamp & 0xFFFFFFFF)
            self._note(RecordKind.REPORT, track.number, at_ns, payload)

    def track_event(self, track_id: str, event: str, at_ns: int) -> None:
        """Something that explains a hole; also recorded while paused."""
        track = self._tracks.get(track_id)
        if track is not None:
            self._note(RecordKind.EVENT, track.number, at_ns, compact_json({"event": event}))

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None:
        """The track is over."""
        track = self._tracks.pop(track_id, None)
        if track is not None:
            self._end_refusal(track, at_ns)
            self._note(RecordKind.TRACK_END, track.number, at_ns, compact_json({"cause": cause}))

    # -- the court's orders ---------------------------------------------------------------------------------

    @property
    def paused(self) -> str:
        """Code of the pause in force, or an empty string."""
        return self._paused

    def pause(self, *, code: str, at_ns: int) -> None:
        """Record nothing until resume."""
        if not self._paused:
            self._paused = code
            self._note(RecordKind.PAUSE, 0, at_ns, compact_json({"code": code}))

    def resume(self, *, at_ns: int) -> None:
        """Record again; said even when nothing is known of a pause: the other process may know one from its folder."""
        self._paused = ""
        self._note(RecordKind.RESUME, 0, at_ns, b"")

    def mark(self, *, kind: str, text: str, at_ns: int) -> None:
        """A log note."""
        self._note(RecordKind.MARK, 0, at_ns, compact_json({"kind": kind, "text": text[:4000]}))

    def end(self, *, at_ns: int) -> None:
        """Nothing more comes: what is still being refused is named, and every packet from here on is nobody's."""
        for track in self._tracks.values():
            self._end_refusal(track, at_ns)
        self._tracks.clear()

    # -- the other process ----------------------------------------------------------------------------------

    def take_batch(self) -> bytes | None:
        """A frame of what came since the last one, to be sent now; None when nothing came. Kept until `settle`."""
        if not self._fresh:
            return None
        items, self._fresh = self._fresh, []
        number, self._next_batch = self._next_batch, self._next_batch + 1
        batch = _Batch(
            number,
            pack_batch(self.number, number, items),
            self._fresh_weight_bytes,
            items[0][2],
            [item for item in items if item[0] != RecordKind.PACKET],
        )
        self._fresh_weight_bytes = 0
        self._kept.append(batch)
        return batch.frame

    def settle(self, number: int) -> None:
        """Batches up to `number` are durable on the other side."""
        while self._kept and self._kept[0].number <= number:
            batch = self._kept.popleft()
            self._held_bytes -= batch.weight_bytes
            for note in batch.notes:
                self._learn(note)

    @property
    def oldest_ns(self) -> int | None:
        """Moment of the oldest record that is not durable; None without one."""
        if self._kept:
            return self._kept[0].oldest_ns
        return self._fresh[0][2] if self._fresh else None

    @property
    def last_sent(self) -> int:
        """Number of the newest batch that was taken; what is sent again may partly be in the folder already."""
        return self._next_batch - 1

    def again(self) -> list[bytes]:
        """Frames for a process that begins anew: tracks and states in force, then all that it may not have."""
        items: list[FedItem] = [self._known_pause] if self._known_pause is not None else []
        for known in self._known.values():
            items += (known.started, *known.states.values())
        first = [pack_batch(self.number, 0, items)] if items else []
        return [*first, *(batch.frame for batch in self._kept)]

    # -- inside ---------------------------------------------------------------------------------------------

    def _note(self, kind: int, track: int, at_ns: int, payload: bytes) -> None:
        self._held_bytes += len(payload)
        self._fresh_weight_bytes += len(payload)
        self._fresh.append((kind, track, at_ns, payload))

    def _refuses(self, track: LiveTrack, packet: bytes, at_ns: int) -> bool:
        cause = GapCause.DISK if self.is_disk_failing else GapCause.OVERLOAD
        if track.refused_packets:
            if self._held_bytes > self._limit_bytes // 2:
                track.refuse(len(packet), at_ns, track.cause)
                self.refused_packets += 1
                return True
            self._end_refusal(track, at_ns)
            return len(packet) > MAX_PAYLOAD_BYTES
        track.refuse(len(packet), at_ns, cause)
        self.refused_packets += 1
        return True

    def _end_refusal(self, track: LiveTrack, at_ns: int) -> None:
        if track.refused_packets:
            self._note(RecordKind.GAP, track.number, at_ns, track.take_refusal(at_ns, 0))

    def _learn(self, note: FedItem) -> None:
        kind, track, _, payload = note
        if kind == RecordKind.TRACK:
            self._known[track] = _Known(note)
        elif kind == RecordKind.TRACK_END:
            self._known.pop(track, None)
        elif kind in (RecordKind.PAUSE, RecordKind.RESUME):
            self._known_pause = note if kind == RecordKind.PAUSE else None
        elif kind == RecordKind.EVENT and track in self._known:
            event = _word(payload)
            if event in _ENDS:
                self._known[track].states.pop(_ENDS[event], None)
            elif event in _ENDS.values():
                self._known[track].states[event] = note


def _word(payload: bytes) -> str:
    """The word of an EVENT payload, which `compact_json` wrote: {"event":"muted"}."""
    return payload[10:-2].decode()
