"""What the forwarding thread is for: media that does not wait for Python, and a record that says when it was late."""

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from recorder.account.manifest import GapCause
from recorder.writing.session import RecordingSession
from signaling.engine import MediaEngine
from signaling.native.build import load
from signaling.native.step import NativeForwardStep
from signaling.negotiation import AcceptedSection
from signaling.publishing.publication import Layer, Publication
from signaling.rtp.packet import Codec
from signaling.rtp.speaker import SpeakerDetector
from tests.media.notebook import Notebook
from tests.media.robots import house, settings, until
from tests.native_library import library
from tests.unit.signaling.native.threads import Publishing, Watching, forwarded, heard, room, threads

VOICE = AcceptedSection("0", "microphone", "audio", "opus", 48000, 96, None, None, {}, (), (), {})
OPUS_20_MS = 960


class Speech:
    """A phone that sends a voice packet every 10 ms from a thread of its own, whatever Python's loop does."""

    def __init__(self, publishing: Publishing, *, spacing_s: float = 0.01) -> None:
        self._publishing, self._spacing_s = publishing, spacing_s
        self.number = 0

    def say(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.number += 1
            self._publishing.say(self.number, payload=bytes(60))
            time.sleep(self._spacing_s)


def test_media__when_the_event_loop_stands_still__then_it_goes_on_and_all_of_it_is_recorded_afterwards() -> (
    None
):
    with threads() as native:
        plane = native.plane()
        publishing, watching = room(Publishing(plane, codec=Codec.OPUS), Watching(plane, is_video=False))
        speech = Speech(publishing)
        phone = threading.Thread(target=speech.say, args=(1.0,))
        phone.start()

        async def stand_still() -> int:
            time.sleep(0.8)  # noqa: ASYNC251 - this is what is tested
            return len(watching.raw())

        during = native.loop.run_until_complete(stand_still())
        phone.join()
        assert publishing.taken == [], "Python heard of nothing yet"
        assert during > speech.number // 2, "the viewer heard it nevertheless"
        assert forwarded(plane, speech.number)
        assert heard(plane, lambda: len(publishing.taken) == speech.number)
        arrivals = [at_ns for _, at_ns in publishing.taken]
        assert arrivals == sorted(arrivals)
        assert arrivals[-1] - arrivals[0] > 500_000_000, "with the times of their arrival"


async def test_record__when_python_was_too_late__then_the_gap_is_ours_and_not_the_networks(
    tmp_path: Path,
) -> None:
    with threads() as native:
        plane = await asyncio.to_thread(native.plane, ring_bytes=2048)
        publishing = Publishing(plane, codec=Codec.OPUS)
        publishing.fanout.close()  # the layer below makes its own
        step, speakers = NativeForwardStep(plane), SpeakerDetector[str]()
        publication = Publication("per_1", VOICE, step, speakers, keyframe_interval_ms=500)
        transport: Any = publishing.owner
        layer = Layer(publication, VOICE, publishing.ssrc, None, transport)
        session = RecordingSession.create(tmp_path, recording_id="rec_late")
        session.track_started(layer.track, time.monotonic_ns())
        layer.sinks = (session,)
        for number in range(1, 151):  # three seconds; Python comes every 20 ms, but not in the second one
            stamp = number * OPUS_20_MS
            head = b"\x80\x60" + number.to_bytes(2, "big") + stamp.to_bytes(4, "big")
            plain = head + publishing.ssrc.to_bytes(4, "big") + bytes(60)
            publishing.phone.send(publishing.session.protect(plain))
            await asyncio.sleep(0.02)
            if not 50 <= number < 100:
                plane.take_media()
        session.track_ended(layer.track.track_id, time.monotonic_ns(), "left")
        manifest = await session.close()
        late = [gap for gap in manifest.gaps if gap.cause is GapCause.OVERLOAD]
        assert sum(gap.until_ns - gap.from_ns for gap in late) > 100_000_000
        assert not [gap for gap in manifest.gaps if gap.cause is GapCause.NETWORK]
        assert plane.facts()[2] > 0


async def p99_ms_beside_a_busy_thread(*, native: bool) -> float:
    """Residence of real calls' packets while another Python thread computes all the time."""
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(2000))

    async with house(native=native, residence_sample=1) as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "microphone", "camera")
        before = place.engine.stats().residence.total
        busy = threading.Thread(target=compute)
        busy.start()
        try:
            await until(lambda: place.engine.stats().residence.total > before + 100, timeout_s=30)
            found = place.engine.stats().residence.quantile_ms(0.95)
        finally:
            stop.set()
            busy.join()
        assert found is not None
        return found


async def test_residence__when_a_python_thread_is_busy_all_the_time__then_the_thread_does_not_wait_for_it() -> (
    None
):
    library()
    native, pure = [await p99_ms_beside_a_busy_thread(native=kind) for kind in (True, False)]
    assert native < pure / 2, f"native {native:.2f} ms, pure {pure:.2f} ms"


@pytest.mark.parametrize("wanted", [True, False])
async def test_engine__when_the_thread_is_wanted_or_not__then_its_figures_say_what_runs(wanted: bool) -> None:
    async with house(native=wanted) as place:
        stats = place.engine.stats()
        assert stats.is_native == (wanted and load() is not None)
        assert stats.ring_dropped == 0


async def test_engine__when_its_port_is_taken__then_no_thread_is_left_behind() -> None:
    async def ignore(_: object) -> None: ...

    library()
    async with house() as place:
        before = set(os.listdir("/proc/self/task"))
        for _ in range(3):
            with pytest.raises(OSError, match="in use"):
                await MediaEngine.start(settings(udp_port=place.engine.udp_port), on_event=ignore)
        assert set(os.listdir("/proc/self/task")) <= before


async def test_record__when_a_track_ends_by_order__then_what_was_said_before_is_on_it() -> None:
    async with house(
        native=True, nack_tick_s=5.0
    ) as place:  # the clock that empties the ring hardly ever comes
        plane = place.engine._gateway.plane
        assert plane is not None
        notebook = Notebook()
        await place.engine.attach_sink("hearing", notebook)
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "microphone")
        facts = plane.native.ffi.new("struct plane_facts *")

        def waiting_bytes() -> int:
            plane.lib.plane_read_facts(plane.handle, facts)
            return int(facts.ring_used)

        await until(lambda: waiting_bytes() > 3000)
        before = notebook.count("microphone")
        await place.engine.set_muted("hearing", identity="party", source="microphone", muted=True, by="judge")
        assert waiting_bytes() < 3000
        assert notebook.count("microphone") > before
