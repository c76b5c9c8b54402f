"""How soon the judge's screen says that the record is not what the hearing is.

Run: python -m bench.alarms [--quick].

A real court in a process of its own, one party who speaks with a face, two recorders. Three faults, again and again:
nothing is written any more (the first recorder's volume hangs and the second recorder stands still), one of the two
recorders stands still, and a line that the room passes on does not reach the journal. The clock runs from the fault to
the view on the judge's socket. Told is the longest of all rounds, beside what is promised.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.court import Court
from bench.measure import Figure, figure, print_result, spread
from hearing_server.robots.seat import Seat

ROUNDS, QUICK_ROUNDS = 5, 1
STALL_S, CONTENT_S = 3.0, 15.0  # what is promised
PATIENCE_S = 60.0
# The watcher wants pieces that are well before it believes in one that is not.
CALM_S = 7.0

Fault = Callable[[bool], None]
Seen = Callable[[dict[str, Any]], bool]


async def measure(folder: str, rounds: int) -> dict[str, Figure]:
    """All figures."""
    court = await Court.start(folder, program="bench.faulty_court")
    seat: Seat | None = None
    try:
        await court.seat_party()
        seat = Seat(court.judge, court.hearing_id, decode=False)
        await seat.connect()
        await seat.report("present")
        await seat.take()
        await court.judge.post(f"/hearings/{court.hearing_id}/open")
        await seat.until(lambda view: _is_well(view), timeout_s=PATIENCE_S)
        server, second = court.process.pid, _second_of(court.process.pid)

        def stand_still(is_on: bool) -> None:
            os.kill(second, signal.SIGSTOP if is_on else signal.SIGCONT)

        def write_nothing(is_on: bool) -> None:
            os.kill(server, signal.SIGUSR2)
            stand_still(is_on)

        def lose_pictures(_: bool) -> None:
            os.kill(server, signal.SIGUSR1)

        faults: dict[str, tuple[Fault, Seen, float]] = {
            "stall_alarm_s": (write_nothing, lambda view: view["recording"]["state"] != "writing", STALL_S),
            "one_recorder_alarm_s": (stand_still, lambda view: bool(view["recording"]["alarm"]), STALL_S),
            "content_alarm_s": (lose_pictures, lambda view: bool(_open_failures(view)), CONTENT_S),
        }
        return {name: await _longest(name, seat, rounds, *fault) for name, fault in faults.items()}
    finally:
        if seat is not None:
            await seat.close()
        await court.stop()


async def _longest(
    name: str, seat: Seat, rounds: int, fault: Fault, is_seen: Seen, promised_s: float
) -> Figure:
    found = []
    for turn in range(rounds):
        print(f"{name}, {turn + 1}/{rounds}", flush=True)
        await asyncio.sleep(CALM_S if name == "content_alarm_s" else turn % 5 * 0.1)
        began_s = time.monotonic()
        fault(True)
        try:
            await seat.until(is_seen, timeout_s=PATIENCE_S)
            found.append(time.monotonic() - began_s)
        finally:
            fault(False)
        await seat.until(_is_well, timeout_s=PATIENCE_S)
    print(f"{name}: {spread(found)}", flush=True)
    return figure(max(found), "s, the longest", "promised, s", promised_s)


def _is_well(view: dict[str, Any]) -> bool:
    light = view["recording"]
    return (
        light["state"] == "writing"
        and not light["alarm"]
        and light["recorders"]["writing"] == 2
        and not _open_failures(view)
    )


def _open_failures(view: dict[str, Any]) -> list[dict[str, Any]]:
    """Of content: a stall that lasts is told as a failure as well."""
    return [one for one in view["failures"] if one["ended_at"] is None and one["source"]]


def _second_of(parent: int) -> int:
    """The second recorder's process of a court."""
    for place in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            command = (place / "cmdline").read_bytes()
            before = (place / "stat").read_text().rpartition(")")[2].split()
            if b"recorder.second.second_process" in command and int(before[1]) == parent:
                return int(place.name)
    raise SystemExit("the court has no second recorder")


def main() -> int:
    """Print progress, then all figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each fault once")
    rounds = QUICK_ROUNDS if parser.parse_args().quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        print_result("alarms", asyncio.run(measure(folder, rounds)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
