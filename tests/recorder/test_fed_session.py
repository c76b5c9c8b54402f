"""What a second recorder is told again after it died: nothing of it stands twice, however it died in between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from recorder.durable import Disk
from recorder.reading.recording import open_recording
from recorder.reading.verify import verify
from recorder.second.fed_session import FedSession, seen_at_end
from recorder.second.feed import Feed
from recorder.second.feed_wire import unpack_batch
from tests.recorder.packets import AUDIO_STEP, MS, microphone, rtp, sequence_of
from tests.recorder.stepped_session import NoSyncs, Stepped, SteppedClock, stepped_writers

FRAME_HEAD_BYTES = 9
BATCHES, AT_ONCE = 8, 5


def _fed(folder: Path, clock: SteppedClock, feed: Feed) -> tuple[Stepped, FedSession]:
    """A process begins in the folder, as `second_process` does."""
    stepped = Stepped(folder, clock, Disk(NoSyncs()), seal_s=0.5)
    last = feed.last_sent
    seen = seen_at_end(folder, feed.oldest_ns) if last else frozenset[tuple[int, int, int]]()
    return stepped, FedSession(stepped.session, seen=seen, resent_until=last)


def _tell(fed: FedSession, frame: bytes) -> None:
    fed.take(*unpack_batch(frame[FRAME_HEAD_BYTES:]))


def _live(stepped: Stepped, ticks: int) -> None:
    """Nothing is told; it writes its heartbeats and seals them."""
    for _ in range(ticks):
        stepped.clock.pass_ns(250 * MS)
        stepped.turn()


@pytest.mark.parametrize("idle_ticks", [0, 2, 40])
@pytest.mark.parametrize("deaths", [1, 3])
def test_records__told_again_after_deaths__stand_once(tmp_path: Path, idle_ticks: int, deaths: int) -> None:
    """`idle_ticks`: so long each process in between lives without being told anything before it dies as well."""
    clock, feed = SteppedClock(), Feed(1)
    with stepped_writers():
        stepped, fed = _fed(tmp_path, clock, feed)
        feed.track_started(microphone(), clock.now_ns)
        for number in range(BATCHES * AT_ONCE):
            feed.packet("audio-1", rtp(number, number * AUDIO_STEP), clock.now_ns)
            clock.pass_ns(20 * MS)
            if number % AT_ONCE == AT_ONCE - 1:
                frame = feed.take_batch()
                assert frame is not None
                _tell(fed, frame)
                stepped.turn()
        # Half of it was told durable, all of it is.
        feed.settle(BATCHES // 2)
        for _ in range(deaths):
            _live(stepped, idle_ticks)
            stepped.abandon()
            clock.pass_ns(100 * MS)
            stepped, fed = _fed(tmp_path, clock, feed)
        for frame in feed.again():
            _tell(fed, frame)
        _live(stepped, 2)
        asyncio.run(stepped.session.close())
    recording = open_recording(tmp_path)
    heard = [
        sequence_of(packet.data) for track in recording.tracks for packet in recording.packets(track.number)
    ]
    assert heard == list(range(BATCHES * AT_ONCE))
    assert verify(tmp_path) == []
