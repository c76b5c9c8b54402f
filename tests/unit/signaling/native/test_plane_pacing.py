"""Pictures that wait for room in the forwarding thread: voices pass them, and what must not leave does not."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from signaling.native.plane import Plane
from signaling.native.step import NativeLeg
from signaling.rtp.pacer import LONGEST_MS
from signaling.rtp.packet import Codec
from signaling.rtp.rewriter import RewriterSettings
from tests.unit.signaling.native.threads import (
    Publishing,
    Threads,
    Watching,
    forwarded,
    heard,
    last_octets,
    room,
    say_pictures,
    threads,
)

# A packet of the key frame takes 100 ms: far more than these machines are ever late.
SLOW_BPS = 80_000.0
PACKET_BYTES = 1000
KEY_PACKETS = 4  # all of them may wait: less than LONGEST_MS


@pytest.fixture
def native() -> Iterator[Threads]:
    with threads() as made:
        yield made


def voice_beside(plane: Plane, watching: Watching) -> Publishing:
    """Somebody's voice over the same line as the picture."""
    speaking = Publishing(plane, codec=Codec.OPUS, ssrc=4321)
    settings = RewriterSettings(ssrc=88, payload_type=96, clock_rate_hz=48000, needs_keyframe=False)
    transport: Any = SimpleNamespace(line=watching.line)
    leg = NativeLeg(plane, watching.line, transport, settings, is_video=False)
    leg.is_live = True
    leg.rewriter.select(speaking.ssrc)
    speaking.fanout.hear([leg])
    return speaking


def test_pace__key_frame_and_then_a_voice_on_a_thin_line__voice_passes_the_packets_that_wait(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    speaking = voice_beside(plane, watching)
    watching.line.pace(SLOW_BPS)
    say_pictures(publishing, KEY_PACKETS, size=PACKET_BYTES)
    assert heard(plane, lambda: len(publishing.taken) == KEY_PACKETS)
    speaking.say(1, payload=b"\x78" + bytes([99]))
    assert forwarded(plane, KEY_PACKETS + 1), "everything leaves in the end"
    order = last_octets(watching.received())
    assert [each for each in order if each != 99] == [1, 2, 3, 4]
    assert order.index(99) < KEY_PACKETS, "the voice came before the end of the key frame"


def test_pace__nothing_known_of_the_line__nothing_waits(native: Threads) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    watching.line.pace(SLOW_BPS)
    watching.line.pace(0.0)
    say_pictures(publishing, 100, size=PACKET_BYTES)
    assert heard(plane, lambda: len(publishing.taken) == 100)
    assert len(watching.received()) == 100


def test_pace__more_than_may_wait__leaves_at_once(native: Threads) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    watching.line.pace(SLOW_BPS)
    say_pictures(publishing, 100, size=PACKET_BYTES)
    assert heard(plane, lambda: len(publishing.taken) == 100)
    may_wait = int(LONGEST_MS * SLOW_BPS / 8000 / PACKET_BYTES)
    sent = last_octets(watching.received())
    assert 100 - may_wait - 1 <= len(sent) < 100
    assert forwarded(plane, 100)
    assert sent + last_octets(watching.received()) == list(range(1, 101))


@pytest.mark.parametrize("act", ["paused", "closed", "line closed"])
def test_pace__leg_is_silenced_while_packets_wait__they_never_leave(native: Threads, act: str) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    other = Watching(plane, ssrc=78)
    other.watch(publishing)
    watching.line.pace(SLOW_BPS)
    other.line.pace(SLOW_BPS)
    say_pictures(publishing, KEY_PACKETS, size=PACKET_BYTES)
    assert heard(plane, lambda: len(publishing.taken) == KEY_PACKETS)
    if act == "paused":
        watching.leg.rewriter.pause()
        watching.leg.rewriter.select(publishing.ssrc)
    elif act == "closed":
        watching.leg.close()
    else:
        watching.line.close()
    before = len(watching.raw())
    assert before < KEY_PACKETS
    assert forwarded(plane, before + KEY_PACKETS), "the other viewer got the rest"
    assert last_octets(other.received()) == [1, 2, 3, 4]
    assert watching.raw() == []


def test_pace__repeat_and_probe_while_packets_wait__repeat_goes_first_and_the_probe_at_once(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    say_pictures(publishing, 3, size=PACKET_BYTES)
    assert heard(plane, lambda: len(publishing.taken) == 3)
    numbers = [int.from_bytes(each[2:4], "big") for each in watching.received()]
    watching.line.pace(SLOW_BPS)
    say_pictures(publishing, 3, size=PACKET_BYTES, first=4)
    assert heard(plane, lambda: len(publishing.taken) == 6)
    now_ms = publishing.taken[-1][1] / 1e6
    watching.leg.repair(numbers[0], lambda ssrc: publishing.fanout, now_ms)
    watching.leg.repair(numbers[1], lambda ssrc: publishing.fanout, now_ms, is_probe=True)
    assert forwarded(plane, 3 + 3 + 2)
    # Repeats without a repair stream have the numbers of what they repeat.
    order = [int.from_bytes(each[2:4], "big") - numbers[0] for each in watching.raw()]
    assert order.index(1) < order.index(0) < order.index(5)
