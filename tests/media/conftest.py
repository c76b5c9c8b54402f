"""Both ways through the server for the tests that ask for `path`: the forwarding thread, and the pure Python step."""

import pytest

from tests.media import robots
from tests.native_library import library


@pytest.fixture
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """ "native" or "pure", see `robots.both_paths`."""
    chosen = str(request.param)
    if chosen == "native":
        library()
    monkeypatch.setitem(robots.DEFAULTS, "native", chosen == "native")
    return chosen
