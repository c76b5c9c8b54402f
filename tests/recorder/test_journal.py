"""The journal format: what is written is read, a torn tail is cut, damage in the middle is passed over."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.journal import (
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    Damage,
    Record,
    RecordKind,
    encode_json,
    encode_record,
    read_segment,
    scan,
)

RECORDS = st.lists(
    st.tuples(
        st.integers(1, 14), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=300)
    ),
    max_size=8,
)


@given(RECORDS)
def test_scan__when_records_were_encoded__then_the_same_come_back(
    rows: list[tuple[int, int, int, bytes]],
) -> None:
    data = b"".join(encode_record(kind, track, at_ns, payload) for kind, track, at_ns, payload in rows)
    found = list(scan(data))
    assert all(isinstance(item, Record) for item in found)
    assert [(r.kind, r.track, r.at_ns, r.payload) for r in found if isinstance(r, Record)] == rows


def test_scan__when_the_tail_is_torn_at_any_byte__then_all_before_it_is_read() -> None:
    first = encode_record(RecordKind.PACKET, 1, 10, b"first packet")
    second = encode_json(RecordKind.EVENT, 1, 20, {"event": "muted"})
    last = encode_record(RecordKind.PACKET, 1, 30, b"last packet")
    for kept in range(len(last)):
        items = list(scan(first + second + last[:kept]))
        records = [item for item in items if isinstance(item, Record)]
        assert [record.at_ns for record in records] == [10, 20]
        damage = [item for item in items if isinstance(item, Damage)]
        expected = [Damage(len(first + second), kept, at_tail=True)] if kept else []
        assert damage == expected


def test_scan__when_one_bit_is_flipped__then_one_record_is_lost_and_its_bytes_are_named() -> None:
    rows = [encode_record(RecordKind.PACKET, 1, index, bytes([index]) * 40) for index in range(20)]
    data = bytearray(b"".join(rows))
    size = len(rows[0])
    chance = random.Random(20260101)
    for _ in range(200):
        bit = chance.randrange(len(data) * 8)
        data[bit // 8] ^= 1 << bit % 8
        items = list(scan(bytes(data)))
        hit = bit // 8 // size
        assert [item.at_ns for item in items if isinstance(item, Record)] == [
            n for n in range(20) if n != hit
        ]
        damage = [item for item in items if isinstance(item, Damage)]
        assert damage == [Damage(hit * size, size, at_tail=hit == 19)]
        data[bit // 8] ^= 1 << bit % 8


@given(st.binary(max_size=400))
def test_scan__when_bytes_are_anything__then_it_covers_them_all_and_raises_nothing(data: bytes) -> None:
    covered = 0
    for item in scan(data):
        assert item.offset == covered
        covered += HEADER_BYTES + len(item.payload) if isinstance(item, Record) else item.length
    assert covered == len(data)


def test_encode__when_a_payload_is_too_long__then_it_is_refused() -> None:
    encode_record(RecordKind.PACKET, 1, 1, bytes(MAX_PAYLOAD_BYTES))
    with pytest.raises(ValueError, match="131073"):
        encode_record(RecordKind.PACKET, 1, 1, bytes(MAX_PAYLOAD_BYTES + 1))


def test_read_segment__when_limited__then_it_stops_where_the_segment_was_given_up(tmp_path: Path) -> None:
    rows = [encode_record(RecordKind.HEARTBEAT, 0, index, b"") for index in range(3)]
    path = tmp_path / "00000001.seg"
    path.write_bytes(b"".join(rows))
    assert [record.at_ns for record in read_segment(path)] == [0, 1, 2]
    assert [record.at_ns for record in read_segment(path, valid_bytes=2 * HEADER_BYTES)] == [0, 1]


def test_checksum__when_taken_of_the_standard_check_string__then_it_is_castagnoli() -> None:
    """RFC 3720 B.4 and every CRC catalogue: CRC-32C of "123456789" is E3069283. The header's own bytes come first."""
    from google_crc32c import extend, value

    assert value(b"123456789") == 0xE3069283
    raw = encode_record(RecordKind.HEARTBEAT, 0, 0, b"123456789")
    assert int.from_bytes(raw[20:24], "big") == extend(value(raw[:20]), b"123456789")
