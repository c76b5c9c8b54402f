"""The watcher's child: `python -m recorder.content.content_check`. Tells what is in sealed segments.

It decodes what came from outside, so it is locked up first: least priority, bounded memory and processor time, no file
may be written, no network, no new privileges, and everything it says fits in a line. One line of JSON in, one out:

    {"folder": PATH, "after": N, "listen_to": [IDENTITY, …]}
    {"pieces": [{"segment", "from_utc_ns", "until_utc_ns", "lines": [{…}]}], "spent_ms": T}
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recorder.content.piece_content import STILL_S, ContentReader, LineContent, PieceContent
from recorder.content.still_picture import stands_still
from recorder.folder import segment_files

NICE_LEVEL = 19
MEMORY_BYTES = 1 << 30  # libraries of codecs take 300 MB of address space; a segment is at most 64 MB
# At most this much processor time in one life; the parent starts the next one. Ten hours of six people take 600 s.
CPU_S = 3600
FILES = 64
# Behind by more than this, the oldest pieces are passed over: an alarm about what was is none.
PIECES_AT_ONCE = 4
PIECE_BYTES = 96 << 20
RECORDINGS = 64
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000  # CLONE_NEWUSER | CLONE_NEWNET (clone(2))
_NEW_NETWORK = 0x40000000
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS (prctl(2))
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def lock_up() -> bool:
    """Give up everything the work does not need. True when the network is out of reach too."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)
    # Where namespaces are forbidden, the rest still holds.
    is_cut_off = libc.unshare(_NEW_NETWORK) == 0 or libc.unshare(_NEW_USER_AND_NETWORK) == 0
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.nice(NICE_LEVEL)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    return bool(is_cut_off)


class _Desk:
    def __init__(self) -> None:
        self._readers: dict[str, ContentReader] = {}

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The sealed segments behind number `after`, the newest few."""
        folder, began_s = Path(asked["folder"]), time.process_time()
        reader = self._readers.setdefault(str(folder), ContentReader())
        while len(self._readers) > RECORDINGS:
            del self._readers[next(iter(self._readers))]
        listen_to = frozenset(map(str, asked["listen_to"]))
        sealed = [file for file in segment_files(folder) if file.sealed and file.number > int(asked["after"])]
        pieces = []
        for file in sealed[-PIECES_AT_ONCE:]:
            if file.path.stat().st_size > PIECE_BYTES:
                continue
            piece = reader.read(file.path.read_bytes(), listen_to=listen_to)
            if piece is not None:
                pieces.append(
                    asdict(piece) | {"lines": [self._line(folder, piece, line) for line in piece.lines]}
                )
        return {"pieces": pieces, "spent_ms": round((time.process_time() - began_s) * 1000, 1)}

    def _line(self, folder: Path, piece: PieceContent, line: LineContent) -> dict[str, Any]:
        said = asdict(line)
        number = said.pop("still_track")
        said["is_still"] = False
        if number:
            still = stands_still(folder, number, lasting_s=STILL_S, until_segment=piece.segment)
            # Without a key frame to begin at, equal sizes for so long are evidence enough to have somebody look.
            said["is_still"] = still is not False
        return said


def main() -> int:
    """Answer until nobody asks any more."""
    is_cut_off = lock_up()
    desk = _Desk()
    print(json.dumps({"ready": True, "network": not is_cut_off}), flush=True)
    for line in sys.stdin:
        try:
            said = desk.answer(json.loads(line))
        except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            said = {"error": type(error).__name__}
        print(json.dumps(said), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
