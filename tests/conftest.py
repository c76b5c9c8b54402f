"""What every folder of tests shares: --slow, --database, and a second try for what runs in real time.

Fixtures live in the sub-folders' own conftest.py.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.chosen_database import chosen

# A busy machine must not fail a property: speed is the benches' business.
settings.register_profile("court", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("court")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow (minutes each)")
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what whole courts keep their data in; storage tests always run on both",
    )


def pytest_configure(config: pytest.Config) -> None:
    chosen.dialect = config.getoption("--database")


@pytest.fixture(autouse=True)
def _dropped_databases() -> Iterator[None]:
    yield
    chosen.drop()


# Media and people in real time: a machine that stands still for a second fails them through no fault of the code. The
# summary names every second try (RERUN); one that shows up again and again is a bug.
REAL_TIME = ("tests/media/", "tests/flows/", "tests/sockets/", "tests/rest/", "tests/recorder/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if chosen.dialect != "sqlite":
        files = pytest.mark.skip(reason="about SQLite's file")
        for item in items:
            if "sqlite_file" in item.keywords:
                item.add_marker(files)
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow: give --slow to run it")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
