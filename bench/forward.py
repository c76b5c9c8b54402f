"""What forwarding costs: CPU of the media server per packet that a viewer received, ours beside its peers'.

Run: python -m bench.forward [--quick] [--members N] [--busy] [--half-load]. One judge and five parties, everybody
publishes and watches everybody: VP8 at 1 Mbit/s (123 packets/s of at most 1150 bytes) and Opus (50 packets/s) each,
about 5 200 forwarded packets/s. Servers take turns in every round, each a fresh process under the same load client
(this process: real ICE, DTLS, SRTP and reports; one received packet in 64 is opened):

- ours, the pure Python path and the native thread, on uvloop, with packet cache, repairs, reports, bandwidth estimate
  and a recorder;
- Janus with its VideoRoom, repairs and recording on (`apt-get install janus`; needs root for its network namespace),
  as it comes and with `event_loops = 1`;
- the floor: a bare C loop that protects and sends the same packets; and a bare Python `sendto` loop;
- once at the end a room built from aiortc's MediaRelay (decode once, encode per viewer; one publisher, three viewers).

Publishers number their packets transport-wide, so every server also reports on each packet's arrival; viewers send
receiver reports and REMB.

All run in one network namespace on one veth address; packets cross the namespace's loopback device, so the kernel's
share is the same for all. Loopback charges the sender with the receiver's half of the kernel's path. CPU is user and
system time of the server process with all its threads from /proc; packets are what the viewers received. What is
missing here (Janus, a compiler, rights) is named and left out.

Residence is the time from the kernel's arrival stamp to the last viewer's send, of our server, at this load, at half
the load one core would carry (`--half-load`, in full runs by itself), and while a Python thread of the same process
computes all the time (`--busy`).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import uvloop

from bench import compiled, janus, measure, namespace
from bench.load import Hearing, Load
from bench.loops import floor_cost, sendto_cost
from bench.relay import relay_cost
from bench.window import Window, check, measure_window
from signaling.native.build import load as load_native

WARM_UP_S = 1.5
RELAY_VIEWERS = 3
HALF = 0.5
UNIT = "CPU us per forwarded packet"
GOAL_HALF_MS, GOAL_BUSY_MS = 2.0, 3.0
# As the package comes (a thread for every connection), and with all connections on one thread: rarer wake-ups, the
# setting its manual names for many connections, and here the cheaper one by far. Both, so that nobody has to guess.
JANUS = {"janus": 0, "janus_one_loop": 1}
PATHS = {"pure": "--pure", "native": "--native"}


@dataclass(slots=True)
class Results:
    """What the rounds gave, by server."""

    windows: dict[str, list[Window]] = field(default_factory=dict)
    floor_us: list[float] = field(default_factory=list)
    sendto_us: list[float] = field(default_factory=list)
    relay_us: float = 0.0
    half: dict[str, Window] = field(default_factory=dict)
    busy: dict[str, Window] = field(default_factory=dict)

    def us(self, name: str) -> float:
        """Median of a server, 0 when it did not run."""
        found = [window.us_per_packet for window in self.windows.get(name, [])]
        return statistics.median(found) if found else 0.0


async def one_window(
    make: Callable[[], Load], length_s: float, *, is_busy: bool = False, is_strict: bool = True
) -> Window:
    """A fresh server under load for `length_s`, checked afterwards."""
    load = make()
    try:
        await load.begin()
        load.count_in_c()
        await asyncio.sleep(WARM_UP_S)
        if is_busy and isinstance(load, Hearing):
            await load.server.ask("busy")
            await asyncio.sleep(WARM_UP_S)
        window = await measure_window(load, length_s)
        if is_busy and isinstance(load, Hearing):
            await load.server.ask("calm")
    finally:
        last = await load.end()
    check(load, window, last, is_strict=is_strict and not is_busy)
    return window


def contestants(members: int, address: str) -> dict[str, Callable[[], Load]]:
    """Who takes part here; who does not is named with the reason."""

    def ours(path: str) -> Callable[[], Load]:
        return lambda: Hearing(members, arguments=("--address", address, path))

    found: dict[str, Callable[[], Load]] = {"pure": ours(PATHS["pure"])}
    if load_native() is not None:
        found["native"] = ours(PATHS["native"])
    else:
        print("native: not built (python -m signaling.native.build)", flush=True)
    reason = janus.why_not() or ("no address but loopback" if address == namespace.LOOPBACK else None)
    if reason is None:
        for name, loops in JANUS.items():
            found[name] = lambda loops=loops: janus.JanusHearing(members, address=address, event_loops=loops)  # type: ignore[misc]
    else:
        print(f"janus: left out, {reason}", flush=True)
    return found


async def run(options: argparse.Namespace, address: str) -> dict[str, measure.Figure]:
    """All rounds; prints each, returns the figures by median."""
    rounds, length_s = (1, 3.0) if options.quick else (5, 10.0)
    servers, results = contestants(options.members, address), Results()
    for number in range(rounds):
        names = list(servers)
        for name in names if number % 2 == 0 else reversed(names):
            window = await one_window(servers[name], length_s)
            results.windows.setdefault(name, []).append(window)
            print(f"round {number + 1}/{rounds} {name}: {window.words()}", flush=True)
        if compiled.why_not() is None:
            results.floor_us.append(await floor_cost(options.members, length_s, address))
        results.sendto_us.append(await sendto_cost(options.members, length_s))
        bare = f"{results.floor_us[-1]:.2f}" if results.floor_us else compiled.why_not()
        print(
            f"round {number + 1}/{rounds} floor: {bare} us, sendto {results.sendto_us[-1]:.2f} us", flush=True
        )
    results.relay_us, relay_rate = await relay_cost(RELAY_VIEWERS, length_s)
    print(f"MediaRelay: {results.relay_us:.0f} us per packet at {relay_rate:.0f} packets/s", flush=True)
    if options.half_load if options.half_load is not None else not options.quick:
        await half_load(options, address, results, length_s)
    if options.busy:
        for name in [each for each in servers if each in PATHS]:
            window = results.busy[name] = await one_window(servers[name], length_s, is_busy=True)
            print(f"busy thread, {name}: {window.words()}", flush=True)
    say_ratios(results)
    return figures(results, servers)


async def half_load(options: argparse.Namespace, address: str, results: Results, length_s: float) -> None:
    """As many hearings at once as half a core carries by the figures above."""
    for name, path in PATHS.items():
        if name not in results.windows:
            continue
        per_room = statistics.median(window.packets_per_s for window in results.windows[name])
        rooms = options.rooms or max(1, round(HALF * 1e6 / results.us(name) / per_room))
        arguments = ("--address", address, path)

        def make(rooms: int = rooms, arguments: tuple[str, ...] = arguments) -> Load:
            return Hearing(options.members, rooms=rooms, arguments=arguments)

        try:
            window = await one_window(make, length_s, is_strict=False)
        except TimeoutError as error:
            print(f"half load, {name}, {rooms} hearings: not reached, {error}", flush=True)
            continue
        results.half[name] = window
        print(f"half load, {name}, {rooms} hearings: {window.words()}", flush=True)


def figures(results: Results, servers: dict[str, Callable[[], Load]]) -> dict[str, measure.Figure]:
    """Each with its peer of the same run; the ratios are what counts on a noisy machine."""
    for name in servers:
        spread = measure.spread([window.us_per_packet for window in results.windows[name]])
        print(f"{name}: {spread} us per packet", flush=True)
    bare = statistics.median(results.floor_us) if results.floor_us else 0.0
    pure, native = results.us("pure"), results.us("native")
    python_loop = statistics.median(results.sendto_us)
    found = {
        "forward_cpu": measure.figure(pure, UNIT, "bare Python sendto loop", python_loop),
        "forward_cpu_vs_relay": measure.figure(pure, UNIT, "aiortc MediaRelay room", results.relay_us),
    }
    peers = [
        ("janus", "Janus VideoRoom", results.us("janus")),
        ("janus_one_loop", "Janus VideoRoom, one event loop", results.us("janus_one_loop")),
        ("floor", "bare C loop, protect and send", bare),
    ]
    for name, ours in (("forward_cpu", pure), ("forward_cpu_native", native)):
        for peer, words, theirs in peers:
            if ours and theirs:
                found[f"{name}_vs_{peer}"] = measure.figure(ours, UNIT, words, theirs)
    return found | residences(results)


def residences(results: Results) -> dict[str, measure.Figure]:
    """How long packets stayed, against what was promised."""
    found = {}
    for name, windows, share, goal_ms in (
        ("residence_half_load_p999", results.half, 0.999, GOAL_HALF_MS),
        ("residence_busy_p99", results.busy, 0.99, GOAL_BUSY_MS),
    ):
        for path, window in windows.items():
            value_ms = window.stayed.quantile_ms(share)
            if value_ms is not None:
                found[f"{name}_{path}"] = measure.figure(value_ms, "ms in the server", "goal", goal_ms)
    return found


def say_ratios(results: Results) -> None:
    """Of each round by itself, because what else the machine did changed from round to round."""
    for ours in PATHS:
        for peer in JANUS:
            pairs = zip(results.windows.get(ours, []), results.windows.get(peer, []), strict=False)
            ratios = [mine.us_per_packet / theirs.us_per_packet for mine, theirs in pairs]
            if ratios:
                print(f"{ours} / {peer}, round by round: {measure.spread(ratios)}", flush=True)
        costs = [window.us_per_packet for window in results.windows.get(ours, [])]
        ratios = [mine / least for mine, least in zip(costs, results.floor_us, strict=False)]
        if ratios:
            print(f"{ours} / floor, round by round: {measure.spread(ratios)}", flush=True)


def main() -> int:
    """Print progress, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round, within a minute")
    parser.add_argument("--members", type=int, default=6)
    parser.add_argument("--busy", action="store_true", help="also with a busy Python thread in our process")
    parser.add_argument("--half-load", action=argparse.BooleanOptionalAction, help="default: in full runs")
    parser.add_argument(
        "--rooms", type=int, default=0, help="hearings at half load; 0: from the measured cost"
    )
    options = parser.parse_args()
    address = namespace.enter()
    measure.print_result("forward", uvloop.run(run(options, address)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
