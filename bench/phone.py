"""A synthetic phone on a bad line: real ICE, DTLS and SRTP, redundant voice, two picture layers, repairs, feedback.

It behaves as a current browser does where that decides what gets through: RED with one repeat, retransmission of
voice and picture (RFC 4588) from a second of history, key frames on request, a rate that follows transport-wide
feedback. Its estimate is this project's own (`signaling.rtp.path_estimate`), not a browser's. Nothing is encoded.
"""

from __future__ import annotations

import re
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pylibsrtp import Error as SrtpError

from bench.link import Link
from bench.listening import Ear, Eye
from signaling.rtp import extensions, rtcp
from signaling.rtp.arrivals import FeedbackWriter
from signaling.rtp.header import parse_header
from signaling.rtp.path_estimate import PathEstimate
from signaling.rtp.send_history import SendHistory
from signaling.rtp.transport_cc import TransportFeedback

OPUS, RED, VP8, RTX = 111, 63, 96, 97
OFFERED_RED: Final = 63
VOICE_BYTES: Final = 80  # 32 kbit/s
# Three temporal layers over four pictures, as browsers send simulcast: layer, whether only the base is needed to decode
# it, and its size against the mean.
_RHYTHM: Final = ((0, 0, 1.6), (2, 1, 0.8), (1, 1, 0.8), (2, 0, 0.8))
LARGE_BPS: Final = 750_000.0  # both layers with some air
REPEAT_GAP_S: Final = 0.02  # a browser repeats no packet twice within a round trip
HISTORY: Final = 1024
FEEDBACK_S: Final = 0.1  # browsers: 50 to 250 ms
RID_ID: Final = 10
_EXTENSIONS: Final = {
    1: extensions.AUDIO_LEVEL_URI,
    3: extensions.ABS_SEND_TIME_URI,
    4: extensions.MID_URI,
    5: extensions.TRANSPORT_CC_URI,
    RID_ID: extensions.RID_URI,
    11: extensions.REPAIRED_RID_URI,
}
_head = struct.Struct("!BBHII")


@dataclass(slots=True)
class Outgoing:
    """One stream on its way out, and what may have to be repeated."""

    ssrc: int
    rid: str = ""
    rtx_ssrc: int = 0
    parts: int = 1
    part_bytes: int = 0  # mean
    width_px: int = 0
    height_px: int = 0
    sequence: int = 100
    rtx_sequence: int = 500
    timestamp: int = 1000
    packets: int = 0
    octets: int = 0
    picture: int = 0
    base: int = 0  # TL0PICIDX
    beat: int = 0  # in the rhythm of temporal layers
    wants_key: bool = True
    history: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    repeats: int = 0
    repeated_s: OrderedDict[int, float] = field(default_factory=OrderedDict)


class Phone:
    """`through` rewrites descriptions to the phone's line; `spoke` and `heard` are told every voice frame."""

    def __init__(
        self,
        number: int,
        through: Callable[[str], str],
        *,
        spoke: Callable[[int, int, float], None],
        heard: Callable[[str, int, float], None],
    ) -> None:
        self.number = number
        self.name = f"p{number}"
        self._through, self._spoke, self._heard = through, spoke, heard
        self.sending = Link(on_rtp=lambda packet: None, on_rtcp=self._told)
        self.watching = Link(on_rtp=self._received, on_rtcp=self._reported)
        base = 10_000 * (number + 1)
        self.voice = Outgoing(base + 1)
        self.layers = (
            Outgoing(
                base + 2, "q", base + 12, 1, 625, 320, 180
            ),  # 150 kbit/s, a browser's target for 180 lines
            Outgoing(base + 3, "h", base + 13, 3, 690, 640, 360),  # 500 kbit/s, the same for 360
        )
        self.ears: dict[int, Ear] = {}
        self.eyes: dict[int, Eye] = {}
        self._owner: dict[int, str] = {}  # of each eye
        self._shown: frozenset[str] | None = None
        self._repair_of: dict[int, int] = {}  # rtx ssrc -> ssrc
        self._frame = 0
        self._before = b""
        self._wide = SendHistory()
        self.estimate = PathEstimate(start_bps=1_500_000)
        self._writer = FeedbackWriter()
        self._arrivals: list[tuple[int, int]] = []
        self._acknowledged_s = 0.0
        self._last_report: dict[int, tuple[int, float]] = {}
        self.asked = 0

    # Descriptions

    def offer(self) -> str:
        """A voice with redundancy and a picture in two layers."""
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
        lines += self._section("audio", "0", "sendonly", "actpass", self.sending)
        lines.append(f"a=ssrc:{self.voice.ssrc} cname:{self.name}")
        lines += self._section("video", "1", "sendonly", "actpass", self.sending)
        lines += ["a=rid:q send", "a=rid:h send", "a=simulcast:send q;h"]
        return "\r\n".join(lines) + "\r\n"

    def answer(self, offer: str) -> str:
        """Take every section of the server's offer."""
        sections = re.findall(
            r"m=(audio|video) .*?a=mid:(\d+)\r\na=(sendonly|inactive).*?(?=m=|\Z)", offer, re.DOTALL
        )
        for block in re.split(r"(?=m=)", offer)[1:]:
            self._learn(block)
        mids = " ".join(mid for _, mid, _ in sections)
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
        for kind, mid, direction in sections:
            way = "recvonly" if direction == "sendonly" else "inactive"
            lines += self._section(kind, mid, way, "active", self.watching)
        return "\r\n".join(lines) + "\r\n"

    def _learn(self, block: str) -> None:
        """Which person a stream belongs to, and which stream repairs which."""
        named = re.search(r"a=ssrc:(\d+) cname:(\S+)", block)
        if named is None or "a=sendonly" not in block:
            return
        ssrc, who = int(named[1]), named[2]
        if block.startswith("m=audio"):
            self.ears.setdefault(ssrc, Ear(ssrc, OFFERED_RED, lambda n, at_s: self._heard(who, n, at_s)))
            return
        eye = self.eyes.setdefault(ssrc, Eye(ssrc))
        self._owner[ssrc] = who
        if self._shown is not None:
            eye.covered(who not in self._shown, time.monotonic())
        pair = re.search(r"a=ssrc-group:FID (\d+) (\d+)", block)
        if pair is not None:
            self._repair_of[int(pair[2])] = int(pair[1])

    def _section(self, kind: str, mid: str, way: str, setup: str, link: Link) -> list[str]:
        numbers = f"{RED} {OPUS}" if kind == "audio" else f"{VP8} {RTX}"
        wanted = (1, 3, 4) if kind == "audio" else (3, 4, 5, RID_ID, 11)
        lines = [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}", f"a=ice-ufrag:{link.ufrag}", f"a=ice-pwd:{link.password}",
            f"a=fingerprint:{link.fingerprint}", f"a=setup:{setup}", f"a=mid:{mid}", f"a={way}", "a=rtcp-mux",
            *(f"a=extmap:{each} {_EXTENSIONS[each]}" for each in wanted if way == "sendonly" or each < RID_ID),
        ]  # fmt: skip
        if kind == "audio":
            return [
                *lines, f"a=rtpmap:{OPUS} opus/48000/2", f"a=rtcp-fb:{OPUS} nack", f"a=rtpmap:{RED} red/48000/2",
                f"a=rtcp-fb:{RED} nack", f"a=fmtp:{RED} {OPUS}/{OPUS}",
            ]  # fmt: skip
        feedback = [f"a=rtcp-fb:{VP8} {each}" for each in ("nack", "nack pli", "transport-cc", "goog-remb")]
        return [
            *lines, f"a=rtpmap:{VP8} VP8/90000", *feedback, f"a=rtpmap:{RTX} rtx/90000", f"a=fmtp:{RTX} apt={VP8}"
        ]  # fmt: skip

    # Sending

    def speak(self) -> None:
        """One 20 ms frame with the one before it repeated."""
        now_s = time.monotonic()
        frame = (b"\x78" + self._frame.to_bytes(4, "big")).ljust(VOICE_BYTES, b"v")
        header = b""
        if self._before:
            word = 960 << 10 | len(self._before)
            header = bytes([0x80 | OPUS]) + word.to_bytes(3, "big")
        payload = header + bytes([OPUS]) + self._before + frame
        self._send(self.voice, RED, _block((1, b"\x9e"), (3, _send_time()), (4, b"0")), payload)
        self._spoke(self.number, self._frame, now_s)
        self._before = frame
        self._frame += 1
        self.voice.timestamp = self.voice.timestamp + 960 & 0xFFFFFFFF

    def show(self) -> None:
        """One picture in the layers the line carries; the small one always."""
        room_bps = self.estimate.limit_bps if self.estimate.is_known else 1_500_000
        for layer in self.layers:
            if layer.rid == "h" and room_bps < LARGE_BPS:
                layer.wants_key = True  # it starts anew when it comes back
                continue
            self._show_layer(layer)

    def _show_layer(self, layer: Outgoing) -> None:
        layer.picture += 1
        is_key, layer.wants_key = layer.wants_key, False
        layer.beat = 0 if is_key else (layer.beat + 1) % len(_RHYTHM)
        temporal, is_sync, size = _RHYTHM[layer.beat]
        layer.base += temporal == 0
        part_bytes = int(layer.part_bytes * (1.6 if is_key else size))
        parts = layer.parts * 3 if is_key else layer.parts
        for part in range(parts):
            descriptor = struct.pack(
                "!BBHBB",
                0x90 if part == 0 else 0x80,
                0xE0,
                0x8000 | layer.picture & 0x7FFF,
                layer.base & 0xFF,
                temporal << 6 | is_sync << 5,
            )
            tag = b"\x01\x00\x00"
            if is_key:
                tag = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", layer.width_px, layer.height_px)
            payload = descriptor + (tag if part == 0 else b"") + bytes(part_bytes)
            self._send(layer, VP8 | (0x80 if part == parts - 1 else 0), None, payload)
        layer.timestamp = layer.timestamp + 3000 & 0xFFFFFFFF

    def _send(self, stream: Outgoing, second: int, block: bytes | None, payload: bytes) -> None:
        if not self.sending.is_connected:
            return
        if block is None:
            block = self._picture_block(stream, RID_ID, len(payload))
        packet = (
            _head.pack(0x90, second, stream.sequence & 0xFFFF, stream.timestamp, stream.ssrc)
            + block
            + payload
        )
        stream.history[stream.sequence & 0xFFFF] = packet
        while len(stream.history) > HISTORY:
            stream.history.popitem(last=False)
        self.sending.send_rtp(packet)
        stream.sequence += 1
        stream.packets += 1
        stream.octets += len(payload)

    def _picture_block(self, stream: Outgoing, rid_id: int, size: int) -> bytes:
        number = self._wide.next(size + 40, time.monotonic() * 1000)
        return _block(
            (3, _send_time()), (4, b"1"), (rid_id, stream.rid.encode()), (5, number.to_bytes(2, "big"))
        )

    def _repeat(self, stream: Outgoing, sequence: int) -> None:
        packet = stream.history.get(sequence)
        now_s = time.monotonic()
        if packet is None or now_s - stream.repeated_s.get(sequence, 0.0) < REPEAT_GAP_S:
            return
        stream.repeated_s[sequence] = now_s
        while len(stream.repeated_s) > HISTORY:
            stream.repeated_s.popitem(last=False)
        stream.repeats += 1
        if not stream.rtx_ssrc:
            self.sending.send_rtp(packet)  # as browsers repeat a voice: the same packet again
            return
        header = parse_header(packet)
        assert header is not None
        payload = packet[2:4] + packet[header.payload_start :]
        head = _head.pack(
            0x90, RTX | packet[1] & 0x80, stream.rtx_sequence & 0xFFFF, header.timestamp, stream.rtx_ssrc
        )
        stream.rtx_sequence += 1
        self.sending.send_rtp(head + self._picture_block(stream, 11, len(payload)) + payload)

    def _told(self, plain: bytes) -> None:
        """Feedback about what we send."""
        now_ms = time.monotonic() * 1000
        streams = {each.ssrc: each for each in (self.voice, *self.layers)}
        for message in rtcp.parse(plain):
            if isinstance(message, rtcp.Nack) and message.ssrc in streams:
                for sequence in message.sequences:
                    self._repeat(streams[message.ssrc], sequence)
            elif isinstance(message, rtcp.KeyframeRequest) and message.ssrc in streams:
                streams[message.ssrc].wants_key = True
            elif isinstance(message, TransportFeedback):
                self.estimate.feedback(message, self._wide, now_ms)

    # Receiving

    def _received(self, protected: bytes) -> None:
        if self.watching.rx is None:
            return
        try:
            packet = self.watching.rx.unprotect(protected)
        except SrtpError:  # a duplicate on the line, or a voice that was repeated and only late
            return
        now_ns = time.monotonic_ns()
        header = parse_header(packet)
        if header is None:
            return
        wide = extensions.transport_sequence(packet, header, extensions.WIDE_ID)
        if wide >= 0:
            self._arrivals.append((wide, now_ns))
        payload, sequence, ssrc = (
            packet[header.payload_start : header.payload_end],
            header.sequence,
            header.ssrc,
        )
        if ssrc in self._repair_of and len(payload) > 2:
            sequence, payload, ssrc = int.from_bytes(payload[:2], "big"), payload[2:], self._repair_of[ssrc]
        now_s = now_ns / 1e9
        if ssrc in self.ears:
            self.ears[ssrc].packet(sequence, header.payload_type, payload, now_s)
        elif ssrc in self.eyes and payload:
            self.eyes[ssrc].packet(sequence, bool(packet[1] & 0x80), payload, now_s)

    def shown(self, people: frozenset[str]) -> None:
        """The server says whose pictures it sends: the client shows a plate in place of the others."""
        self._shown = people
        now_s = time.monotonic()
        for ssrc, eye in self.eyes.items():
            eye.covered(self._owner[ssrc] not in people, now_s)

    def _reported(self, plain: bytes) -> None:
        for message in rtcp.parse(plain):
            if isinstance(message, rtcp.SenderReport):
                self._last_report[message.ssrc] = (message.ntp >> 16 & 0xFFFFFFFF, time.monotonic())

    def care(self) -> None:
        """Every 20 ms: ask for what is missing, acknowledge what came."""
        if not self.watching.is_connected:
            return
        now_s = time.monotonic()
        received: list[Ear | Eye] = [*self.ears.values(), *self.eyes.values()]
        for stream in received:
            missing = stream.losses.due(now_s * 1000)
            if missing:
                self.asked += len(missing)
                self.watching.send_rtcp(rtcp.build_nack(1, stream.ssrc, missing))
        for eye in self.eyes.values():
            if eye.wants_key(now_s):
                self.watching.send_rtcp(rtcp.build_pli(1, eye.ssrc))
        if now_s - self._acknowledged_s < FEEDBACK_S:
            return
        self._acknowledged_s = now_s
        arrivals, self._arrivals = self._arrivals, []
        for message in self._writer.write(arrivals, 1, next(iter(self.eyes), 0)):
            self.watching.send_rtcp(message)

    def report(self) -> None:
        """Once a second: sender reports and receiver reports."""
        ntp = int((time.time() + 2_208_988_800) * (1 << 32))
        if self.sending.is_connected:
            for sent in (self.voice, *self.layers):
                self.sending.send_rtcp(
                    rtcp.build_sender_report(
                        sent.ssrc,
                        ntp=ntp,
                        rtp_timestamp=sent.timestamp,
                        packets=sent.packets,
                        octets=sent.octets,
                    )
                )
        blocks = []
        received: list[Ear | Eye] = [*self.ears.values(), *self.eyes.values()]
        for heard in received:
            if heard.packets:
                lost = max(0, heard.highest - heard.first + 1 - heard.packets)
                last, at_s = self._last_report.get(heard.ssrc, (0, 0.0))
                delay = int((time.monotonic() - at_s) * 65536) if last else 0
                blocks.append(
                    rtcp.ReportBlock(heard.ssrc, heard.loss_ratio(), lost, heard.highest, 30, last, delay)
                )
        if blocks and self.watching.is_connected:
            self.watching.send_rtcp(rtcp.build_receiver_report(1, blocks))

    async def watch(self, offer: str) -> None:
        """Reach the server of an answered offer, the first time."""
        if not self.watching.is_started:
            await self.watching.connect(self._through(offer))

    async def publish(self, answer: str) -> None:
        await self.sending.connect(self._through(answer))

    async def close(self) -> None:
        await self.sending.close()
        await self.watching.close()


def _block(*elements: tuple[int, bytes]) -> bytes:
    """A one-byte extension block (RFC 8285)."""
    body = b"".join(bytes([number << 4 | len(data) - 1]) + data for number, data in elements)
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def _send_time() -> bytes:
    return (int(time.time() * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
