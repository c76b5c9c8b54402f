"""Rules of these tests: results count, not speed; what has a twin in C is run on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import settings

from signaling.native.twin import NativeCache, NativeRewriter
from tests.native_library import library
from tests.unit.rtp.caches import caching
from tests.unit.rtp.viewer import making

# The machine that runs them may be busy.
settings.register_profile("rtp", deadline=None)
settings.load_profile("rtp")

ON_BOTH_SIDES = ("test_rtp_rewriter", "test_rtp_cache")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2].startswith(ON_BOTH_SIDES):
        metafunc.parametrize("side", ["python", "native"], indirect=True)


@pytest.fixture(autouse=True)
def side(request: pytest.FixtureRequest) -> Iterator[None]:
    """Which side `new_rewriter` and `new_cache` give during one test."""
    if getattr(request, "param", "python") == "python":
        yield
        return
    native = library()
    rewriters = making.set(partial(NativeRewriter, native=native))
    caches = caching.set(partial(NativeCache, native=native))
    yield
    making.reset(rewriters)
    caching.reset(caches)
