"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1): building and parsing.

One message lists, for consecutive transport-wide numbers, whether each packet arrived and when. Times are in ticks of
a quarter millisecond; the reference time counts 64 ms and wraps after twelve days. Parsing never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from struct import Struct
from typing import Final, NamedTuple

TICK_MS: Final = 0.25
TICKS_PER_REFERENCE: Final = 256  # 64 ms
REFERENCE_TURN: Final = 1 << 24
FORMAT: Final = 15  # of RTPFB
_RTPFB: Final = 205
LOST: Final = -(1 << 62)  # in `arrivals`: no real time is this far back

# More than any sender puts into one message: a quarter second at the rate we accept. Run lengths would let 30 bytes
# claim 65535 packets, and every one costs us time.
MAX_STATUSES: Final = 2048
MAX_BUILT_STATUSES: Final = 400  # of ours: at worst 400 x 2 bytes of times and 116 of chunks, below every MTU

_NOT_RECEIVED: Final = 0
_SMALL: Final = 1  # 0..63.75 ms after the one before: one byte
_LARGE: Final = 2  # anything else: two bytes, signed
_LONGEST_RUN: Final = 0x1FFF

_head = Struct("!IIHHI")
_message = Struct("!BBHIIHHI")
_signed = Struct("!h")


class TransportFeedback(NamedTuple):
    """What arrived of the numbers `base`, `base` + 1, ... (16 bits)."""

    sender_ssrc: int
    ssrc: int
    base: int
    number: int  # of the message itself, 8 bits
    reference: int  # signed 24 bits, 64 ms each
    arrivals: tuple[int, ...]  # ticks since the reference time, or LOST


def parse_feedback(body: bytes) -> TransportFeedback | None:
    """The body behind the 4-byte RTCP header. None when it is cut off, uses the reserved symbol, or is too long."""
    if len(body) < 16:
        return None
    sender, ssrc, base, statuses, word = _head.unpack_from(body)
    if not 0 < statuses <= MAX_STATUSES:
        return None
    found = _parse_symbols(body, statuses)
    if found is None:
        return None
    symbols, at = found
    arrivals = _parse_times(body, symbols, at)
    if arrivals is None:
        return None
    reference = word >> 8
    if reference & 0x800000:
        reference -= REFERENCE_TURN
    return TransportFeedback(sender, ssrc, base, word & 0xFF, reference, tuple(arrivals))


def _parse_times(body: bytes, symbols: list[int], at: int) -> list[int] | None:
    """Ticks since the reference time, or LOST, of every packet."""
    size, tick = len(body), 0
    if at + len(symbols) <= size and symbols.count(_SMALL) == len(symbols):
        return list(accumulate(body[at : at + len(symbols)]))
    arrivals: list[int] = []
    for symbol in symbols:
        if symbol == _SMALL:
            if at >= size:
                return None
            tick += body[at]
            at += 1
            arrivals.append(tick)
        elif symbol == _NOT_RECEIVED:
            arrivals.append(LOST)
        elif symbol == _LARGE:
            if at + 2 > size:
                return None
            tick += _signed.unpack_from(body, at)[0]
            at += 2
            arrivals.append(tick)
        else:
            return None
    return arrivals


def _parse_symbols(body: bytes, statuses: int) -> tuple[list[int], int] | None:
    """(the status symbol of every packet, offset of the first time)."""
    symbols: list[int] = []
    at, size = 16, len(body)
    while len(symbols) < statuses:
        if at + 2 > size:
            return None
        chunk = body[at] << 8 | body[at + 1]
        at += 2
        if not chunk & 0x8000:
            run = min(chunk & _LONGEST_RUN, statuses - len(symbols))
            if not run:
                return None  # says nothing: a sender of such chunks only wants us to walk
            symbols += [chunk >> 13 & 3] * run
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[statuses:]
    return symbols, at


def build_feedback(
    sender_ssrc: int, ssrc: int, first: int, last: int, ticks: Mapping[int, int], number: int
) -> tuple[bytes, int]:
    """One message about the unwrapped numbers `first`..`last`, as far as it reaches: (RTCP packet, next number).

    `ticks` holds the arrivals by number, in ticks of any clock; numbers not in it did not arrive, but `last` did. A
    pause longer than two signed bytes (8 s), or MAX_BUILT_STATUSES, ends the message early.
    """
    began = next(each for each in range(first, last + 1) if each in ticks)
    reference = ticks[began] // TICKS_PER_REFERENCE
    before = reference * TICKS_PER_REFERENCE
    symbols: list[int] = []
    times = bytearray()
    for each in range(first, min(last, first + MAX_BUILT_STATUSES - 1) + 1):
        tick = ticks.get(each)
        if tick is None:
            symbols.append(_NOT_RECEIVED)
            continue
        step = tick - before
        if 0 <= step <= 0xFF:
            symbols.append(_SMALL)
            times.append(step)
        elif -0x8000 <= step <= 0x7FFF:
            symbols.append(_LARGE)
            times += _signed.pack(step)
        else:
            break
        before = tick
    body = _chunks(symbols) + bytes(times)
    padding = -len(body) % 4
    words = 4 + (len(body) + padding) // 4
    first_octet = 0x80 | (0x20 if padding else 0) | FORMAT
    word = (reference % REFERENCE_TURN) << 8 | number & 0xFF
    head = _message.pack(
        first_octet, _RTPFB, words, sender_ssrc, ssrc, first & 0xFFFF, len(symbols), word
    )  # fmt: skip
    filler = bytes(padding - 1) + bytes([padding]) if padding else b""
    return head + body + filler, first + len(symbols)


def _chunks(symbols: list[int]) -> bytes:
    """The symbols packed: runs where they are long, else 14 of one bit or 7 of two."""
    chunks = bytearray()
    at, size = 0, len(symbols)
    while at < size:
        run = _run_length(symbols, at)
        one_bit = symbols[at : at + 14]
        if run >= 14 or (run >= 7 and _LARGE in one_bit) or at + run == size:
            chunk = symbols[at] << 13 | run
            at += run
        elif _LARGE not in one_bit:
            chunk = 0x8000
            for shift, symbol in enumerate(one_bit):
                chunk |= symbol << 13 - shift
            at += 14
        else:
            chunk = 0xC000
            for shift, symbol in enumerate(symbols[at : at + 7]):
                chunk |= symbol << 12 - 2 * shift
            at += 7
        chunks += chunk.to_bytes(2, "big")
    return bytes(chunks)


def _run_length(symbols: list[int], at: int) -> int:
    end, first = at + 1, symbols[at]
    limit = min(len(symbols), at + _LONGEST_RUN)
    while end < limit and symbols[end] == first:
        end += 1
    return end - at
