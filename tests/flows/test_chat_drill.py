"""Seeded faults against two servers with shared case spaces; `python -m bench.chat_drill --seed N` plays one again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.chat_drill import CASES, run
from tests.chosen_database import ChosenDatabase


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[ChosenDatabase]:
    found = ChosenDatabase()
    found.dialect = request.param
    yield found
    found.drop()


async def test_case_spaces__a_hundred_seeds_of_faults__keep_every_promise(database: ChosenDatabase) -> None:
    # The first fifty on one database, the others on the other: all seeds on both are the long run's.
    first = 0 if database.dialect == "sqlite" else 50
    tally = await run(database.url, rounds=range(first // CASES, first // CASES + 50 // CASES))
    assert tally.problems == []
    assert (tally.seeds, tally.acks) == (50, 50 * 8)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
async def test_case_spaces__ten_thousand_seeds_of_faults__keep_every_promise(
    database: ChosenDatabase,
) -> None:
    for first in range(0, 10_000 // CASES, 100):
        # A fresh world now and then: lanes of thousands of messages are another test's matter.
        tally = await run(database.url, rounds=range(first, first + 100))
        database.drop()
        assert tally.problems == []
