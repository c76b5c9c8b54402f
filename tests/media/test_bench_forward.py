"""The forwarding measurement really measures: its shortest form, with every peer that this machine can run."""

import asyncio
import json
import socket
import struct
import subprocess
import sys

import pytest

from bench.compiled import why_not as why_no_compiler
from bench.counter import Counter
from bench.janus import why_not as why_no_janus
from bench.member import Heard, Member, Tally
from bench.namespace import why_not as why_no_namespace
from signaling.native.build import load as load_native


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_forward_bench__when_run_quickly__then_its_last_line_holds_every_ratio() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "bench.forward", "--quick", "--members", "3"],
        check=True,
        capture_output=True,
        text=True,
        timeout=140,
    )
    last = json.loads(answer.stdout.splitlines()[-1])
    assert last["name"] == "forward"
    assert {"forward_cpu", "forward_cpu_vs_relay"} <= set(last["figures"])
    for missing, figure in (
        (why_no_compiler(), "forward_cpu_vs_floor"),
        (why_no_janus() or why_no_namespace(), "forward_cpu_vs_janus"),
        (None if load_native() else "not built", "forward_cpu_native_vs_floor"),
    ):
        assert (figure in last["figures"]) == (missing is None), f"{figure}: {missing}"
    for figure in last["figures"].values():
        assert set(figure) == {"value", "unit", "baseline", "baseline_value", "ratio"}
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["baseline_value"], rel=0.01)
    assert last["figures"]["forward_cpu_vs_relay"]["ratio"] < 0.5, "forwarding must be far from transcoding"


@pytest.mark.skipif(why_no_compiler() is not None, reason="no C compiler")
async def test_counter__when_packets_come__then_counted_by_stream_and_everything_else_passed_on() -> None:
    tally = Tally()
    member = Member(0, tally)
    member.heard = {7: Heard(), 8: Heard()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = member.watching.bind("127.0.0.1")
        passed: list[bytes] = []
        member.watching.take = passed.append  # type: ignore[method-assign, assignment]
        counter = Counter(tally)
        counter.take(member)
        numbers = [65_530, 65_531, 65_535, 0, 1, 65_534]
        for number in numbers:
            server.sendto(struct.pack("!BBHII", 0x80, 96, number, 0, 7) + bytes(100), ("127.0.0.1", port))
        server.sendto(struct.pack("!BBHII", 0x80, 111, 5, 0, 9) + bytes(10), ("127.0.0.1", port))
        server.sendto(b"\x80\xc8report that is no media", ("127.0.0.1", port))
        async with asyncio.timeout(10):
            while not passed:  # noqa: ASYNC110 - what is waited for comes through the loop itself
                await asyncio.sleep(0.01)
        counter.close()
    assert tally.packets == 7, "a stream nobody named still counts as received"
    assert (member.heard[7].packets, member.heard[7].lost) == (6, 2)
    assert member.heard[8].packets == 0
    assert passed == [b"\x80\xc8report that is no media"]
    await member.close()
