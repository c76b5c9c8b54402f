"""The density measurement really measures, in its shortest form."""

import json
import subprocess
import sys

import pytest


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
    assert all(figure["baseline_value"] > 0 for figure in figures.values())
