"""The density measurement really measures: its shortest form, on the path that needs no compiler."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_density_bench__when_run_quickly__then_a_full_room_costs_less_when_only_what_is_watched_is_sent() -> (
    None
):
    answer = subprocess.run(
        [sys.executable, "-m", "bench.density", "--quick", "--pure"],
        check=True,
        capture_output=True,
        text=True,
        timeout=170,
    )
    last = json.loads(answer.stdout.splitlines()[-1])
    assert last["name"] == "density"
    figures = last["figures"]
    assert figures["rooms_per_core"]["value"] >= 1
    assert figures["full_room_last_n"]["ratio"] < 1
    assert figures["full_room_watched"]["ratio"] < figures["full_room_last_n"]["ratio"]
    assert figures["full_room_unrecorded"]["ratio"] < 0.5
