"""What a viewer gets out of a rewriter, and the rules that must hold for it whatever happened before."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from signaling.native.twin import NativeRewriter
from signaling.rtp.header import parse_header
from signaling.rtp.packet import MediaPacket
from signaling.rtp.rewriter import Rewriter, RewriterSettings
from signaling.rtp.sequence import difference32, nearest_extended
from signaling.rtp.vp8 import Vp8Descriptor, parse_descriptor

VIEWER_SSRC = 0xABCDEF01
RTX_SSRC = 0xABCDEF02
RTX_TYPE = 97


AnyRewriter = Rewriter | NativeRewriter
Making = Callable[[RewriterSettings], AnyRewriter]
making: ContextVar[Making] = ContextVar("making", default=Rewriter)  # conftest.py runs the tests on both


def new_rewriter(settings: RewriterSettings) -> AnyRewriter:
    """The Python or the C side, as the running test was asked."""
    return making.get()(settings)


def video_rewriter(**changes: Any) -> AnyRewriter:
    """A VP8 subscription whose numbers start just before they wrap."""
    settings = RewriterSettings(
        ssrc=VIEWER_SSRC,
        payload_type=96,
        clock_rate_hz=90000,
        needs_keyframe=True,
        rtx_ssrc=RTX_SSRC,
        rtx_payload_type=RTX_TYPE,
        first_sequence=65530,
        first_timestamp=0xFFFFFF00,
    )
    return new_rewriter(settings._replace(**changes))


class Seen(NamedTuple):
    """One packet at the viewer. `descriptor` is None for padding."""

    out: int
    timestamp: int
    marker: int
    payload: bytes
    descriptor: Vp8Descriptor | None


@dataclass
class Viewer:
    """Collects a rewriter's packets by unwrapped outgoing number."""

    rewriter: AnyRewriter
    packets: dict[int, Seen] = field(default_factory=dict)
    highest: int = 65530

    def feed(self, media: MediaPacket | None) -> Seen | None:
        """Forward a packet; a number that is used twice is an error."""
        sent = None if media is None else self.rewriter.forward(media)
        if sent is None:
            return None
        return self.take(sent)

    def take(self, sent: bytes) -> Seen:
        """What the viewer's receiver does with RTP, RTX included."""
        parsed = parse_header(sent)
        assert parsed is not None
        payload = sent[parsed.payload_start : parsed.payload_end]
        number = parsed.sequence
        if parsed.ssrc == RTX_SSRC:
            assert parsed.payload_type == RTX_TYPE
            number, payload = int.from_bytes(payload[:2], "big"), payload[2:]
        else:
            assert parsed.ssrc == VIEWER_SSRC
        out = nearest_extended(number, self.highest)
        self.highest = max(self.highest, out)
        assert out not in self.packets, f"number {out} is used twice"
        descriptor = parse_descriptor(payload) if payload else None
        seen = Seen(out, parsed.timestamp, parsed.marker, payload, descriptor)
        self.packets[out] = seen
        return seen

    @property
    def holes(self) -> list[int]:
        """Unwrapped numbers between the first and the last that never came."""
        return [out for out in range(min(self.packets), max(self.packets)) if out not in self.packets]

    def in_order(self) -> list[Seen]:
        """Everything by outgoing number."""
        return [self.packets[out] for out in sorted(self.packets)]

    def check_continuity(self) -> None:
        """Timestamps never run backwards; picture ids and TL0PICIDX advance by one where nothing is missing."""
        media = [seen for seen in self.in_order() if seen.descriptor is not None]
        for before, after in itertools.pairwise(media):
            assert before.descriptor is not None
            assert after.descriptor is not None
            step = difference32(after.timestamp, before.timestamp)
            pictures = (after.descriptor.picture_id - before.descriptor.picture_id) & 0x7FFF
            levels = (after.descriptor.tl0_index - before.descriptor.tl0_index) & 0xFF
            missing = after.out - before.out - 1
            assert (step == 0) == (pictures == 0), "a picture has one timestamp"
            assert 0 <= step < 20 * 90000
            assert pictures <= 1 + missing
            assert levels <= 1 + missing
            if pictures and not missing:
                assert after.descriptor.starts_frame
                # At a switch the last frame of the old layer may stay unfinished: a key frame needs nothing before.
                assert before.marker or after.descriptor.is_keyframe
