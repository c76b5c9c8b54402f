"""What is fixed for one subscription, as the C side wants it."""

from __future__ import annotations

from typing import Any

from signaling.native.build import Native
from signaling.rtp.outgoing import RewriterSettings


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
