"""RTCP (RFC 3550, 4585, 5104, REMB): compact building and parsing of what the forwarding side needs.

Parsing never raises: a malformed packet ends the walk through a compound, what was read before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, NamedTuple

from signaling.rtp import transport_cc
from signaling.rtp.transport_cc import TransportFeedback

SR: Final = 200
RR: Final = 201
SDES: Final = 202
BYE: Final = 203
RTPFB: Final = 205
PSFB: Final = 206
XR: Final = 207

_FMT_NACK: Final = 1
_FMT_PLI: Final = 1
_FMT_FIR: Final = 4
_FMT_ALFB: Final = 15  # application layer feedback: REMB
_XR_REFERENCE_TIME: Final = 4  # RFC 3611 4.4
_XR_DELAY_SINCE: Final = 5  # RFC 3611 4.5

_header = Struct("!BBH")
_sr = Struct("!BBHIQIII")
_block = Struct("!IIIIII")
_u32x2 = Struct("!II")
_fb = Struct("!BBHII")
_pair = Struct("!HH")
_echo = Struct("!III")
_reference = Struct("!BBHIBBHQ")
MAX_BLOCKS: Final = 31
MAX_NACK_NUMBERS: Final = 1024  # per message; a longer wish list is an attack or a key frame case
# A browser sends reports for 31 streams, a NACK and a key frame request for each at most. What stands behind that
# many packets of one compound is not read.
MAX_PARTS: Final = 96


class ReportBlock(NamedTuple):
    """What one receiver says about one stream it gets."""

    ssrc: int
    fraction_lost: float  # 0..1 since its last report
    packets_lost: int  # in all, signed 24 bits
    highest_sequence: int  # 32 bits: cycles and number
    jitter: int  # timestamp units
    last_report: int  # middle 32 bits of our NTP time, 0 if none
    delay: int  # since that report, 1/65536 s


class SenderReport(NamedTuple):
    """SR: the sender's two clocks and counters."""

    ssrc: int
    ntp: int  # 64 bits
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...]


class ReceiverReport(NamedTuple):
    """RR."""

    ssrc: int
    blocks: tuple[ReportBlock, ...]


class Nack(NamedTuple):
    """Generic NACK: 16-bit sequence numbers asked for, in order."""

    sender_ssrc: int
    ssrc: int
    sequences: tuple[int, ...]


class KeyframeRequest(NamedTuple):
    """PLI or FIR, one per stream asked."""

    sender_ssrc: int
    ssrc: int
    is_fir: bool


class Remb(NamedTuple):
    """Receiver estimated maximum bitrate."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


class Cname(NamedTuple):
    """The CNAME item of one SDES chunk."""

    ssrc: int
    name: str


class ReferenceEcho(NamedTuple):
    """XR DLRR: the sender of media answers our reference time, so that a pure receiver learns the round trip."""

    ssrc: int  # ours
    last_reference: int  # middle 32 bits of the NTP time we sent
    delay: int  # since it came, 1/65536 s


class Bye(NamedTuple):
    """Streams that ended."""

    ssrcs: tuple[int, ...]


RtcpMessage = (
    SenderReport
    | ReceiverReport
    | Nack
    | TransportFeedback
    | KeyframeRequest
    | Remb
    | Cname
    | ReferenceEcho
    | Bye
)


def split_compound(data: bytes) -> list[tuple[int, int, bytes]]:
    """[(packet type, count or format, body behind the 4-byte header, padding removed)]; stops at the first bad one.

    At most MAX_PARTS of them.
    """
    parts: list[tuple[int, int, bytes]] = []
    at, size = 0, len(data)
    while size - at >= 4 and len(parts) < MAX_PARTS:
        first, kind, words = _header.unpack_from(data, at)
        end = at + 4 + (words << 2)
        if first >> 6 != 2 or end > size:
            break
        body_end = end
        if first & 0x20:
            padding = data[end - 1]
            # RFC 3550 wants whole words; transport-wide feedback of browsers is padded by single octets.
            is_odd = padding % 4 and (kind, first & 0x1F) != (RTPFB, transport_cc.FORMAT)
            if padding == 0 or is_odd or padding > end - at - 4:
                break
            body_end -= padding
        parts.append((kind, first & 0x1F, data[at + 4 : body_end]))
        at = end
    return parts


def parse(data: bytes) -> list[RtcpMessage]:
    """All understood messages of a compound packet, in order. Unknown types are skipped; never raises."""
    messages: list[RtcpMessage] = []
    for kind, count, body in split_compound(data):
        if kind == RR:
            _parse_receiver_report(count, body, messages)
        elif kind == SR:
            _parse_sender_report(count, body, messages)
        elif kind == RTPFB and count == _FMT_NACK:
            _parse_nack(body, messages)
        elif kind == RTPFB and count == transport_cc.FORMAT:
            feedback = transport_cc.parse_feedback(body)
            if feedback is not None:
                messages.append(feedback)
        elif kind == PSFB:
            _parse_payload_feedback(count, body, messages)
        elif kind == SDES:
            _parse_sdes(count, body, messages)
        elif kind == XR:
            _parse_extended(body, messages)
        elif kind == BYE and count and len(body) >= 4 * count:
            messages.append(Bye(tuple(int.from_bytes(body[4 * i : 4 * i + 4], "big") for i in range(count))))
    return messages


def _blocks(count: int, body: bytes, at: int) -> tuple[ReportBlock, ...] | None:
    if len(body) < at + 24 * count:
        return None
    blocks = []
    for i in range(count):
        ssrc, loss, highest, jitter, last_report, delay = _block.unpack_from(body, at + 24 * i)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 0x1000000
        blocks.append(ReportBlock(ssrc, (loss >> 24) / 256, lost, highest, jitter, last_report, delay))
    return tuple(blocks)


def _parse_receiver_report(count: int, body: bytes, messages: list[RtcpMessage]) -> None:
    blocks = _blocks(count, body, 4)
    if blocks is not None:
        messages.append(ReceiverReport(int.from_bytes(body[:4], "big"), blocks))


def _parse_sender_report(count: int, body: bytes, messages: list[RtcpMessage]) -> None:
    blocks = _blocks(count, body, 24)
    if blocks is not None:
        ntp = int.from_bytes(body[4:12], "big")
        rtp, packets, octets = (int.from_bytes(body[at : at + 4], "big") for at in (12, 16, 20))
        messages.append(SenderReport(int.from_bytes(body[:4], "big"), ntp, rtp, packets, octets, blocks))


def _parse_nack(body: bytes, messages: list[RtcpMessage]) -> None:
    if len(body) < 12:
        return
    sender, ssrc = _u32x2.unpack_from(body)
    sequences: list[int] = []
    for at in range(8, len(body) - 3, 4):
        first, mask = _pair.unpack_from(body, at)
        sequences.append(first)
        while mask:
            low = mask & -mask
            sequences.append((first + low.bit_length()) & 0xFFFF)
            mask ^= low
        if len(sequences) >= MAX_NACK_NUMBERS:
            break
    messages.append(Nack(sender, ssrc, tuple(sequences[:MAX_NACK_NUMBERS])))


def _parse_payload_feedback(fmt: int, body: bytes, messages: list[RtcpMessage]) -> None:
    if len(body) < 8:
        return
    sender, ssrc = _u32x2.unpack_from(body)
    if fmt == _FMT_PLI:
        messages.append(KeyframeRequest(sender, ssrc, False))
    elif fmt == _FMT_FIR:
        for at in range(8, len(body) - 7, 8):
            messages.append(KeyframeRequest(sender, int.from_bytes(body[at : at + 4], "big"), True))
    elif fmt == _FMT_ALFB and body[8:12] == b"REMB" and len(body) >= 16:
        count, exponent = body[12], body[13] >> 2
        mantissa = (body[13] & 3) << 16 | body[14] << 8 | body[15]
        if len(body) >= 16 + 4 * count:
            ssrcs = tuple(int.from_bytes(body[16 + 4 * i : 20 + 4 * i], "big") for i in range(count))
            messages.append(Remb(sender, mantissa << exponent, ssrcs))


def _parse_extended(body: bytes, messages: list[RtcpMessage]) -> None:
    at, size = 4, len(body)
    while at + 4 <= size:
        kind, _, words = _header.unpack_from(body, at)
        end = at + 4 + (words << 2)
        if end > size:
            return
        if kind == _XR_DELAY_SINCE:
            for item in range(at + 4, end - 11, 12):
                ssrc, last, delay = _echo.unpack_from(body, item)
                messages.append(ReferenceEcho(ssrc, last, delay))
        at = end


def _parse_sdes(count: int, body: bytes, messages: list[RtcpMessage]) -> None:
    at, size = 0, len(body)
    for _ in range(count):
        if at + 4 > size:
            return
        ssrc = int.from_bytes(body[at : at + 4], "big")
        at += 4
        while at < size and body[at]:
            if at + 2 > size or at + 2 + body[at + 1] > size:
                return
            if body[at] == 1:
                text = body[at + 2 : at + 2 + body[at + 1]].decode("utf-8", "replace")
                messages.append(Cname(ssrc, text))
            at += 2 + body[at + 1]
        at = (at // 4 + 1) * 4  # the terminating zero, then up to the next word


def _build_block(block: ReportBlock) -> bytes:
    lost = max(-0x800000, min(0x7FFFFF, block.packets_lost)) & 0xFFFFFF
    fraction = max(0, min(255, int(block.fraction_lost * 256)))
    return _block.pack(
        block.ssrc,
        fraction << 24 | lost,
        block.highest_sequence & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last_report & 0xFFFFFFFF,
        block.delay & 0xFFFFFFFF,
    )


def build_sender_report(
    ssrc: int, *, ntp: int, rtp_timestamp: int, packets: int, octets: int, blocks: Sequence[ReportBlock] = ()
) -> bytes:
    """SR with at most 31 report blocks (the rest is left out)."""
    blocks = blocks[:MAX_BLOCKS]
    head = _sr.pack(
        0x80 | len(blocks),
        SR,
        6 + 6 * len(blocks),
        ssrc,
        ntp & 0xFFFFFFFFFFFFFFFF,
        rtp_timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return head + b"".join(map(_build_block, blocks))


def build_receiver_report(ssrc: int, blocks: Sequence[ReportBlock] = ()) -> bytes:
    """RR with at most 31 report blocks (the rest is left out)."""
    blocks = blocks[:MAX_BLOCKS]
    head = _header.pack(0x80 | len(blocks), RR, 1 + 6 * len(blocks)) + ssrc.to_bytes(4, "big")
    return head + b"".join(map(_build_block, blocks))


def build_reference_time(ssrc: int, ntp: int) -> bytes:
    """XR RRTR: our NTP time (64 bits), which every sender of media there echoes as `ReferenceEcho`."""
    return _reference.pack(0x80, XR, 4, ssrc, _XR_REFERENCE_TIME, 0, 2, ntp & 0xFFFFFFFFFFFFFFFF)


def build_cname(ssrc: int, name: str) -> bytes:
    """SDES with one chunk holding a CNAME of at most 255 bytes of UTF-8."""
    text = name.encode("utf-8")[:255]
    chunk = ssrc.to_bytes(4, "big") + bytes([1, len(text)]) + text + b"\x00"
    chunk += b"\x00" * (-len(chunk) % 4)
    return _header.pack(0x81, SDES, len(chunk) // 4) + chunk


def build_bye(ssrcs: Sequence[int]) -> bytes:
    """BYE for at most 31 streams."""
    ssrcs = ssrcs[:MAX_BLOCKS]
    return _header.pack(0x80 | len(ssrcs), BYE, len(ssrcs)) + b"".join(s.to_bytes(4, "big") for s in ssrcs)


def build_pli(sender_ssrc: int, ssrc: int) -> bytes:
    """Picture loss indication: ask `ssrc` for a key frame (RFC 4585 6.3.1)."""
    return _fb.pack(0x80 | _FMT_PLI, PSFB, 2, sender_ssrc, ssrc)


def build_fir(sender_ssrc: int, ssrc: int, count: int) -> bytes:
    """Full intra request; `count` must change with every new request (RFC 5104 4.3.1)."""
    return _fb.pack(0x80 | _FMT_FIR, PSFB, 4, sender_ssrc, 0) + _u32x2.pack(ssrc, (count & 0xFF) << 24)


def build_nack(sender_ssrc: int, ssrc: int, sequences: Iterable[int]) -> bytes:
    """Generic NACK for 16-bit sequence numbers, best given in ascending order so that they share bit masks."""
    items = b""
    first = mask = -1
    for sequence in sequences:
        distance = (sequence - first) & 0xFFFF
        if first >= 0 and 1 <= distance <= 16:
            mask |= 1 << distance - 1
        elif first < 0 or distance:
            if first >= 0:
                items += _pair.pack(first, mask)
            first, mask = sequence, 0
    if first >= 0:
        items += _pair.pack(first, mask)
    return _fb.pack(0x80 | _FMT_NACK, RTPFB, 2 + len(items) // 4, sender_ssrc, ssrc) + items


def build_remb(sender_ssrc: int, bitrate_bps: int, ssrcs: Sequence[int]) -> bytes:
    """REMB for at most 255 streams; the bitrate is rounded down to 18 significant bits."""
    ssrcs = ssrcs[:255]
    exponent = max(0, bitrate_bps.bit_length() - 18)
    mantissa = bitrate_bps >> exponent
    body = bytes([len(ssrcs), exponent << 2 | mantissa >> 16, mantissa >> 8 & 0xFF, mantissa & 0xFF])
    body = b"REMB" + body + b"".join(s.to_bytes(4, "big") for s in ssrcs)
    return _fb.pack(0x80 | _FMT_ALFB, PSFB, 2 + len(body) // 4, sender_ssrc, 0) + body
