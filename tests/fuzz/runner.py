"""Runs a target over many seeded inputs and makes every failure repeatable.

Inputs come in episodes: each begins with fresh state and a random source of its own, so that a failure is repeated
by its seed and episode alone, without the hundred thousand inputs before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.fuzz.mutator import Mutate

EPISODE: Final = 100  # inputs that share state
# One input that takes this much computing, three times in a row, is an attack by itself. Not by the wall clock: other
# work on the machine is nobody's fault.
SLOW_NS: Final = 50_000_000
SLOW_TRIES: Final = 3

Check = Callable[
    [bytes], object
]  # true when the input was understood, so that a run can say how deep it went


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads what strangers send. `fresh` makes its state anew; the check raises on any misbehaviour."""

    name: str
    fresh: Callable[[], Check]
    mutate: Mutate
    corpus: str  # where a failing input is added
    stored: Sequence[bytes]  # fed first, one by one, as they are
    inputs: int  # in CI
    least_understood: float = 0.0  # share of inputs that must get through, or the target tests the door only


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run did."""

    inputs: int
    understood: int
    elapsed_s: float
    slowest_ms: float


class Broken(AssertionError):
    """A target misbehaved; the message says how to see it again."""

    def __init__(self, target: str, seed: int, episode: int, number: int, data: bytes, why: str) -> None:
        self.data, self.why = data, why
        super().__init__(
            f"{target}: {why}\n  input {number} of episode {episode}, seed {seed}: {data.hex()}\n"
            f"  again: python -m tests.fuzz {target} --seed {seed} --episode {episode}"
            f"   alone: python -m tests.fuzz {target} --replay {data.hex()}"
        )


def run(target: Target, inputs: int, seed: int, first_episode: int = 0) -> Tally:
    """Feed the stored inputs, then `inputs` mutated ones. Raises Broken at the first misbehaviour."""
    began = time.perf_counter()
    understood, slowest_ns, fed = 0, 0, 0
    if first_episode == 0:
        for number, data in enumerate(target.stored):
            understood += bool(_feed(target, target.fresh(), data, (seed, -1, number)))
            fed += 1
    for episode in range(first_episode, first_episode + -(-inputs // EPISODE)):
        passed, longest_ns = _episode(target, seed, episode)
        understood += passed
        fed += EPISODE
        if longest_ns > SLOW_NS:
            longest_ns = min(longest_ns, *(_episode(target, seed, episode)[1] for _ in range(SLOW_TRIES - 1)))
            if longest_ns > SLOW_NS:
                data = slowest_input(target, seed, episode)
                raise Broken(target.name, seed, episode, -1, data, f"took {longest_ns / 1e6:.0f} ms")
        slowest_ns = max(slowest_ns, longest_ns)
    return Tally(fed, understood, time.perf_counter() - began, slowest_ns / 1e6)


def _source(target: Target, seed: int, episode: int) -> Random:
    return Random(f"{seed}/{target.name}/{episode}")


def _feed(target: Target, check: Check, data: bytes, place: tuple[int, int, int]) -> object:
    try:
        return check(data)
    except Exception as error:
        raise Broken(target.name, *place, data, f"{type(error).__name__}: {error}") from error


def _episode(target: Target, seed: int, episode: int) -> tuple[int, int]:
    """(inputs understood, longest time of one in ns)."""
    chance, check, mutate = _source(target, seed, episode), target.fresh(), target.mutate
    clock = time.thread_time_ns
    understood = longest_ns = 0
    for number in range(EPISODE):
        data = mutate(chance)
        before_ns = clock()
        if _feed(target, check, data, (seed, episode, number)):
            understood += 1
        longest_ns = max(longest_ns, clock() - before_ns)
    return understood, longest_ns


def slowest_input(target: Target, seed: int, episode: int) -> bytes:
    """The input of an episode that took longest."""
    chance, check = _source(target, seed, episode), target.fresh()
    timed: list[tuple[int, bytes]] = []
    for _ in range(EPISODE):
        data = target.mutate(chance)
        before_ns = time.thread_time_ns()
        check(data)
        timed.append((time.thread_time_ns() - before_ns, data))
    return max(timed)[1]
