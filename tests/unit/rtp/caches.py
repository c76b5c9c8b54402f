"""A packet cache of the Python or the C side, as the running test was asked."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from signaling.native.twin import NativeCache
from signaling.rtp.cache import PacketCache

AnyCache = PacketCache | NativeCache
caching: ContextVar[Callable[[int], AnyCache]] = ContextVar("caching", default=PacketCache)


def new_cache(capacity: int) -> AnyCache:
    """What conftest.py runs the tests on."""
    return caching.get()(capacity)
