"""Recent packets, and RTX coming in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.cache import HISTORY_MS, unwrap_rtx
from signaling.rtp.header import parse_header
from signaling.rtp.packet import FLAG_EMPTY, FLAG_KEYFRAME, MediaPacket
from tests.unit.rtp.caches import AnyCache, new_cache
from tests.unit.rtp.streams import rtp


def media(
    sequence: int, *, flags: int = 0, timestamp: int = 0, marker: int = 0, at_ms: float = 0.0
) -> MediaPacket:
    return MediaPacket(
        1, sequence, timestamp, marker, 0, 0, 0, -1, -1, b"x", 0, b"", b"\0\0\0", flags, at_ms, -1
    )


def test_put__duplicate_or_too_old__is_refused() -> None:
    cache = new_cache(8)
    assert cache.put(media(100))
    assert not cache.put(media(100))
    assert cache.put(media(105))
    assert cache.put(media(101))
    assert not cache.put(media(97))


@given(st.lists(st.integers(1000, 1200), max_size=150), st.sampled_from([4, 16, 64]))
def test_get__any_order_of_arrival__agrees_with_a_plain_dictionary(order: list[int], capacity: int) -> None:
    cache = new_cache(capacity)
    model: dict[int, MediaPacket] = {}
    for sequence in order:
        packet = media(sequence)
        newest = max(model, default=-1)
        fresh = sequence not in model and sequence > newest - capacity
        assert cache.put(packet) == fresh
        if fresh:
            model[sequence] = packet
        newest = max(model)
        for number in range(newest - capacity + 1, newest + 1):
            assert cache.get(number) == model.get(number)
        assert cache.get(newest - capacity) is None
        assert cache.get(newest + 1) is None


def test_get__older_than_the_history__is_not_handed_out() -> None:
    cache = new_cache(8)
    cache.put(media(5, at_ms=100.0))
    assert cache.get(5, 100.0 + HISTORY_MS) is not None
    assert cache.get(5, 101.0 + HISTORY_MS) is None


def test_capacity__not_a_power_of_two__is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        new_cache(100)


def filled(*, missing: tuple[int, ...] = ()) -> AnyCache:
    """100..119: a key frame of three packets starts at 110."""
    cache = new_cache(64)
    for sequence in range(100, 120):
        if sequence not in missing:
            key = 110 <= sequence <= 112
            cache.put(
                media(
                    sequence,
                    flags=FLAG_KEYFRAME if sequence == 110 else 0,
                    timestamp=7 if key else sequence,
                    marker=0x80 if sequence == 112 or not key else 0,
                )
            )
    return cache


def test_since_keyframe__recent__gives_it_and_all_behind_it_in_order() -> None:
    assert [packet.sequence for packet in filled().since_keyframe()] == list(range(110, 120))


def test_since_keyframe__further_back_than_allowed__is_empty() -> None:
    assert filled().since_keyframe(max_packets=10) != []
    assert filled().since_keyframe(max_packets=9) == []


@pytest.mark.parametrize("missing", [110, 111, 112])
def test_since_keyframe__key_frame_not_whole__is_empty(missing: int) -> None:
    assert filled(missing=(missing,)).since_keyframe() == []


def test_since_keyframe__later_hole__is_left_to_repair() -> None:
    assert [p.sequence for p in filled(missing=(115,)).since_keyframe()] == [
        110,
        111,
        112,
        113,
        114,
        116,
        117,
        118,
        119,
    ]


def test_since_keyframe__padding_in_between__is_left_out() -> None:
    cache = filled()
    cache.put(media(120, flags=FLAG_EMPTY))
    assert cache.since_keyframe()[-1].sequence == 119


def test_since_keyframe__key_frame_displaced_or_cleared__is_empty() -> None:
    cache = new_cache(4)
    cache.put(media(1, flags=FLAG_KEYFRAME))
    for sequence in range(2, 8):
        cache.put(media(sequence))
    assert cache.since_keyframe() == []
    cache = filled()
    cache.clear()
    assert cache.since_keyframe() == []
    assert cache.get(119) is None


@given(st.binary(max_size=60), st.integers(0, 0xFFFF), st.booleans(), st.sampled_from([0, 4, 9]))
def test_unwrap_rtx__wrapped_original__comes_back_whole(
    payload: bytes, original: int, marker: bool, padding: int
) -> None:
    extension = b"\xbe\xde\x00\x01\x10\x31\x00\x00"
    packet = rtp(
        sequence=99,
        timestamp=1234,
        ssrc=2,
        payload_type=97,
        payload=original.to_bytes(2, "big") + payload,
        marker=marker,
        extension=extension,
        padding=padding,
    )
    parsed = parse_header(packet)
    assert parsed is not None
    restored = unwrap_rtx(packet, parsed, ssrc=1, payload_type=96)
    assert restored == rtp(
        sequence=original, timestamp=1234, ssrc=1, payload=payload, marker=marker, extension=extension
    )


@pytest.mark.parametrize("payload", [b"", b"\x01"])
def test_unwrap_rtx__probing_padding__is_none(payload: bytes) -> None:
    packet = rtp(sequence=1, payload=payload, padding=200)
    parsed = parse_header(packet)
    assert parsed is not None
    assert unwrap_rtx(packet, parsed, ssrc=1, payload_type=96) is None
