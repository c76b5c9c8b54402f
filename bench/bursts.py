"""`python -m bench.bursts [--members 6] [--rounds 8]`: does sending equal packets in one system call pay?

The native server with bursts (UDP_SEGMENT) and without, in turns, each a fresh process under the load of
`bench.forward`; what counts is the CPU time of the forwarding thread alone per packet that a viewer got. Browsers cut a
picture into packets whose sizes differ by one byte at most, the load client by three once a picture: the gain here is
the smaller one. The ratio is by pairs, so that a machine with other work tells something, too.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics

from bench.forward import one_window
from bench.load import Hearing

MODES = {"bursts": (), "single": ("--single",)}
THREAD = "media"


async def thread_us(members: int, mode: str, length_s: float) -> float:
    """Microseconds of the forwarding thread per packet."""
    window = await one_window(lambda: Hearing(members, arguments=MODES[mode]), length_s, is_strict=False)
    return dict(window.threads).get(THREAD, 0.0)


async def run(members: int, rounds: int, length_s: float) -> list[tuple[float, float]]:
    """(bursts, single) of every round; which goes first changes."""
    pairs = []
    for number in range(rounds):
        names = list(MODES) if number % 2 == 0 else list(reversed(MODES))
        found = {name: await thread_us(members, name, length_s) for name in names}
        pairs.append((found["bursts"], found["single"]))
        print(
            f"round {number + 1}/{rounds}: bursts {found['bursts']:.2f} us, single {found['single']:.2f} us",
            flush=True,
        )
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args()
    pairs = asyncio.run(run(options.members, options.rounds, options.seconds))
    bursts, single = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    print(
        f"{options.members} members: bursts {bursts:.2f} us, single {single:.2f} us per packet, ratio {ratio:.2f}"
    )


if __name__ == "__main__":
    main()
