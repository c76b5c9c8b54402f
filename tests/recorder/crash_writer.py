"""A child process that records until it is killed: `python -m tests.recorder.crash_writer FOLDER`.

Two people's audio and one camera in real time; segments of 0.4 s, so that kills also meet sealing. Prints one line
when the first packet was offered.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from recorder.writing.session import RecordingSession
from tests.recorder.packets import AUDIO_STEP, VIDEO_STEP, camera, microphone, rtp


def main(folder: Path) -> None:
    """Record for ever."""
    session = RecordingSession.create(folder, recording_id="rec_crash", seal_s=0.4)
    for track in (microphone("a1", "per_1"), microphone("a2", "per_2"), camera("v1", "per_1")):
        session.track_started(track, time.monotonic_ns())
    began = time.monotonic()
    index = 0
    while True:
        for track_id in ("a1", "a2"):
            session.packet(track_id, rtp(index, index * AUDIO_STEP), time.monotonic_ns())
        if index % 2 == 0:
            picture = rtp(index // 2, index // 2 * VIDEO_STEP, 1100, 96)
            session.packet("v1", picture, time.monotonic_ns())
        if index == 0:
            print("recording", flush=True)
        index += 1
        time.sleep(max(0.0, began + index * 0.02 - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
