"""When the rooms' clocks step: often while something is going on, rarely while all is well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from signaling.rooms.pulse import Pulse

LONG_S = 60.0  # a rest that no test waits for


class Steps:
    """Counts steps; `answers` of the next ones, then False."""

    def __init__(self, pulse: Pulse, answers: list[bool | Exception]) -> None:
        self.pulse, self.answers, self.count = pulse, answers, 0
        self.came = asyncio.Event()

    def __call__(self) -> bool:
        self.count += 1
        self.came.set()
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def next(self) -> int:
        self.came.clear()
        await asyncio.wait_for(self.came.wait(), 10)
        return self.count


@asynccontextmanager
async def pulse(*answers: bool | Exception) -> AsyncIterator[Steps]:
    made = Pulse(step_s=0.002, rest_s=LONG_S)
    steps = Steps(made, list(answers))
    made.start(steps)
    try:
        yield steps
    finally:
        made.stop()


async def test_pulse__while_something_goes_on__steps_follow_each_other_and_then_it_rests() -> None:
    async with pulse(True, True) as steps:
        for number in (1, 2, 3):
            assert await steps.next() == number
        await asyncio.sleep(0.05)
        assert steps.count == 3


async def test_pulse__woken_from_its_rest__steps_once_however_often_it_was_woken() -> None:
    async with pulse() as steps:
        assert await steps.next() == 1
        for _ in range(3):
            steps.pulse.wake()
        assert await steps.next() == 2
        await asyncio.sleep(0.05)
        assert steps.count == 2


async def test_pulse__woken_by_its_own_step__does_not_rest_afterwards() -> None:
    async with pulse() as steps:
        answer, waker = steps.__call__, steps.pulse

        def step() -> bool:
            if steps.count == 0:
                waker.wake()
            return answer()

        waker.stop()
        waker.start(step)
        assert await steps.next() == 1
        assert await steps.next() == 2


async def test_pulse__a_step_that_fails__is_logged_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with pulse(RuntimeError("one room")) as steps:
        assert await steps.next() == 1
        assert await steps.next() == 2
    assert "a step of the clock failed" in caplog.text


async def test_pulse__when_stopped__then_nothing_wakes_it() -> None:
    async with pulse(True) as steps:
        assert await steps.next() == 1
        steps.pulse.stop()
        steps.pulse.wake()
        await asyncio.sleep(0.05)
        assert steps.count == 1
