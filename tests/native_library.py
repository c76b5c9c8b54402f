"""The native library for tests: built when it is not there, skipped only where no compiler is."""

from __future__ import annotations

import pytest

from signaling.native import build
from signaling.native.build import Native


def library() -> Native:
    """The library of today's sources. Skips the test without a compiler, fails it when the sources do not compile."""
    native = build.load()
    if native is None:
        if build.find() is None and build.compiler() is None:
            pytest.skip(f"no native library: {build.why_not()}")
        build.build()
        build.forget()
        native = build.load()
    assert native is not None, build.why_not()
    return native
