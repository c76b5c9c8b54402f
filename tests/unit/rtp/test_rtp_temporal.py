"""How the bits of a VP8 stream lie over its temporal layers."""

from __future__ import annotations

import pytest

from signaling.rtp.temporal import LEAST_SAMPLES, TemporalMeter
from tests.unit.rtp.streams import rtp, vp8_payload


def measured(pattern: list[tuple[int, int]], frames: int = 2000) -> TemporalMeter:
    """Feed frames of (temporal layer, packets) again and again, as the stream does."""
    meter, sequence = TemporalMeter(), 0
    for frame in range(frames):
        temporal, packets = pattern[frame % len(pattern)]
        for _ in range(packets):
            sequence += 1
            if meter.is_sampled(sequence):
                payload = vp8_payload(
                    start=False, key=False, picture_id=1, tl0_index=1, temporal=temporal, body=bytes(500)
                )
                meter.packet(rtp(sequence=sequence & 0xFFFF, payload=payload))
    return meter


def test_shares__three_layers__are_found_from_a_sample() -> None:
    shares = measured([(0, 4), (2, 2), (1, 2), (2, 2)]).shares
    assert shares == pytest.approx((0.4, 0.6, 1.0), abs=0.1)
    assert shares[-1] == 1.0


def test_shares__layers_without_a_middle_one__still_add_up() -> None:
    assert measured([(0, 2), (2, 2)]).shares == pytest.approx((0.5, 0.5, 1.0), abs=0.1)


def test_shares__one_layer_or_too_few_packets__are_the_whole() -> None:
    assert measured([(0, 3)]).shares == (1.0,)
    assert measured([(0, 1), (1, 1)], frames=LEAST_SAMPLES).shares == (1.0,)


def test_packet__not_vp8__is_left_out() -> None:
    meter = TemporalMeter()
    for _ in range(100):
        meter.packet(b"short")
        meter.packet(rtp(sequence=1, payload=b""))
    assert meter.shares == (1.0,)
