"""What is fixed for one subscription or one stream, as the C side wants it."""

from __future__ import annotations

from typing import Any

from signaling.native.build import Native
from signaling.rtp import nack
from signaling.rtp.outgoing import RewriterSettings
from signaling.rtp.packet import Codec


def native_settings(native: Native, settings: RewriterSettings) -> Any:
    """RewriterSettings as a struct rewriter_settings *. IndexError when the extension block is too long."""
    has_rtx = settings.rtx_ssrc is not None and settings.rtx_payload_type is not None
    return native.ffi.new(
        "struct rewriter_settings *",
        {
            "ssrc": settings.ssrc,
            "payload_type": settings.payload_type,
            "clock_rate_hz": settings.clock_rate_hz,
            "needs_keyframe": settings.needs_keyframe,
            "red_payload_type": settings.red_payload_type or 0,
            "rtx_payload_type": settings.rtx_payload_type if has_rtx else 0,
            "rtx_ssrc": settings.rtx_ssrc if has_rtx else 0,
            "has_send_time": settings.has_send_time,
            "has_wide_sequence": settings.has_wide_sequence,
            "extension_bytes": len(settings.extension),
            "first_sequence": settings.first_sequence,
            "first_timestamp": settings.first_timestamp,
            "extension": list(settings.extension),
        },
    )


def loss_rules(codec: Codec) -> dict[str, float | int]:
    """What `nack.LossDetector` goes by for a stream of this codec, as a struct loss_rules."""
    patience = nack.VOICE if codec is Codec.OPUS else nack.PICTURE
    return {
        "first_wait_ms": nack.FIRST_WAIT_MS,
        "latest_ms": nack.LATEST_MS,
        "min_spacing_ms": nack.MIN_SPACING_MS,
        "max_spacing_ms": nack.MAX_SPACING_MS,
        "longest_pause_ms": nack.LONGEST_PAUSE_MS,
        "backoff": nack.BACKOFF,
        "default_rtt_ms": nack.DEFAULT_RTT_MS,
        "useful_ms": -1.0 if patience.useful_ms is None else patience.useful_ms,
        "max_tries": patience.max_tries,
    }
