"""What becomes of each packet on one direction of a line, drawn from one seed. Pure: time is an argument.

What repeats with a seed. Packets are counted per stream (one connection's RTP stream, its reports, its setup); every
stream has random numbers of its own, seeded with the line's seed and the stream's name, and each packet draws the
same number of them whatever the conditions are. So the n-th packet of a stream meets the same loss, jitter,
reordering and duplication in every run. Time bursts are a schedule in ms after the line's start, drawn from the seed
as well. What does not repeat: how many packets a sender makes, what the clock and the machine add, and therefore the
filling of a capped line's buffer, and which packets a time burst hits to within a few.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Final

from hearing_server.robots.network.conditions import OneWay

IP_AND_UDP_BYTES: Final = 28
# A connection has a dozen streams; beyond these (somebody probes with random SSRCs) all share the last one.
_MAX_STREAMS: Final = 256
_SETUP, _REPORTS = "setup", "reports"


def is_media(data: bytes) -> bool:
    """SRTP or SRTCP by RFC 7983: not STUN, not DTLS."""
    return len(data) > 1 and 127 < data[0] < 192


def is_report(data: bytes) -> bool:
    """SRTCP, told from SRTP by its packet type (RFC 5761)."""
    return is_media(data) and 192 <= data[1] <= 223


class _Stream:
    """The dice of one stream, and the state of its Gilbert channel."""

    __slots__ = ("_is_bad", "_random")

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # a string seeds by its SHA-512: the same on every machine
        self._is_bad = False

    def throw(self, way: OneWay) -> tuple[bool, float, bool, bool]:
        """(lost, jitter in ms, overtaken, duplicated) for the next packet; always five draws."""
        loss, state, jitter, reorder, duplicate = (self._random.random() for _ in range(5))
        self._is_bad = state >= way.gilbert_leave_share if self._is_bad else state < way.gilbert_enter_share
        lost = loss < way.loss_share or self._is_bad
        return lost, jitter * way.jitter_ms, reorder < way.reorder_share, duplicate < way.duplicate_share


class _Bursts:
    """A schedule of dark moments, made as time goes on. Asked with rising times."""

    __slots__ = ("_end_ms", "_random", "_start_ms")

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._start_ms = self._end_ms = 0.0

    def covers(self, elapsed_ms: float, way: OneWay) -> bool:
        if way.burst_ms <= 0:
            return False
        while elapsed_ms >= self._end_ms:
            gap_ms = max(1.0, way.burst_every_ms - way.burst_ms) * (0.5 + self._random.random())
            self._start_ms = self._end_ms + gap_ms
            self._end_ms = self._start_ms + way.burst_ms
        return elapsed_ms >= self._start_ms


@dataclass(slots=True)
class _Flow:
    """One connection on the line: the streams seen in it, and when its last packet in order comes out."""

    streams: dict[bytes, _Stream]
    kinds: Counter[str]
    last_due_ms: float = 0.0


class Way:
    """One direction. `due` says when copies of a packet come out at the other end; none when it is lost.

    `counts` tells what was done: passed, lost, burst, dark, overflow, too_big, overtaken, duplicated.
    """

    def __init__(self, way: OneWay, *, seed: str, start_ms: float = 0.0) -> None:
        self.way = way
        self.is_dark = False
        self.counts: Counter[str] = Counter()
        self._seed = seed
        self._start_ms = start_ms
        self._flows: dict[int, _Flow] = {}
        self._bursts = _Bursts(f"{seed}/bursts")
        self._free_ms = 0.0  # when the narrow place has sent everything it holds

    def due(self, data: bytes, flow: int, now_ms: float) -> list[float]:
        """Moments in ms (same clock as `now_ms`); a transparent line answers [now_ms]."""
        line = self._flows.setdefault(flow, _Flow({}, Counter()))
        way = self.way
        lost, jitter_ms, overtaken, duplicated = self._stream(line, flow, data).throw(way)
        spared = way.is_media_only and not is_media(data)
        why = self._dropped(data, lost and not spared, spared, now_ms)
        if why is not None:
            self.counts[why] += 1
            return []
        sent_ms = self._through_narrow_place(len(data), now_ms)
        if sent_ms is None:
            self.counts["overflow"] += 1
            return []
        self.counts["passed"] += 1
        out_ms = sent_ms + way.delay_ms + jitter_ms
        if overtaken and not spared:
            self.counts["overtaken"] += 1
            return [out_ms + way.reorder_ms]
        out_ms = line.last_due_ms = max(out_ms, line.last_due_ms)
        if duplicated and not spared:
            self.counts["duplicated"] += 1
            return [out_ms, out_ms]
        return [out_ms]

    def _dropped(self, data: bytes, lost: bool, spared: bool, now_ms: float) -> str | None:
        in_burst = self._bursts.covers(now_ms - self._start_ms, self.way)
        if self.is_dark:
            return "dark"
        if self.way.mtu_bytes and len(data) + IP_AND_UDP_BYTES > self.way.mtu_bytes:
            return "too_big"
        if in_burst and not spared:
            return "burst"
        return "lost" if lost else None

    def _through_narrow_place(self, size: int, now_ms: float) -> float | None:
        """When the last bit has left the bottleneck; None when its buffer is full."""
        way = self.way
        if not way.rate_bps:
            return now_ms
        free_ms = max(self._free_ms, now_ms)
        if free_ms - now_ms > way.buffer_ms:
            return None
        self._free_ms = free_ms + (size + IP_AND_UDP_BYTES) * 8000.0 / way.rate_bps
        return self._free_ms

    def _stream(self, line: _Flow, flow: int, data: bytes) -> _Stream:
        if not is_media(data):
            key, kind = b"", _SETUP
        elif is_report(data):
            key, kind = b"r", _REPORTS
        else:
            # SSRCs are drawn anew in every run; the payload type and the order of appearance are not.
            key, kind = data[8:12], f"rtp{data[1] & 0x7F}"
        found = line.streams.get(key)
        if found is None:
            if len(line.streams) >= _MAX_STREAMS:
                return next(reversed(line.streams.values()))
            name = f"{self._seed}/{flow}/{kind}/{line.kinds[kind]}"
            line.kinds[kind] += 1
            found = line.streams[key] = _Stream(name)
        return found
