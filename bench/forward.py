"""What forwarding costs: CPU of the media server per packet that a viewer received.

Run: python -m bench.forward [--quick] [--members N]. One judge and five parties, everybody publishes and watches
everybody: VP8 at 1 Mbit/s (123 packets/s of at most 1150 bytes) and Opus (50 packets/s) each, about 5 200 forwarded
packets/s, on loopback. The server is a process of its own on uvloop, with packet cache, repairs, reports, bandwidth
estimate and a recorder attached; the load client is this process, with real ICE, DTLS and SRTP; one received packet
in 64 is opened. CPU is user and system time of the server process from /proc; packets are what the viewers received.

Baselines of the same run, taking turns: the same datagrams sent by a bare Python `sendto` loop, and a room built from
aiortc's MediaRelay (decode once, encode per viewer; one publisher, three viewers).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import sys
import time
from dataclasses import dataclass

import uvloop

from bench import measure
from bench.load import Hearing
from bench.relay import relay_cost

WARM_UP_S = 1.5
RELAY_VIEWERS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """One measured stretch of the hearing."""

    us_per_packet: float
    packets_per_s: float
    core_share: float
    client_share: float
    foreign_cores: float
    lost: int


async def measure_window(hearing: Hearing, length_s: float) -> Window:
    """Let the hearing run for `length_s`."""
    tally, pid = hearing.tally, hearing.server.pid
    began, packets, lost = time.monotonic(), tally.packets, hearing.lost
    server_s, own_s, busy_s = measure.cpu_s(pid), time.process_time(), measure.busy_s()
    await asyncio.sleep(length_s)
    spent_s, own_s = measure.cpu_s(pid) - server_s, time.process_time() - own_s
    received, elapsed_s = tally.packets - packets, time.monotonic() - began
    return Window(
        us_per_packet=spent_s * 1e6 / received,
        packets_per_s=received / elapsed_s,
        core_share=spent_s / elapsed_s,
        client_share=own_s / elapsed_s,
        foreign_cores=max(0.0, (measure.busy_s() - busy_s - spent_s - own_s) / elapsed_s),
        lost=hearing.lost - lost,
    )


async def sendto_cost(members: int, length_s: float) -> float:
    """CPU microseconds per datagram of the bare loop; a socket that nobody reads takes them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        port = str(sink.getsockname()[1])
        arguments = ["--members", str(members), "--seconds", str(length_s), "--port", port]
        loop = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.sendto_loop", *arguments, stdout=asyncio.subprocess.PIPE
        )
        sent, _ = await asyncio.wait_for(loop.communicate(), length_s + 30)
    result = json.loads(sent)
    return float(result["cpu_s"] * 1e6 / result["packets"])


async def run(members: int, *, rounds: int, length_s: float) -> dict[str, measure.Figure]:
    """All rounds; prints each, returns the figures by median."""
    windows: list[Window] = []
    bare: list[float] = []
    resident_mb = 0.0
    for number in range(rounds):
        hearing = Hearing(members)
        try:
            await hearing.begin()
            await asyncio.sleep(WARM_UP_S)
            window = await measure_window(hearing, length_s)
            resident_mb = measure.resident_mb(hearing.server.pid)
            stats = await hearing.server.ask("stats")
        finally:
            last = await hearing.end()
        _check(hearing, stats, last)
        windows.append(window)
        bare.append(await sendto_cost(members, length_s))
        print(
            f"round {number + 1}/{rounds}: {window.us_per_packet:.2f} us per packet, "
            f"{window.packets_per_s:.0f} packets/s, server {window.core_share:.1%} of a core, lost {window.lost}; "
            f"client {window.client_share:.1%}, others {window.foreign_cores:.2f} cores; sendto {bare[-1]:.2f} us",
            flush=True,
        )
    relay_us, relay_rate = await relay_cost(RELAY_VIEWERS, length_s)
    print(f"MediaRelay: {relay_us:.0f} us per packet at {relay_rate:.0f} packets/s", flush=True)
    values = [window.us_per_packet for window in windows]
    print(f"server: {measure.spread(values)} us per packet; {resident_mb:.0f} MB resident", flush=True)
    unit, middle = "CPU us per forwarded packet", statistics.median(values)
    return {
        "forward_cpu": measure.figure(middle, unit, "bare Python sendto loop", statistics.median(bare)),
        "forward_cpu_vs_relay": measure.figure(middle, unit, "aiortc MediaRelay room", relay_us),
    }


def _check(hearing: Hearing, stats: dict[str, int], last: dict[str, int]) -> None:
    """A figure counts only if everything really worked."""
    tally = hearing.tally
    if tally.bad or not tally.verified:
        raise SystemExit(f"{tally.bad} packets could not be opened, {tally.verified} could")
    if stats["failed"] > 0.001 * stats["forwarded"]:
        raise SystemExit(f"the server failed to send {stats['failed']} packets")
    if last["recorded"] < 0.98 * tally.sent:
        raise SystemExit(f"recorded {last['recorded']} of {tally.sent} packets")


def main() -> int:
    """Print progress, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 45 s")
    parser.add_argument("--members", type=int, default=6)
    wanted = parser.parse_args()
    rounds, length_s = (2, 4.0) if wanted.quick else (5, 10.0)
    measure.print_result("forward", uvloop.run(run(wanted.members, rounds=rounds, length_s=length_s)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
