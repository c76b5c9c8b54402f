"""What the recorder's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recorder.film.film import VIDEO_OPTIONS

# What films show and hold is the same at any effort of the encoder; these hold the encoder itself to its real one.
REAL_EFFORT = ("test_film", "test_compose_command", "test_film_kills")


@pytest.fixture(scope="module", autouse=True)
def _hasty_encoder(request: pytest.FixtureRequest) -> Iterator[None]:
    """Films of the other tests are encoded in half the time."""
    with pytest.MonkeyPatch.context() as patched:
        if request.path.stem not in REAL_EFFORT:
            patched.setitem(VIDEO_OPTIONS, "preset", "ultrafast")
        yield
