"""What every folder of tests shares: the --slow flag. Fixtures live in the sub-folders' own conftest.py."""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a property: speed is the benches' business.
settings.register_profile("court", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("court")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow (minutes each)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow: give --slow to run it")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
