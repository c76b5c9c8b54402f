"""A hearing of many reconnects: what the recorder keeps of a track that ended stays small, however bad its line was."""

import tracemalloc
from dataclasses import asdict, replace

from recorder.account.inventory import Inventory
from recorder.journal import RecordKind, compact_json
from tests.recorder.packets import AUDIO_STEP, MS, microphone, rtp

TRACKS = 400
MOST_BYTES = 3_000  # 1.1 kB are seen; with the numbers it waited for it would be 18


def _lossy_track(inventory: Inventory, number: int, from_ns: int) -> None:
    """Ten seconds of a voice of which every second packet is lost, then the phone is away."""
    info = replace(microphone(), track_id=f"track-{number}", ssrc=1_000_000 + number)
    inventory.take(RecordKind.TRACK, number, from_ns, compact_json(asdict(info)))
    for step in range(0, 500, 2):
        inventory.packet(number, from_ns + step * 20 * MS, rtp(1000 + step, step * AUDIO_STEP))
    inventory.take(RecordKind.TRACK_END, number, from_ns + 10_000 * MS, compact_json({"cause": "lost"}))


def test_inventory__when_hundreds_of_tracks_ended__then_each_costs_about_a_kilobyte() -> None:
    inventory = Inventory()
    _lossy_track(inventory, 1, 0)
    tracemalloc.start()
    try:
        for number in range(2, TRACKS + 2):
            _lossy_track(inventory, number, number * 11_000 * MS)
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes / TRACKS < MOST_BYTES
