"""What goes over the socket between a media process and its second recorder: frames of batches, orders and news.

A frame is `length u32 | kind u8 | recording u32` (big-endian, length of the body alone) and its body. Orders and
news are JSON. A batch holds its records by columns, which C packs and unpacks in one go: both ends are one machine
and one version of this program, so the columns are in the machine's own byte order.
"""

from __future__ import annotations

import asyncio
import json
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, cast

FRAME: Final = struct.Struct(">IBI")
_BATCH: Final = struct.Struct(">QI")  # number, count
# A batch is what came within 50 ms; even all a feed may hold, in one, stays below this.
MAX_BODY_BYTES: Final = 128 << 20

FedItem = tuple[int, int, int, bytes]
"""(journal kind, the feed's track number, at_ns, payload); the payload of GAP names monotonic times."""


class FrameKind(IntEnum):
    """What a frame's body is."""

    BEGIN = 1  # order: folder, recording_id, from_ns, resent_until
    BATCH = 2  # records
    END = 3  # order: how = close | abandon
    BEGUN = 4  # news: code, title; empty when it writes
    ENDED = 5  # news: code, title; empty when the manifest is written
    STATUS = 6  # news: what is durable and proven, several times a second


class FeedError(ValueError):
    """The other end speaks another language."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it was read."""

    kind: int
    recording: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """Body of an order or of news."""
        return cast(dict[str, Any], json.loads(self.body))


def pack_frame(kind: FrameKind, recording: int, body: bytes) -> bytes:
    """Header and body."""
    return FRAME.pack(len(body), kind, recording) + body


def pack_json(kind: FrameKind, recording: int, content: Mapping[str, Any]) -> bytes:
    """An order or news."""
    return pack_frame(kind, recording, json.dumps(content).encode())


def pack_batch(recording: int, number: int, items: Sequence[FedItem]) -> bytes:
    """A batch frame; the cost per record is that of C."""
    kinds, tracks, moments, payloads = zip(*items, strict=True)
    body = b"".join(
        (
            _BATCH.pack(number, len(items)),
            bytes(kinds),
            array("I", tracks).tobytes(),
            array("Q", moments).tobytes(),
            array("I", map(len, payloads)).tobytes(),
            *payloads,
        )
    )
    return pack_frame(FrameKind.BATCH, recording, body)


def unpack_batch(body: bytes) -> tuple[int, Iterator[FedItem]]:
    """(number, records). FeedError when the columns do not fit."""
    if len(body) < _BATCH.size:
        raise FeedError("a batch without a head")
    number, count = _BATCH.unpack_from(body)
    column, wide = array("I").itemsize, array("Q").itemsize
    places = [_BATCH.size]
    for width in (1, column, wide, column):
        places.append(places[-1] + count * width)
    if len(body) < places[-1]:
        raise FeedError("a batch cut short")
    lengths = array("I", body[places[3] : places[4]])
    if places[-1] + sum(lengths) != len(body):
        raise FeedError("a batch of another length")
    kinds = body[places[0] : places[1]]
    tracks = array("I", body[places[1] : places[2]])
    moments = array("Q", body[places[2] : places[3]])
    return number, _rows(kinds, tracks, moments, lengths, body, places[-1])


def _rows(
    kinds: bytes, tracks: array[int], moments: array[int], lengths: array[int], body: bytes, start: int
) -> Iterator[FedItem]:
    for kind, track, at_ns, length in zip(kinds, tracks, moments, lengths, strict=True):
        yield kind, track, at_ns, body[start : start + length]
        start += length


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame. EOFError when the other end is gone, FeedError when it speaks nonsense."""
    try:
        length, kind, recording = FRAME.unpack(await reader.readexactly(FRAME.size))
        if length > MAX_BODY_BYTES:
            raise FeedError(f"a frame of {length} bytes")
        return Frame(kind, recording, await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise EOFError from error
