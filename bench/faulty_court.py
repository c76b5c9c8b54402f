"""The demo court with a first recorder that fails on a signal: `python -m bench.faulty_court demo …`.

For `bench.alarms`. SIGUSR1: what it is given of cameras does not reach its journal, until the next SIGUSR1. SIGUSR2:
its syncs hang, as on a volume that does not answer, until the next SIGUSR2. The second recorder is another process and
knows nothing of it.
"""

from __future__ import annotations

import signal
import threading

from hearing_server.ops import main
from recorder.durable import Disk
from recorder.writing.session import RecordingSession
from signaling.sink import TrackInfo


class Faults:
    """Both begin well."""

    def __init__(self) -> None:
        self._cameras: set[str] = set()
        self._loses_pictures = False
        self._syncs = threading.Event()
        self._syncs.set()

    def install(self) -> None:
        """Stand between the recorder and what it is given, and between it and its disk."""
        started, taken, synced = (
            RecordingSession.track_started,
            RecordingSession.take_packets,
            Disk.sync_data,
        )

        def track_started(session: RecordingSession, track: TrackInfo, at_ns: int) -> None:
            if track.source == "camera":
                self._cameras.add(track.track_id)
            started(session, track, at_ns)

        def take_packets(session: RecordingSession, track_id: str, packets: list[tuple[int, bytes]]) -> None:
            if not (self._loses_pictures and track_id in self._cameras):
                taken(session, track_id, packets)

        def sync_data(disk: Disk, fd: int) -> None:
            self._syncs.wait()
            synced(disk, fd)

        RecordingSession.track_started = track_started  # type: ignore[assignment,method-assign]
        RecordingSession.take_packets = take_packets  # type: ignore[assignment,method-assign]
        Disk.sync_data = sync_data  # type: ignore[assignment,method-assign]
        signal.signal(signal.SIGUSR1, self._lose_pictures)
        signal.signal(signal.SIGUSR2, self._hang)

    def _lose_pictures(self, *_: object) -> None:
        self._loses_pictures = not self._loses_pictures

    def _hang(self, *_: object) -> None:
        if self._syncs.is_set():
            self._syncs.clear()
        else:
            self._syncs.set()


if __name__ == "__main__":
    Faults().install()
    main()
