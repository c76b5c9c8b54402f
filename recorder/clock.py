"""The one hearing clock: nanoseconds since the recording began, and their UTC.

Monotonic time rules. The wall clock is read at the start of each run (one process writing) and only then;
later steps of the wall clock are noted and move nothing. Between runs on the same boot the monotonic clock
goes on; after a reboot it begins again, and the wall clock bridges.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

NS_PER_S = 1_000_000_000
BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")  # Linux, proc(5): changes at every boot


class MachineClocks(Protocol):
    """The clocks of the machine. Tests put a wall clock behind it that jumps."""

    def monotonic_ns(self) -> int:
        """As time.monotonic_ns(): the clock of every `at_ns`."""

    def utc_ns(self) -> int:
        """The wall clock, ns since 1970."""

    def boot_id(self) -> str:
        """The same string as long as the monotonic clock goes on; empty when unknown."""


class SystemClocks:
    """The real clocks."""

    def monotonic_ns(self) -> int:
        """As time.monotonic_ns()."""
        return time.monotonic_ns()

    def utc_ns(self) -> int:
        """As time.time_ns()."""
        return time.time_ns()

    def boot_id(self) -> str:
        """The kernel's boot id; empty where there is none, so that the wall clock bridges."""
        try:
            return BOOT_ID_PATH.read_text(encoding="ascii").strip()
        except OSError:
            return ""


@dataclass(frozen=True, slots=True)
class ClockRun:
    """One process writing: at `monotonic_ns` the wall clock said `utc_ns`, the hearing clock `elapsed_ns`."""

    run: int
    boot_id: str
    monotonic_ns: int
    utc_ns: int
    elapsed_ns: int


@dataclass(frozen=True, slots=True)
class ClockStep:
    """At `elapsed_ns` the wall clock jumped by `step_ns` (positive = forward); the hearing clock did not."""

    elapsed_ns: int
    step_ns: int


@dataclass(frozen=True, slots=True)
class HearingClock:
    """Maps (run, monotonic ns) to ns since the recording began, and those to UTC."""

    runs: tuple[ClockRun, ...]

    def elapsed_ns(self, run: int, at_ns: int) -> int:
        """Hearing clock of a record's `at_ns` written by `run`. KeyError for an unknown run."""
        for known in self.runs:
            if known.run == run:
                return known.elapsed_ns + at_ns - known.monotonic_ns
        raise KeyError(run)

    def utc_ns(self, elapsed_ns: int) -> int:
        """UTC in ns since 1970 at a point of the hearing clock."""
        index = bisect_right(self.runs, elapsed_ns, key=lambda run: run.elapsed_ns) - 1
        known = self.runs[max(index, 0)]
        return known.utc_ns + elapsed_ns - known.elapsed_ns

    def utc(self, elapsed_ns: int) -> datetime:
        """The same as an aware datetime, cut to microseconds."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.utc_ns(elapsed_ns) // 1000)


def next_run(
    before: ClockRun | None, last_elapsed_ns: int, *, run: int, boot_id: str, monotonic_ns: int, utc_ns: int
) -> ClockRun:
    """Place a run on the hearing clock; never before `last_elapsed_ns`, where the run before it ended."""
    if before is None:
        return ClockRun(run, boot_id, monotonic_ns, utc_ns, 0)
    if before.boot_id == boot_id and boot_id:
        elapsed_ns = before.elapsed_ns + monotonic_ns - before.monotonic_ns
    else:
        elapsed_ns = before.elapsed_ns + utc_ns - before.utc_ns
    return ClockRun(run, boot_id, monotonic_ns, utc_ns, max(elapsed_ns, last_elapsed_ns))
