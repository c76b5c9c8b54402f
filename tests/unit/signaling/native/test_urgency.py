"""The forwarding thread goes before other work, as far as the system allows, and nothing else of the process does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from signaling.native.plane import Urgency
from tests.unit.signaling.native.threads import threads

BETTER_NICE = -11


def _thread(name: str) -> int:
    for folder in Path("/proc/self/task").iterdir():
        if (folder / "comm").read_text().strip() == name:
            return int(folder.name)
    raise LookupError(name)


def _seen(thread: int) -> Urgency:
    # The flag says that children do not inherit it.
    if os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR:
        return Urgency.REAL_TIME
    return Urgency.NICE if os.getpriority(os.PRIO_PROCESS, thread) == BETTER_NICE else Urgency.NONE


def test_thread__when_urgent__then_it_is_what_it_says_and_no_other_thread_is() -> None:
    with threads() as native:
        plane = native.plane(urgent=True)
        until = time.monotonic() + 10
        while plane.urgency() is Urgency.NONE and _seen(_thread("media")) is Urgency.NONE:
            if time.monotonic() > until:
                break  # a system that allows nothing: the thread says so
            time.sleep(0.01)
        time.sleep(0.05)  # between the system's answer and the thread's own note of it
        assert plane.urgency() is _seen(_thread("media"))
        assert _seen(threading.get_native_id()) is Urgency.NONE
        child = "import os; print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))"
        said = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
        assert said.stdout.split() == ["0", str(os.getpriority(os.PRIO_PROCESS, 0))]


def test_thread__when_not_urgent__then_it_is_like_all_others() -> None:
    with threads() as native:
        plane = native.plane(urgent=False)
        assert plane.urgency() is Urgency.NONE
        assert _seen(_thread("media")) is Urgency.NONE


def test_orders__when_the_urgent_thread_is_busy__then_they_still_get_in() -> None:
    """Python's orders wait for the lock that the thread takes again and again."""
    with threads() as native:
        plane = native.plane(urgent=True)
        took = []
        for _ in range(200):
            begin = time.perf_counter()
            plane.facts()
            took.append(time.perf_counter() - begin)
        assert sorted(took)[150] < 0.05
