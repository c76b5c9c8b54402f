"""The C arithmetic gives what the Python gives, byte for byte, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.native import build
from signaling.native.build import Native
from tests.unit.signaling.native.worlds import World

SEEDS = st.integers(0, (1 << 32) - 1)


def library() -> Native:
    native = build.load()
    if native is None:
        pytest.skip(f"no native library: {build.why_not()}")
    return native


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_native__any_world__equals_python(seed: int) -> None:
    World(library(), seed).run(80)
