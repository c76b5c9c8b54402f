"""One synthetic member of a hearing: sends voice and picture, watches everybody, reports like a browser."""

from __future__ import annotations

import re
import struct
import time
from dataclasses import dataclass, field

from bench.link import Link
from signaling.rtp import extensions, rtcp

OPUS, VP8, RTX = 111, 96, 97
AUDIO_BYTES = 120  # Opus at 48 kbit/s, 20 ms
# 1 Mbit/s at 30 frames/s: 4.1 packets of at most 1150 bytes a frame, 123 packets/s.
PART_BYTES = 1012
PARTS, FIVE_EVERY = 4, 10
KEY_PARTS = 12
VERIFY_EVERY = 64  # of the received packets one in so many is opened
_NTP_SECOND = 1 << 32
WIDE_ID = 5
_EXTENSIONS = (
    (1, extensions.AUDIO_LEVEL_URI),
    (3, extensions.ABS_SEND_TIME_URI),
    (4, extensions.MID_URI),
)
_head = struct.Struct("!BBHII")


@dataclass(slots=True)
class Heard:
    """One received stream."""

    packets: int = 0
    first: int = -1
    highest: int = -1
    last_report: int = 0
    report_s: float = 0.0

    @property
    def lost(self) -> int:
        return self.highest - self.first + 1 - self.packets if self.packets else 0


@dataclass(slots=True)
class Outgoing:
    """Numbers of one sent stream."""

    ssrc: int
    sequence: int = 100
    timestamp: int = 1000
    packets: int = 0
    octets: int = 0


@dataclass(slots=True)
class Tally:
    """What came in, over all members."""

    packets: int = 0
    bytes: int = 0
    verified: int = 0
    bad: int = 0
    refusal: str = ""  # why the last bad one could not be opened
    sent: int = 0
    keyframes: int = 0
    seen: dict[int, Heard] = field(default_factory=dict)


class Member:
    """Two connections, as the web client has them."""

    def __init__(self, number: int, tally: Tally) -> None:
        self.number = number
        self.tally = tally
        self.seat = ""
        self.sending = Link(on_rtp=lambda packet: None, on_rtcp=self._asked)
        self.watching = Link(on_rtp=self._received, on_rtcp=self._reported)
        self.audio, self.video = Outgoing(1000 + 2 * number), Outgoing(1001 + 2 * number)
        self.heard: dict[int, Heard] = {}
        self.wants_key = True
        self._picture = 0
        self._wide = 0  # transport-wide number; the server tells when each came

    # Descriptions

    def offer(self) -> str:
        """What the member sends: a voice and a picture."""
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
        lines += self._section("audio", "0", "sendonly", "actpass", self.sending, f"{OPUS}")
        lines.append(f"a=ssrc:{self.audio.ssrc} cname:m{self.number}")
        lines += self._section("video", "1", "sendonly", "actpass", self.sending, f"{VP8} {RTX}")
        lines.append(f"a=ssrc:{self.video.ssrc} cname:m{self.number}")
        return "\r\n".join(lines) + "\r\n"

    def answer(self, offer: str) -> str:
        """Take every section of the server's offer."""
        for ssrc in re.findall(r"a=ssrc:(\d+) cname", offer):
            self.heard.setdefault(int(ssrc), Heard())
        found = re.findall(r"m=(audio|video) .*?a=mid:(\d+)\r\na=(sendonly|inactive)", offer, re.DOTALL)
        mids = " ".join(mid for _, mid, _ in found)
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
        for kind, mid, direction in found:
            numbers = f"{OPUS}" if kind == "audio" else f"{VP8} {RTX}"
            way = "recvonly" if direction == "sendonly" else "inactive"
            lines += self._section(kind, mid, way, "active", self.watching, numbers)
        return "\r\n".join(lines) + "\r\n"

    def _section(self, kind: str, mid: str, way: str, setup: str, link: Link, numbers: str) -> list[str]:
        lines = [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}",
            f"a=ice-ufrag:{link.ufrag}",
            f"a=ice-pwd:{link.password}",
            f"a=fingerprint:{link.fingerprint}",
            f"a=setup:{setup}",
            f"a=mid:{mid}",
            f"a={way}",
            "a=rtcp-mux",
            *(f"a=extmap:{number} {uri}" for number, uri in _EXTENSIONS),
        ]
        if kind == "audio":
            return [*lines, f"a=rtpmap:{OPUS} opus/48000/2"]
        if link is self.sending:
            lines += [
                f"a=extmap:{WIDE_ID} {extensions.TRANSPORT_CC_URI}",
                f"a=rtcp-fb:{VP8} transport-cc",
            ]
        return [*lines, f"a=rtpmap:{VP8} VP8/90000", f"a=rtpmap:{RTX} rtx/90000", f"a=fmtp:{RTX} apt={VP8}"]

    # Sending

    def speak(self, level: int = 30) -> None:
        """One 20 ms packet, `level` dB below full scale (127: silence)."""
        stream = self.audio
        extension = (
            struct.pack("!HHBBB", 0xBEDE, 2, 0x10, 0x80 | level, 0x32) + _send_time() + b"\x00\x00\x00"
        )
        payload = b"\x78" + bytes([stream.sequence & 0xFF]) * (AUDIO_BYTES - 1)
        self._send(stream, 0x90, OPUS, extension[:12] + payload)
        stream.timestamp = stream.timestamp + 960 & 0xFFFFFFFF

    def show(self) -> None:
        """One picture, its packets in one burst; a key frame when somebody asked."""
        self._picture += 1
        is_key, self.wants_key = self.wants_key, False
        parts = KEY_PARTS if is_key else PARTS + (self._picture % FIVE_EVERY == 0)
        self.tally.keyframes += is_key
        number = 0x8000 | self._picture & 0x7FFF
        # RFC 7741: picture id, TL0PICIDX and TID as libwebrtc writes them; then the VP8 frame tag.
        for part in range(parts):
            first = 0x90 if part == 0 else 0x80
            descriptor = struct.pack("!BBHBB", first, 0xE0, number, self._picture & 0xFF, 0)
            tag = b"\x01\x00\x00"
            if is_key:
                tag = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 480)
            payload = descriptor + (tag if part == 0 else b"") + bytes([part]) * PART_BYTES
            self._wide = self._wide + 1 & 0xFFFF
            extension = struct.pack("!HHB", 0xBEDE, 2, 0x32) + _send_time()
            extension += struct.pack("!BHB", WIDE_ID << 4 | 1, self._wide, 0)
            self._send(self.video, 0x90, VP8 | (0x80 if part == parts - 1 else 0), extension + payload)
        self.video.timestamp = self.video.timestamp + 3000 & 0xFFFFFFFF

    def _send(self, stream: Outgoing, first: int, second: int, rest: bytes) -> None:
        head = _head.pack(first, second, stream.sequence & 0xFFFF, stream.timestamp, stream.ssrc)
        self.sending.send_rtp(head + rest)
        stream.sequence += 1
        stream.packets += 1
        stream.octets += len(rest)
        self.tally.sent += 1

    # Receiving

    def _received(self, data: bytes) -> None:
        tally = self.tally
        tally.packets += 1
        tally.bytes += len(data)
        stream = self.heard.get(int.from_bytes(data[8:12], "big"))
        if stream is None:
            return  # a repair, counted above
        sequence = data[2] << 8 | data[3]
        if stream.first < 0:
            stream.first = stream.highest = sequence
        else:
            step = (sequence - stream.highest) & 0xFFFF
            if step < 0x8000:
                stream.highest += step
        stream.packets += 1
        if tally.packets % VERIFY_EVERY == 0 and self.watching.rx is not None:
            self.verify(data)

    def verify(self, data: bytes) -> None:
        """Open one packet to see that it is one."""
        try:
            self.watching.rx.unprotect(data)
            self.tally.verified += 1
        except Exception as error:  # pylibsrtp's only error; the run fails on the count
            if "replay" in str(error):
                return  # genuine, and sent twice on purpose: a repair, a probe
            self.tally.bad += 1
            self.tally.refusal = str(error)

    def _asked(self, plain: bytes) -> None:
        for message in rtcp.parse(plain):
            if isinstance(message, rtcp.KeyframeRequest):
                self.wants_key = True

    def _reported(self, plain: bytes) -> None:
        for message in rtcp.parse(plain):
            if isinstance(message, rtcp.SenderReport) and message.ssrc in self.heard:
                stream = self.heard[message.ssrc]
                stream.last_report, stream.report_s = message.ntp >> 16 & 0xFFFFFFFF, time.monotonic()

    def report(self) -> None:
        """Once a second: sender reports for what is sent, receiver reports and REMB for what is heard."""
        ntp = int((time.time() + 2_208_988_800) * _NTP_SECOND)
        for stream in self._sent():
            self.sending.send_rtcp(
                rtcp.build_sender_report(
                    stream.ssrc,
                    ntp=ntp,
                    rtp_timestamp=stream.timestamp,
                    packets=stream.packets,
                    octets=stream.octets,
                )
            )
        blocks = [
            rtcp.ReportBlock(ssrc, 0.0, stream.lost, stream.highest, 30, stream.last_report, _since(stream))
            for ssrc, stream in self.heard.items()
            if stream.packets
        ]
        if blocks and self.watching.is_connected:
            report = rtcp.build_receiver_report(1, blocks)
            self.watching.send_rtcp(report + rtcp.build_remb(1, 20_000_000, list(self.heard)))

    def _sent(self) -> list[Outgoing]:
        """The streams it sends now."""
        return [self.audio, self.video]

    async def close(self) -> None:
        await self.sending.close()
        await self.watching.close()


def _since(stream: Heard) -> int:
    return int((time.monotonic() - stream.report_s) * 65536) if stream.last_report else 0


def _send_time() -> bytes:
    return (int(time.time() * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
