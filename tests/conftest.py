"""What every folder of tests shares: the --slow flag, and a second try for what runs in real time.

Fixtures live in the sub-folders' own conftest.py.
"""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a property: speed is the benches' business.
settings.register_profile("court", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("court")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow (minutes each)")


# Media and people in real time: a machine that stands still for a second fails them through no fault of the code. The
# summary names every second try (RERUN); one that shows up again and again is a bug.
REAL_TIME = ("tests/media/", "tests/flows/", "tests/sockets/", "tests/rest/", "tests/recorder/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow: give --slow to run it")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
