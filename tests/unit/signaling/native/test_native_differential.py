"""The C arithmetic gives what the Python gives, byte for byte, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.rtp import extensions
from signaling.rtp.header import parse_header
from signaling.rtp.red import primary_block
from tests.native_library import library
from tests.unit.rtp.streams import rtp
from tests.unit.signaling.native.worlds import World

SEEDS = st.integers(0, (1 << 32) - 1)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_native__any_world__equals_python(seed: int) -> None:
    World(library(), seed).run(80)


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_native__a_long_world__equals_python_beyond_every_memory(seed: int) -> None:
    world = World(library(), seed)
    world.moods = 0.9
    world.run(500)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(seed=SEEDS)
def test_native__many_worlds__equal_python(seed: int) -> None:
    World(library(), seed).run(80)


ELEMENTS = st.lists(
    st.one_of(
        st.just(b"\0"),
        st.tuples(st.integers(0, 15), st.binary(min_size=1, max_size=16)).map(
            lambda e: bytes([e[0] << 4 | len(e[1]) - 1]) + e[1]
        ),
        st.tuples(st.integers(0, 20), st.binary(max_size=20)).map(lambda e: bytes([e[0], len(e[1])]) + e[1]),
        st.binary(max_size=4),
    ),
    max_size=8,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    elements=ELEMENTS,
    profile=st.sampled_from([0xBEDE, 0x1000, 0x100F, 0x1010, 0]),
    wanted=st.integers(0, 20),
    cut=st.integers(0, 12),
)
def test_extension__any_block__is_found_alike(elements: bytes, profile: int, wanted: int, cut: int) -> None:
    native = library()
    elements += bytes(-len(elements) % 4)
    block = profile.to_bytes(2, "big") + (len(elements) // 4).to_bytes(2, "big") + elements
    packet = rtp(sequence=1, extension=block, payload=b"12345678")
    packet = packet[: len(packet) - cut]
    header = parse_header(packet)
    expected = extensions.find(packet, header, wanted) if header else None
    length = native.ffi.new("int *")
    plain = native.ffi.from_buffer("uint8_t[]", packet)
    found = native.lib.packet_extension(plain, len(packet), wanted, length)
    assert (None if found == native.ffi.NULL else bytes(native.ffi.buffer(found, length[0]))) == expected


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60), st.lists(st.sampled_from([0x80, 0, 1, 0x6F, 0xEF]), max_size=60).map(bytes)
    )
)
def test_redundancy__any_payload__gives_the_same_primary(payload: bytes) -> None:
    native = library()
    block = primary_block(payload)
    start = native.lib.red_primary(native.ffi.from_buffer("uint8_t[]", payload), len(payload))
    assert (None if start < 0 else payload[start:]) == (block[1] if block else None)
