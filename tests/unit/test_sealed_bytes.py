"""Bytes at rest in chunks: every way to change them is noticed, every range can be read."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.adapters.sealed_bytes import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    DamagedBytes,
    Opener,
    opened_size,
    seal,
    sealed_size,
)

KEY = bytes(range(32))
CONTEXT = b"cases/c1/ab/abcd"
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7)


def sealed(data: bytes, *, context: bytes = CONTEXT, key: bytes = KEY) -> bytes:
    return b"".join(seal([data], key, context=context))


def opened(at_rest: bytes, *, context: bytes = CONTEXT, key: bytes = KEY) -> bytes:
    opener = Opener(at_rest[:HEADER_BYTES], key, context=context, sealed_bytes=len(at_rest))
    body = at_rest[HEADER_BYTES:]
    return b"".join(
        opener.open(number, body[at : at + SEALED_CHUNK_BYTES])
        for number, at in enumerate(range(0, len(body), SEALED_CHUNK_BYTES))
    )


@pytest.mark.parametrize("size", SIZES)
def test_bytes__sealed_and_opened__are_the_same_and_their_size_is_known(size: int) -> None:
    data = secrets.token_bytes(size)
    at_rest = sealed(data)
    assert opened(at_rest) == data
    assert len(at_rest) == sealed_size(size)
    assert opened_size(len(at_rest)) == size
    assert size < 16 or data[:16] not in at_rest


@given(st.binary(max_size=300), st.data())
def test_one_bit__changed_anywhere__is_noticed(data: bytes, draw: st.DataObject) -> None:
    at_rest = bytearray(sealed(data))
    at = draw.draw(st.integers(0, len(at_rest) * 8 - 1))
    at_rest[at // 8] ^= 1 << at % 8
    with pytest.raises(DamagedBytes):
        opened(bytes(at_rest))


@pytest.mark.parametrize("size", [2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
def test_chunks__cut_off_at_their_border_or_swapped__are_noticed(size: int) -> None:
    at_rest = sealed(secrets.token_bytes(size))
    with pytest.raises(DamagedBytes):
        opened(at_rest[: HEADER_BYTES + SEALED_CHUNK_BYTES])
    body = at_rest[HEADER_BYTES:]
    swapped = body[SEALED_CHUNK_BYTES : 2 * SEALED_CHUNK_BYTES] + body[:SEALED_CHUNK_BYTES]
    with pytest.raises(DamagedBytes) as caught:
        opened(at_rest[:HEADER_BYTES] + swapped + body[2 * SEALED_CHUNK_BYTES :])
    assert caught.value.chunk == 0


def test_another_case_or_key__asked_to_open__is_refused_before_a_byte() -> None:
    at_rest = sealed(b"evidence")
    for context, key in ((b"cases/c2/ab/abcd", KEY), (CONTEXT, bytes(32))):
        with pytest.raises(DamagedBytes) as caught:
            opened(at_rest, context=context, key=key)
        assert caught.value.chunk is None


def test_same_bytes__sealed_twice__look_different() -> None:
    assert sealed(b"evidence" * 10)[8:] != sealed(b"evidence" * 10)[8:]
