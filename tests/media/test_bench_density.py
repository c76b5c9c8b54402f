"""The density measurement really measures, in its shortest form."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from bench.density import FULL_CORE, LIMIT_MS, NO_ROOM, Window, carried


def _window(rooms: int, *, p99_ms: float = LIMIT_MS, core_share: float = FULL_CORE) -> Window:
    return replace(NO_ROOM, rooms=rooms, out_per_s=5190.0 * rooms, p99_ms=p99_ms, core_share=core_share)


def test_carried__then_it_is_the_last_window_within_both_limits() -> None:
    assert carried([_window(1), _window(2), _window(4, p99_ms=LIMIT_MS + 0.1)]).rooms == 2
    assert carried([_window(1), _window(2, core_share=FULL_CORE + 0.01)]).rooms == 1


def test_carried__when_one_room_is_too_many__then_nothing() -> None:
    found = carried([_window(1, p99_ms=9.4)])
    assert (found.rooms, found.out_per_s) == (0, 0.0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_density_bench__when_run_quickly__then_a_full_room_costs_less_when_only_what_is_watched_is_sent() -> (
    None
):
    answer = subprocess.run(
        [sys.executable, "-m", "bench.density", "--quick"],
        check=True,
        capture_output=True,
        text=True,
        timeout=290,
    )
    last = json.loads(answer.stdout.splitlines()[-1])
    assert last["name"] == "density"
    figures = last["figures"]
    assert figures["rooms_per_core"]["value"] >= 1
    # CPU and even packets are noise where other tests run beside; a fifth of the bits is far from all of them.
    assert figures["full_room_bits"]["ratio"] < 0.6
    # The pure path may carry nothing within the limits; everything else has something to be compared with.
    of_pure = {"rooms_per_core", "forwarded_per_s"}
    assert all(figure["baseline_value"] > 0 for name, figure in figures.items() if name not in of_pure)
