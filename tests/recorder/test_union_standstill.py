"""A process that stood still before its second recorder was told all: what was told late stands in the union once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from recorder.durable import Disk
from recorder.union.union import open_union
from tests.recorder.packets import AUDIO_STEP, MS, rtp, sequence_of
from tests.recorder.stepped_session import NoSyncs, Stepped, SteppedClock, stepped_writers

STILL_NS = 12_000 * MS


def _play(folder: Path, *, late_from: int, mark: str) -> None:
    """Packets up to 50, then nothing for ten seconds, then more; those from `late_from` on are written after it."""
    clock = SteppedClock()
    stepped = Stepped(folder, clock, Disk(NoSyncs()))
    stepped.begin_tracks()
    stepped.session.mark(kind="note", text=mark, at_ns=clock.now_ns)
    began_ns = clock.now_ns

    def tell(first: int, last: int, shift_ns: int = 0) -> None:
        for number in range(first, last):
            at_ns = began_ns + number * 20 * MS + shift_ns
            stepped.session.packet("audio-1", rtp(number, number * AUDIO_STEP), at_ns)

    tell(0, late_from)
    clock.pass_ns(50 * 20 * MS)
    stepped.turn()
    clock.pass_ns(STILL_NS)  # behind it each writes an anchor of the clock
    tell(late_from, 50)
    stepped.turn()
    tell(50, 100, STILL_NS)
    clock.pass_ns(50 * 20 * MS)
    stepped.turn()
    asyncio.run(stepped.session.close())


def test_union__of_a_pair_whose_feeder_stood_still__has_every_packet_once(tmp_path: Path) -> None:
    with stepped_writers():
        _play(tmp_path / "first", late_from=50, mark="主")
        _play(tmp_path / "second", late_from=47, mark="备")  # so neither holds all
    opened = open_union(tmp_path / "first", tmp_path / "second")
    assert opened.union.basis is None
    heard = [
        sequence_of(packet.data)
        for track in opened.recording.tracks
        if track.info.kind == "audio"
        for packet in opened.recording.packets(track.number)
    ]
    assert sorted(heard) == list(range(100))
