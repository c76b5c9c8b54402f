"""What all measurements share: CPU of another process, medians over runs, and the last line."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Figure = dict[str, float | str]


def cpu_s(pid: int) -> float:
    """User and system seconds of a process with all its threads since it started (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def thread_cpu_s(pid: int) -> dict[int, tuple[str, float]]:
    """Thread id -> (its name, user and system seconds): where in a process the time went."""
    found = {}
    for folder in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue  # ended meanwhile
        fields = rest.split()
        found[int(folder.name)] = name.partition("(")[2], (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def busy_s() -> float:
    """CPU seconds of the whole machine since boot: shows how much other work disturbed a run."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq = (int(field) for field in fields[:7])
    return (user + nice + system + irq + softirq) / _TICKS_PER_S


def spread(values: Sequence[float]) -> str:
    """Median and range, for the lines above the last one."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}..{max(values):.2f}, {len(values)} runs)"


def figure(value: float, unit: str, baseline: str, baseline_value: float) -> Figure:
    """One figure beside its baseline of the same run; ratio = value / baseline, 0 when the baseline is nothing."""
    return {
        "value": round(value, 3),
        "unit": unit,
        "baseline": baseline,
        "baseline_value": round(baseline_value, 3),
        "ratio": round(value / baseline_value, 4) if baseline_value > 0 else 0.0,
    }


def print_result(name: str, figures: Mapping[str, Figure]) -> None:
    """The last line, as outside checks read it."""
    print(json.dumps({"name": name, "figures": dict(figures)}, ensure_ascii=False), flush=True)
