"""One measured stretch of a hearing: what the server spent, what the viewers got, how long packets stayed inside."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from bench import measure
from bench.load import Hearing, Load
from signaling.rtp.histogram import Spread

# Beyond this the client itself may be what is slow: the figure of the server still holds, its residence may not.
CLIENT_LIMIT = 0.85
NOTHING = Spread()


@dataclass(frozen=True, slots=True)
class Window:
    """One measured stretch. `stayed` is empty for servers that do not tell."""

    us_per_packet: float
    packets_per_s: float
    core_share: float
    client_share: float
    foreign_cores: float
    resident_mb: float
    lost: int
    stayed: Spread = NOTHING
    threads: tuple[tuple[str, float], ...] = ()  # (name, us per packet), the dearest first

    def words(self) -> str:
        """For the lines above the last one."""
        parts = [
            f"{self.us_per_packet:.2f} us per packet, {self.packets_per_s:.0f} packets/s, "
            f"{self.core_share:.1%} of a core, {self.resident_mb:.0f} MB, lost {self.lost}; "
            f"client {self.client_share:.1%}, others {self.foreign_cores:.2f} cores"
        ]
        if self.stayed.total:
            found = (self.stayed.quantile_ms(share) for share in (0.5, 0.99, 0.999))
            middle, high, highest = (f"{value:.2f}" for value in found if value is not None)
            parts.append(
                f"residence p50/p99/p99.9 {middle}/{high}/{highest} ms of {self.stayed.total} packets"
            )
        if len(self.threads) > 1:
            parts.append("threads " + ", ".join(f"{name} {us:.2f}" for name, us in self.threads[:4]))
        if self.client_share > CLIENT_LIMIT:
            parts.append("THE CLIENT IS FULL")
        return "; ".join(parts)


async def measure_window(load: Load, length_s: float) -> Window:
    """Let the hearing run for `length_s`."""
    tally, pid = load.tally, load.pid
    stayed = await _stayed(load)
    load.sync()
    began, packets, lost = time.monotonic(), tally.packets, load.lost
    before = measure.thread_cpu_s(pid)
    server_s, own_s, busy_s = measure.cpu_s(pid), time.process_time(), measure.busy_s()
    await asyncio.sleep(length_s)
    spent_s, own_s = measure.cpu_s(pid) - server_s, time.process_time() - own_s
    load.sync()
    received, elapsed_s = tally.packets - packets, time.monotonic() - began
    busy_s = measure.busy_s() - busy_s
    threads = _spent(before, measure.thread_cpu_s(pid), pid, max(1, received))
    return Window(
        us_per_packet=spent_s * 1e6 / max(1, received),
        packets_per_s=received / elapsed_s,
        core_share=spent_s / elapsed_s,
        client_share=own_s / elapsed_s,
        foreign_cores=max(0.0, (busy_s - spent_s - own_s) / elapsed_s),
        resident_mb=measure.resident_mb(pid),
        lost=load.lost - lost,
        stayed=(await _stayed(load)).since(stayed),
        threads=threads,
    )


def _spent(
    before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]], pid: int, packets: int
) -> tuple[tuple[str, float], ...]:
    found = []
    for thread, (name, total_s) in after.items():
        us = (total_s - before.get(thread, (name, 0.0))[1]) * 1e6 / packets
        if us > 0:
            found.append(("main" if thread == pid else name, us))
    return tuple(sorted(found, key=lambda each: -each[1]))


async def _stayed(load: Load) -> Spread:
    if not isinstance(load, Hearing):
        return Spread()
    stats = await load.server.ask("stats")
    return Spread(tuple(stats["stayed"]), stats["stayed_ns"])


def check(load: Load, window: Window, last: dict[str, Any], *, is_strict: bool = True) -> None:
    """A figure counts only if everything really worked. Raises SystemExit, but for packets that a machine full of other
    work lost where it is loaded on purpose (not `is_strict`): those are named."""
    tally = load.tally
    if tally.bad or not tally.verified:
        raise SystemExit(f"{tally.bad} packets could not be opened ({tally.refusal}), {tally.verified} could")
    if window.lost > 0.01 * window.packets_per_s:
        print(f"note: {window.lost} packets were lost on the way", flush=True)
    if "recorded" in last and last["recorded"] < 0.98 * tally.sent:
        words = f"recorded {last['recorded']} of {tally.sent} packets"
        if is_strict:
            raise SystemExit(words)
        print(f"note: {words}", flush=True)
    if "recorded_bytes" in last and not last["recorded_bytes"]:
        raise SystemExit("the peer recorded nothing")
