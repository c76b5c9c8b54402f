"""Header extensions in both forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp import extensions
from signaling.rtp.header import RtpHeader, parse_header
from tests.unit.rtp.streams import rtp


def read(block: bytes) -> tuple[bytes, RtpHeader]:
    packet = rtp(sequence=1, extension=block, payload=b"payload")
    parsed = parse_header(packet)
    assert parsed is not None
    return packet, parsed


def one_byte(*elements: tuple[int, bytes], pad: int = 0) -> bytes:
    body = bytes(pad) + b"".join(bytes([i << 4 | len(v) - 1]) + v for i, v in elements)
    body += bytes(-len(body) % 4)
    return b"\xbe\xde" + (len(body) // 4).to_bytes(2, "big") + body


def two_byte(*elements: tuple[int, bytes]) -> bytes:
    body = b"".join(bytes([i, len(v)]) + v for i, v in elements)
    body += bytes(-len(body) % 4)
    return b"\x10\x05" + (len(body) // 4).to_bytes(2, "big") + body


ELEMENTS = ((1, b"m0"), (3, b"\xa3"), (4, b"\x01\x02\x03"), (5, b"\xff\xfe"), (10, b"hi"))


@pytest.mark.parametrize("block", [one_byte(*ELEMENTS), one_byte(*ELEMENTS, pad=3), two_byte(*ELEMENTS)])
def test_reading__both_forms__every_element_is_found(block: bytes) -> None:
    packet, parsed = read(block)
    assert extensions.text(packet, parsed, 1) == "m0"
    assert extensions.text(packet, parsed, 10) == "hi"
    assert extensions.audio_level(packet, parsed, 3) == 0x23  # the voice flag is not loudness
    assert extensions.abs_send_time(packet, parsed, 4) == 0x010203
    assert extensions.transport_sequence(packet, parsed, 5) == 0xFFFE


def test_reading__absent_or_not_negotiated__says_so() -> None:
    packet, parsed = read(one_byte((1, b"m")))
    assert extensions.find(packet, parsed, 0) is None
    assert extensions.find(packet, parsed, 7) is None
    assert extensions.audio_level(packet, parsed, 7) == -1
    assert extensions.abs_send_time(packet, parsed, 1) == -1
    assert extensions.text(packet, parsed, 7) is None


def test_text__bytes_that_are_no_name__is_none() -> None:
    packet, parsed = read(one_byte((1, b"\xc3\xa9"), (2, b"a\x00b")))
    assert extensions.text(packet, parsed, 1) is None
    assert extensions.text(packet, parsed, 2) is None


def test_find__element_cut_off_by_the_end_of_the_block__is_none() -> None:
    packet, parsed = read(b"\xbe\xde\x00\x01\x3f\x00\x00\x00")
    assert extensions.find(packet, parsed, 3) is None
    packet, parsed = read(b"\x10\x00\x00\x01\x03\x09\x00\x00")
    assert extensions.find(packet, parsed, 3) is None


@given(
    st.binary(max_size=40),
    st.integers(1, 14),
    st.sampled_from([b"\xbe\xde", b"\x10\x00", b"\x10\x0f", b"\x00\x00"]),
)
def test_find__any_content__never_raises(content: bytes, extension_id: int, profile: bytes) -> None:
    content += bytes(-len(content) % 4)
    packet, parsed = read(profile + (len(content) // 4).to_bytes(2, "big") + content)
    value = extensions.find(packet, parsed, extension_id)
    assert value is None or len(value) <= len(content)


@pytest.mark.parametrize("mid", ["", "0", "12", "abc", "audio-4711"])
@pytest.mark.parametrize("time_id", [0, 3])
@pytest.mark.parametrize("is_wide", [False, True])
def test_build_block__any_combination__reads_back_with_time_and_number(
    mid: str, time_id: int, is_wide: bool
) -> None:
    block = extensions.build_block(
        mid_id=9 if mid else 0, mid=mid, abs_send_time_id=time_id, has_wide_sequence=is_wide
    )
    if not block:
        assert (mid, time_id, is_wide) == ("", 0, False)
        return
    block += extensions.abs_send_time_bytes(1000.0) if time_id else b""
    block += extensions.WIDE_ELEMENT[:-2] + b"\x12\x34" if is_wide else b""
    packet, parsed = read(block)
    assert packet[parsed.payload_start : parsed.payload_end] == b"payload"
    assert extensions.transport_sequence(packet, parsed, extensions.WIDE_ID) == (0x1234 if is_wide else -1)
    assert extensions.text(packet, parsed, 9) == (mid or None)
    assert extensions.abs_send_time(packet, parsed, 3) == (0x40000 if time_id else -1)


@pytest.mark.parametrize(
    "arguments", [{"mid_id": 15, "mid": "a"}, {"mid_id": 1, "mid": ""}, {"abs_send_time_id": 16}]
)
def test_build_block__impossible_ids__are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs an id"):
        extensions.build_block(**arguments)  # type: ignore[arg-type]


def test_extension_ids__from_uris__unknown_ones_are_left_out() -> None:
    ids = extensions.ExtensionIds.from_uris(
        {extensions.MID_URI: 4, extensions.AUDIO_LEVEL_URI: 1, "urn:x": 9}
    )
    assert ids == extensions.ExtensionIds(mid=4, audio_level=1)
