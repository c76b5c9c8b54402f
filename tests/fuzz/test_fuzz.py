"""A million hostile inputs: nothing but the declared errors comes out, no answer grows, no single input is slow."""

import os
import time
from random import Random

import pytest

from tests.fuzz import native_targets
from tests.fuzz.mutator import MAX_BYTES, byte_mutator, line_mutator
from tests.fuzz.runner import EPISODE, Broken, Check, Target, run
from tests.fuzz.targets import TARGETS

SEED = int(os.environ.get("FUZZ_SEED", "1"))  # the same inputs every time, unless somebody asks for others
CI_INPUTS = 1_000_000


@pytest.mark.parametrize("name", TARGETS)
def test_target__when_fed_hostile_inputs__then_only_the_declared_comes_out(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = TARGETS[name]
    tally = run(target, target.inputs, SEED)
    with capsys.disabled():
        print(
            f"\n{name}: {tally.inputs} inputs, {tally.understood} understood, {tally.elapsed_s:.1f} s, "
            f"slowest {tally.slowest_ms:.1f} ms ",
            end="",
        )
    assert tally.understood >= target.least_understood * tally.inputs, "the inputs do not get behind the door"


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_target__when_fed_fresh_inputs_for_long__then_only_the_declared_comes_out(name: str) -> None:
    seed = int(time.time())
    assert run(TARGETS[name], 10 * TARGETS[name].inputs, seed).inputs > 0


def test_targets__when_counted__then_ci_feeds_a_million_without_the_native_twin() -> None:
    pure = [each for each in TARGETS.values() if each not in native_targets.TARGETS]
    assert sum(each.inputs for each in pure) >= CI_INPUTS


# The fuzzer itself: it must find what is planted, and find it again.


def planted(check: Check) -> Target:
    return Target("planted", lambda: check, byte_mutator([b"harmless words"]), "planted", [], 0)


def test_run__when_a_target_raises__then_the_failure_names_input_seed_and_episode_and_repeats() -> None:
    def check(data: bytes) -> bool:
        if b"\xff\xff" in data:
            raise IndexError("planted")
        return True

    with pytest.raises(Broken) as first:
        run(planted(check), 50_000, seed=5)
    text = str(first.value)
    assert b"\xff\xff" in first.value.data
    assert first.value.data.hex() in text
    episode = int(text.partition("of episode ")[2].partition(",")[0])
    with pytest.raises(Broken) as again:
        run(planted(check), EPISODE, seed=5, first_episode=episode)
    assert again.value.data == first.value.data


def test_run__when_one_input_takes_long_every_time__then_it_is_a_failure() -> None:
    def check(data: bytes) -> bool:
        if data.startswith(b"\x00\x00"):
            until_ns = time.thread_time_ns() + 60_000_000
            while time.thread_time_ns() < until_ns:
                pass
        return True

    with pytest.raises(Broken, match="took"):
        run(planted(check), 20_000, seed=5)


def test_mutators__when_seeded_alike__then_they_make_the_same_inputs_and_never_too_long_ones() -> None:
    seeds = [bytes(range(256)) * 8, b"", b"short"]
    for mutate in (byte_mutator(seeds, [b"token"]), line_mutator(["a=1\nb=2\nc=3", "x"])):
        first = [mutate(chance) for chance in [Random(3)] for _ in range(500)]
        again = [mutate(chance) for chance in [Random(3)] for _ in range(500)]
        assert first == again
        assert len(set(first)) > 30
    assert max(len(byte_mutator(seeds)(chance)) for chance in [Random(4)] for _ in range(2000)) <= MAX_BYTES
