"""The journal format: append-only records with a checksum each. The normative text is docs/RECORD.md.

A segment file is nothing but records. A record is a 24-byte header (big-endian) and its payload:

    sync 2 | kind u8 | flags u8 | length u32 | at_ns u64 | track u32 | crc32c u32 | payload

`crc32c` (Castagnoli, RFC 3720 B.4) covers the 20 bytes before it and the payload. A reader cuts a torn tail
at the last good checksum and finds the next good record after damage in the middle.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, cast

from google_crc32c import extend as _crc32c_extend
from google_crc32c import value as _crc32c_value

FORMAT_VERSION = 1
SYNC = b"\xa5R"  # 0xA5 is no RTP version-2 first byte and no ASCII: rare inside payloads, so resync is cheap
HEADER = struct.Struct(">2sBBIQI")
CHECKSUM = struct.Struct(">I")
HEADER_BYTES = HEADER.size + CHECKSUM.size
MAX_PAYLOAD_BYTES = 1 << 17  # RTP fits in 64 KiB; JSON payloads stay far below; a larger length is damage
NO_TRACK = 0  # track numbers begin at 1; records about the whole recording carry 0
FLAG_REPEATED = 0x01  # said before in an earlier segment, repeated so that each segment can be read alone

REPORT = struct.Struct(">QI")  # 64-bit NTP time, RTP timestamp (RFC 3550 6.4.1)
ANCHOR = struct.Struct(">QI")  # UTC in ns since 1970, half the time the two clock readings took, in ns


class RecordKind(IntEnum):
    """What a record says. Numbers are for ever; readers skip kinds they do not know."""

    SEGMENT = 1  # JSON, first record of every segment
    TRACK = 2  # JSON of signaling.sink.TrackInfo; binds the track number; at_ns = start of the track
    PACKET = 3  # RTP bytes; at_ns = arrival
    REPORT = 4  # RTCP sender report
    EVENT = 5  # JSON {"event"}: muted, unmuted, held, released, silent, resumed, transport_lost, not_wanted, wanted, …
    TRACK_END = 6  # JSON {"cause"}
    HEARTBEAT = 7  # empty: the writer lives
    ANCHOR = 8  # at_ns on the monotonic clock was this UTC
    PAUSE = 9  # JSON {"code"}
    RESUME = 10  # empty
    MARK = 11  # JSON {"kind", "text"}
    GAP = 12  # JSON {"cause", "from_ns", "until_ns", "packets", "bytes"}: what the recorder itself gave up
    SEAL = 13  # JSON {"records", "packets"}, last record of a sealed segment
    CLOSE = 14  # JSON {}: the recording was closed on purpose


class Record(NamedTuple):
    """One good record. `at_ns` is on the writing machine's monotonic clock, `offset` the byte in the file.

    A named tuple, because there are millions: a frozen dataclass takes three times as long to make.
    """

    kind: int
    track: int
    at_ns: int
    payload: bytes
    offset: int
    repeated: bool

    def json(self) -> dict[str, Any]:
        """The payload of a JSON kind."""
        return cast(dict[str, Any], json.loads(self.payload))

    @property
    def end(self) -> int:
        """Offset of the first byte behind this record."""
        return self.offset + HEADER_BYTES + len(self.payload)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `offset` to `offset + length` hold no good record. `at_tail`: nothing good comes behind them."""

    offset: int
    length: int
    at_tail: bool


def encode_record(kind: int, track: int, at_ns: int, payload: bytes, flags: int = 0) -> bytes:
    """Header and payload of one record as bytes. ValueError when the payload exceeds MAX_PAYLOAD_BYTES."""
    length = len(payload)
    if length > MAX_PAYLOAD_BYTES:
        raise ValueError(f"record payload of {length} bytes")
    head = HEADER.pack(SYNC, kind, flags, length, at_ns, track)
    return head + CHECKSUM.pack(_crc32c_extend(_crc32c_value(head), payload)) + payload


def encode_json(kind: int, track: int, at_ns: int, content: Mapping[str, Any], flags: int = 0) -> bytes:
    """A record whose payload is compact UTF-8 JSON with sorted keys."""
    return encode_record(kind, track, at_ns, compact_json(content), flags)


def compact_json(content: Mapping[str, Any]) -> bytes:
    """Sorted keys, no spaces, UTF-8: equal content gives equal bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode_record(data: bytes, offset: int) -> Record | None:
    """The good record at `offset`, or None."""
    if offset + HEADER_BYTES > len(data):
        return None
    sync, kind, flags, length, at_ns, track = HEADER.unpack_from(data, offset)
    end = offset + HEADER_BYTES + length
    if sync != SYNC or length > MAX_PAYLOAD_BYTES or end > len(data):
        return None
    head_end = offset + HEADER.size
    payload = data[offset + HEADER_BYTES : end]
    crc = _crc32c_extend(_crc32c_value(data[offset:head_end]), payload)
    if CHECKSUM.unpack_from(data, head_end)[0] != crc:
        return None
    return Record(kind, track, at_ns, payload, offset, flags & FLAG_REPEATED != 0)


def scan(data: bytes) -> Iterator[Record | Damage]:
    """Every good record and every damaged stretch of a segment's bytes, in order, covering all bytes."""
    offset = 0
    while offset < len(data):
        record = decode_record(data, offset)
        if record is None:
            resume = _next_good(data, offset + 1)
            yield Damage(offset, resume - offset, at_tail=resume == len(data))
            offset = resume
            continue
        yield record
        offset += HEADER_BYTES + len(record.payload)


def _next_good(data: bytes, offset: int) -> int:
    while (offset := data.find(SYNC, offset)) >= 0:
        if decode_record(data, offset) is not None:
            return offset
        offset += 1
    return len(data)


def read_segment(path: Path, *, valid_bytes: int | None = None) -> Iterator[Record]:
    """The good records of one segment file in the order of writing; damage is skipped (verify() names it).

    `valid_bytes` limits the reading to the front of the file: a segment given up after a failed sync counts
    only as far as its successor says. OSError when the file cannot be read.
    """
    data = path.read_bytes()
    for item in scan(data if valid_bytes is None else data[:valid_bytes]):
        if isinstance(item, Record):
            yield item
