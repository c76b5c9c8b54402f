"""Pieces of the film while the hearing runs: low priority, a bounded share of a core, silent when the room needs it.

Reads one JSON object per line from standard input: {"share": 0…1} sets how much of one core may be used (0: wait),
{"labels": {…}} and {"redactions": {…}} give other names and sealed spans, {"stop": true} or the end of the input ends
it; what is on the shelf stays. Prints {"stage": "begun"} once and {"stage": "pieces", "made", "ready_s"} after every
round that made something.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from recorder.film.composer import Composer, Wanted
from recorder.film.film import FilmError
from recorder.film.labels import LabelsError, labels_of
from recorder.film.pieces import read_index
from recorder.film.timeline import FILM_RATE_HZ
from recorder.reading.growing import GrowingRecording
from recorder.reading.recording import RecordingError
from recorder.redactions import RedactionsError, redactions_of

# Of one core. Four people in 720p take 0.4 of a core in the pace of the hearing; the rest is for catching up.
DEFAULT_SHARE = 0.6
# Segments are sealed every few seconds.
LOOK_EVERY_S = 2.0
# Sleeps are cut into these, so that a new share counts at once.
_NAP_S = 0.1
# What was saved up while there was nothing to do may not be spent at once.
_CREDIT_S = 0.5


class Stopped(Exception):
    """Asked to stop; what is finished stays."""


class Pace:
    """Keeps this process's CPU time (all threads) below a share of the time that passes. Safe from two threads."""

    def __init__(self, share: float = DEFAULT_SHARE) -> None:
        self._share = share
        self._stopped = threading.Event()
        self._at_s, self._cpu_s = time.monotonic(), time.process_time()

    def set_share(self, share: float) -> None:
        """From now on; 0 waits."""
        self._share = min(max(share, 0.0), 1.0)

    def stop(self) -> None:
        """`wait` raises from now on."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Somebody asked to stop."""
        return self._stopped.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, or wake when stopped."""
        self._stopped.wait(seconds)

    def wait(self) -> None:
        """Called between two frames: sleeps until the share allows more. Stopped."""
        while True:
            if self._stopped.is_set():
                raise Stopped
            now_s, cpu_s = time.monotonic(), time.process_time()
            allowed_s = (now_s - self._at_s) * self._share
            used_s = cpu_s - self._cpu_s
            if self._share > 0 and used_s <= allowed_s:
                if allowed_s - used_s > _CREDIT_S:
                    self._at_s, self._cpu_s = now_s, cpu_s
                return
            if self._share <= 0:
                self._at_s, self._cpu_s = now_s, cpu_s
            self._stopped.wait(
                _NAP_S if self._share <= 0 else min((used_s - allowed_s) / self._share, _NAP_S)
            )


class _Orders:
    """Listens to standard input in a thread of its own."""

    def __init__(self, pace: Pace, lines: TextIO) -> None:
        self.pace = pace
        self.changes: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._listen, args=(lines,), name="film-orders", daemon=True)
        self._thread.start()

    def _listen(self, lines: TextIO) -> None:
        for line in lines:
            with suppress(ValueError, TypeError):
                order = json.loads(line)
                if "share" in order:
                    self.pace.set_share(float(order["share"]))
                self.changes |= {name: order[name] for name in ("labels", "redactions") if name in order}
                if order.get("stop"):
                    break
        self.pace.stop()


def compose_while_recording(
    folder: Path,
    film: Path,
    wanted: Wanted,
    *,
    tell: Callable[[dict[str, Any]], None],
    lines: TextIO = sys.stdin,
) -> None:
    """Make pieces until told to stop. A piece that cannot be written is tried again at the next look. ValueError."""
    pace = Pace()
    orders = _Orders(pace, lines)
    growing = GrowingRecording(folder)
    composer = Composer(film, between_frames=pace.wait)
    tell({"stage": "begun"})
    while not pace.is_stopped:
        given, orders.changes = orders.changes, {}
        with suppress(LabelsError, RedactionsError):
            if "labels" in given:
                wanted = replace(wanted, labels=labels_of(given["labels"]))
            if "redactions" in given:
                wanted = replace(wanted, redactions=redactions_of(given["redactions"]))
        try:
            if growing.refresh() or given:
                made = composer.compose_ready(growing.recording(), wanted, growing.sealed_ns)
                if made:
                    ready = read_index(film).pieces
                    ready_s = sum(piece.ticks for piece in ready) / FILM_RATE_HZ
                    tell({"stage": "pieces", "made": made, "ready_s": ready_s})
        except (FilmError, RecordingError, OSError):
            pass  # a full disk, or nothing sealed yet; the record itself has its own alarm
        except Stopped:
            break
        pace.sleep(LOOK_EVERY_S)
