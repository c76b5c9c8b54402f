"""VP8 payload descriptors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.vp8 import Vp8Descriptor, keyframe_size, parse_descriptor, rewrite_descriptor


@st.composite
def descriptors(draw: st.DrawFn) -> tuple[bytes, dict[str, object]]:
    """A well-formed payload and what must be read from it."""
    extended = draw(st.booleans())
    start, key, droppable = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    partition = 0 if start else draw(st.integers(0, 7))
    first = (0x80 if extended else 0) | (0x20 if droppable else 0) | (0x10 if start else 0) | partition
    out = bytearray([first])
    expected: dict[str, object] = {
        "starts_frame": start,
        "is_keyframe": start and key,
        "is_droppable": droppable,
        "picture_id": -1,
        "picture_id_bits": 0,
        "tl0_index": -1,
        "temporal_id": 0,
        "is_sync": False,
    }
    if extended:
        bits = draw(st.sampled_from([0, 7, 15]))
        has_tl0, has_tid, has_key_index = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
        flags = (
            (0x80 if bits else 0)
            | (0x40 if has_tl0 else 0)
            | (0x20 if has_tid else 0)
            | (0x10 if has_key_index else 0)
        )
        out.append(flags)
        if bits:
            picture = draw(st.integers(0, (1 << bits) - 1))
            out += (picture | 0x8000).to_bytes(2, "big") if bits == 15 else bytes([picture])
            expected |= {"picture_id": picture, "picture_id_bits": bits}
        if has_tl0:
            out.append(draw(st.integers(0, 255)))
            expected["tl0_index"] = out[-1]
        if has_tid or has_key_index:
            temporal, sync = draw(st.integers(0, 3)), draw(st.booleans())
            out.append(temporal << 6 | (0x20 if sync else 0) | draw(st.integers(0, 31)))
            if has_tid:
                expected |= {"temporal_id": temporal, "is_sync": sync}
    expected["size_bytes"] = len(out)
    out.append(0x00 if key else 0x01)
    return bytes(out) + draw(st.binary(min_size=1, max_size=20)), expected


@given(descriptors())
def test_parse_descriptor__every_shape__is_read(case: tuple[bytes, dict[str, object]]) -> None:
    payload, expected = case
    parsed = parse_descriptor(payload)
    assert parsed is not None
    assert {name: getattr(parsed, name) for name in expected} == expected


@given(descriptors(), st.integers(-70_000, 70_000), st.integers(-600, 600))
def test_rewrite_descriptor__new_numbers__only_these_change(
    case: tuple[bytes, dict[str, object]], picture: int, tl0: int
) -> None:
    payload, _ = case
    before = parse_descriptor(payload)
    assert before is not None
    rewritten = rewrite_descriptor(payload, before, picture, tl0)
    after = parse_descriptor(rewritten)
    assert after is not None
    wanted = before._replace(
        picture_id=picture & (1 << before.picture_id_bits) - 1 if before.picture_id_bits else -1,
        tl0_index=tl0 & 0xFF if before.tl0_at >= 0 else -1,
    )
    assert after == wanted
    assert rewritten[before.size_bytes :] == payload[before.size_bytes :]
    back = rewrite_descriptor(rewritten, after, max(before.picture_id, 0), max(before.tl0_index, 0))
    assert back == payload


@given(st.binary(max_size=8))
def test_parse_descriptor__any_bytes__none_or_something_behind_it(payload: bytes) -> None:
    parsed = parse_descriptor(payload)
    assert parsed is None or parsed.size_bytes < len(payload)


def test_keyframe_size__first_packet_of_a_key_frame__gives_pixels() -> None:
    frame = (
        b"\x10"
        + b"\x50\x02\x00"
        + b"\x9d\x01\x2a"
        + (1280 | 0x4000).to_bytes(2, "little")
        + (720).to_bytes(2, "little")
    )
    parsed = parse_descriptor(frame)
    assert isinstance(parsed, Vp8Descriptor)
    assert keyframe_size(frame, parsed) == (1280, 720)
    assert keyframe_size(frame[:-1], parsed) is None
    assert keyframe_size(frame.replace(b"\x9d", b"\x9e"), parsed) is None
    assert keyframe_size(frame, parsed._replace(is_keyframe=False)) is None
