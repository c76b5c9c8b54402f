"""The robots' ladder climbs as the pages' does (web_client/src/media/link_ladder.test.ts)."""

import asyncio

import pytest

from hearing_server.robots import ladder as module
from hearing_server.robots.ladder import LinkLadder, LinkState, Rung, Steps, Unheard
from hearing_server.robots.watching import back_after_s, longest_gap_s

STEP_S = 0.05


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOUBT_S", "ICE_RESTART_S", "FRESH_S", "FIRST_CONNECT_S", "ASK_AGAIN_S"):
        monkeypatch.setattr(module, name, STEP_S)


class Rungs:
    """Steps that write down that they were taken; `answer` is raised by each when set."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answer: Exception | None = None

    async def _take(self, name: str) -> None:
        self.taken.append(name)
        if self.answer is not None:
            raise self.answer

    def steps(self) -> Steps:
        return Steps(
            lambda: self._take("ice"), lambda: self._take("fresh"), lambda: self.taken.append("rejoin")
        )


async def test_ladder__when_nothing_helps__then_it_climbs_to_the_end() -> None:
    rungs = Rungs()
    ladder = LinkLadder(rungs.steps())
    ladder.link_changed(LinkState.CONNECTED)
    ladder.link_changed(LinkState.DISCONNECTED)
    assert ladder.rung is Rung.DOUBTFUL
    await asyncio.sleep(8 * STEP_S)
    assert rungs.taken == ["ice", "fresh", "rejoin"]


async def test_ladder__when_the_hole_closes_by_itself__then_nothing_is_tried() -> None:
    rungs = Rungs()
    ladder = LinkLadder(rungs.steps())
    ladder.link_changed(LinkState.DISCONNECTED)
    ladder.link_changed(LinkState.CONNECTED)
    await asyncio.sleep(4 * STEP_S)
    assert rungs.taken == []


async def test_ladder__while_the_server_hears_nothing__then_nothing_is_built_afresh() -> None:
    rungs = Rungs()
    rungs.answer = Unheard()
    ladder = LinkLadder(rungs.steps())
    ladder.link_changed(LinkState.FAILED)
    await asyncio.sleep(10 * STEP_S)
    assert set(rungs.taken) == {"ice"}
    assert len(rungs.taken) > 2
    ladder.stop()


async def test_ladder__when_the_socket_dies_with_the_network__then_the_question_is_asked_again() -> None:
    rungs = Rungs()
    rungs.answer = Unheard()
    ladder = LinkLadder(rungs.steps())
    ladder.link_changed(LinkState.CONNECTED)
    ladder.network_changed()  # the link still looks well
    await asyncio.sleep(0)
    ladder.signalling_changed(False)
    rungs.answer = None
    ladder.signalling_changed(True)
    await asyncio.sleep(4 * STEP_S)
    assert rungs.taken == ["ice", "ice"]
    assert ladder.rung is Rung.STEADY


def test_back_after__then_the_end_of_the_last_hole_counts() -> None:
    times_s = [0.1 * n for n in range(20)] + [4 + 0.1 * n for n in range(20)]
    assert back_after_s(times_s, 1.0, 6.0) == pytest.approx(3.0)
    assert back_after_s(times_s, 4.5, 6.0) == 0.0
    assert back_after_s(times_s, 4.5, 9.0) is None
    assert back_after_s([], 0.0, 1.0) is None


def test_longest_gap__then_only_what_lies_between_the_moments_counts() -> None:
    times_s = [0.0, 3.0, 3.1, 3.5, 9.0]
    assert longest_gap_s(times_s, 3.05, 4.0) == pytest.approx(0.5)
    assert longest_gap_s(times_s, 1.0, 3.2) == pytest.approx(2.0), (
        "a silence that began before counts from there on"
    )
    assert longest_gap_s(times_s, 3.05, 8.0) == pytest.approx(4.5), "one that lasts counts as well"
    assert longest_gap_s([], 1.0, 2.0) == pytest.approx(1.0)
