"""A session that another process feeds: records it may get twice, and an end that is no closing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from google_crc32c import value as crc32c_value

from recorder.folder import segment_files
from recorder.journal import REPORT, Record, RecordKind, scan
from recorder.reading.recording import valid_lengths
from recorder.second.feed_wire import FedItem
from recorder.writing.session import CLOSE_TIMEOUT_S, RecordingSession
from signaling.sink import TrackInfo

# What was durable and not yet told so when the process died lies in the segment of that moment or the one before it;
# the third is the one that the run which asks has begun itself.
_LEAST_SEGMENTS = 3
# A process that lives without being given what waits (it hangs, or the feeder stands still) seals its own heartbeats:
# looked back is until what waits is surely younger. Three minutes of those, or a quarter of a gigabyte, are enough.
_MOST_SEGMENTS = 64
_MOST_BYTES = 256 << 20
# Records of one moment may be told in another order.
_DISORDER_NS = 1_000_000_000
_OWN = frozenset({RecordKind.SEGMENT, RecordKind.HEARTBEAT, RecordKind.ANCHOR, RecordKind.SEAL})
_Seen = frozenset[tuple[int, int, int]]


def seen_at_end(folder: Path, since_ns: int | None) -> _Seen:
    """(kind, at_ns, checksum of the payload) of what counts at the end of a folder's journal. OSError.

    `since_ns`: the oldest record that will be told again; everything fed from then on is among the answer.
    """
    seen: set[tuple[int, int, int]] = set()
    files = segment_files(folder)[-_MOST_SEGMENTS:]
    limits, read_bytes = valid_lengths(files), 0
    for count, file in enumerate(reversed(files), start=1):
        data = file.path.read_bytes()[: limits.get(file.number)]
        records = [item for item in scan(data) if isinstance(item, Record) and not item.repeated]
        seen.update((item.kind, item.at_ns, crc32c_value(item.payload)) for item in records)
        read_bytes += len(data)
        fed = [item.at_ns for item in records if item.kind not in _OWN]
        is_older = since_ns is None or (bool(fed) and max(fed) < since_ns - _DISORDER_NS)
        if count >= _LEAST_SEGMENTS and (is_older or read_bytes > _MOST_BYTES):
            break
    return frozenset(seen)


class FedSession:
    """Puts batches of a feed into a session; knows up to which batch everything is durable."""

    def __init__(self, session: RecordingSession, *, seen: _Seen, resent_until: int) -> None:
        self.session = session
        self._seen = seen
        self._resent_until = resent_until
        self._names: dict[int, str] = {}
        self._waiting: list[tuple[int, int]] = []  # (batch, weight offered after it), not durable yet
        self._settled = 0

    def take(self, number: int, items: Iterable[FedItem]) -> None:
        """One batch in the order of sending."""
        if number > self._resent_until:
            self._seen = frozenset()
        for kind, track, at_ns, payload in items:
            # Batch 0 tells how things stand: its words were said before, and count again for the run that begins.
            if self._seen and number and kind != RecordKind.TRACK and self._is_seen(kind, at_ns, payload):
                continue
            self._put(kind, track, at_ns, payload)
        if number:
            self._waiting.append((number, self.session.offered_bytes))

    @property
    def settled(self) -> int:
        """The newest batch that is durable with all before it; 0 before the first."""
        settled_bytes = self.session.settled_bytes
        while self._waiting and self._waiting[0][1] <= settled_bytes:
            self._settled = self._waiting.pop(0)[0]
        return self._settled

    def leave(self) -> None:
        """The feed is gone: drain, sync, seal, and no word of closing. Blocks; RecordingFailure."""
        self.session.leave(CLOSE_TIMEOUT_S)

    def _is_seen(self, kind: int, at_ns: int, payload: bytes) -> bool:
        return (kind, at_ns, crc32c_value(payload)) in self._seen

    def _put(self, kind: int, track: int, at_ns: int, payload: bytes) -> None:
        session, name = self.session, self._names.get(track, "")
        if kind == RecordKind.PACKET:
            session.packet(name, payload, at_ns)
        elif kind == RecordKind.TRACK:
            info = TrackInfo(**json.loads(payload))
            # Two tracks of one name may live for a moment while one replaces the other: the number keeps them apart.
            self._names[track] = info.track_id
            session.track_started(info, at_ns)
        elif kind == RecordKind.TRACK_END:
            session.track_ended(name, at_ns, json.loads(payload)["cause"])
        elif kind == RecordKind.EVENT:
            session.track_event(name, json.loads(payload)["event"], at_ns)
        elif kind == RecordKind.REPORT:
            ntp, rtp_timestamp = REPORT.unpack(payload)
            session.sender_report(name, ntp, rtp_timestamp, at_ns)
        elif kind == RecordKind.GAP:
            session.given_up(name, json.loads(payload), at_ns=at_ns)
        else:
            self._order(kind, at_ns, payload)

    def _order(self, kind: int, at_ns: int, payload: bytes) -> None:
        content = json.loads(payload) if payload else {}
        if kind == RecordKind.PAUSE:
            self.session.pause(code=content["code"], at_ns=at_ns)
        elif kind == RecordKind.RESUME:
            self.session.resume(at_ns=at_ns)
        elif kind == RecordKind.MARK:
            self.session.mark(kind=content["kind"], text=content["text"], at_ns=at_ns)
