"""Property tests here are about what comes out, not how fast: the machine that runs them may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("rtp", deadline=None)
settings.load_profile("rtp")
