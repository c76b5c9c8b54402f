"""The C arithmetic gives what the Python gives, byte for byte, whatever happens."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.native.twin import NativeFeedback
from signaling.rtp import extensions
from signaling.rtp.arrivals import FeedbackWriter
from signaling.rtp.header import parse_header
from signaling.rtp.red import primary_block, repeats
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
@pytest.mark.timeout(1800)
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


@settings(max_examples=300, deadline=None)
@given(
    payload=st.one_of(
        st.binary(max_size=60), st.lists(st.sampled_from([0x80, 0, 0, 1, 2]), max_size=60).map(bytes)
    )
)
def test_redundancy__any_payload__repeats_as_many(payload: bytes) -> None:
    native = library()
    assert native.lib.red_repeats(native.ffi.from_buffer("uint8_t[]", payload), len(payload)) == repeats(
        payload
    )


# How a sender's numbers and the moments of their arrival move from one packet to the next: a steady stream, losses,
# repeats and disorder, leaps of a sender that starts anew; an even clock, bursts, pauses longer than two bytes tell.
NUMBER_STEPS = (1, 1, 1, 1, 1, 2, 5, 0, -1, -3, -40, 30, 500, 0x3FFF, 0x4000, 0x4001, -0x4000, 0x8000)
TIME_STEPS_NS = (0, 100_000, 250_000, 5_000_000, 20_000_000, 70_000_000, 700_000_000, 9_000_000_000)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, calm=st.sampled_from([0.0, 0.5, 0.9, 0.99]), most=st.sampled_from([1, 5, 40, 3000]))
def test_feedback__any_arrivals__is_the_same_to_the_byte(seed: int, calm: float, most: int) -> None:
    rng = random.Random(seed)
    ours, theirs = FeedbackWriter(), NativeFeedback(library())
    number, now_ns = rng.randrange(1 << 16), rng.randrange(1 << 45)
    for _ in range(12):
        arrivals = []
        for _ in range(rng.randrange(most + 1)):
            number = number + (1 if rng.random() < calm else rng.choice(NUMBER_STEPS)) & 0xFFFF
            now_ns += 8_000_000 if rng.random() < calm else rng.choice(TIME_STEPS_NS)
            arrivals.append((number, now_ns))
        assert theirs.write(arrivals, 0xA1B2C3D4, 77) == ours.write(arrivals, 0xA1B2C3D4, 77)
