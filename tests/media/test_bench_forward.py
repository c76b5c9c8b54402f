"""The forwarding measurement really measures: its shortest form, with everything in it but the relay's long warm-up."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_forward_bench__when_run_quickly__then_its_last_line_holds_both_ratios() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "bench.forward", "--quick", "--members", "3"],
        check=True,
        capture_output=True,
        text=True,
        timeout=80,
    )
    last = json.loads(answer.stdout.splitlines()[-1])
    assert last["name"] == "forward"
    assert set(last["figures"]) == {"forward_cpu", "forward_cpu_vs_relay"}
    for figure in last["figures"].values():
        assert set(figure) == {"value", "unit", "baseline", "baseline_value", "ratio"}
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["baseline_value"], rel=0.01)
    assert last["figures"]["forward_cpu_vs_relay"]["ratio"] < 0.5, "forwarding must be far from transcoding"
