"""The forwarding thread alone, with real sockets and keys: what it does when something is full or forbidden."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from signaling.rtp import rtcp
from signaling.rtp.packet import Codec
from signaling.rtp.transport_cc import LOST, TransportFeedback
from tests.unit.signaling.native.narrow import narrow_wire
from tests.unit.signaling.native.threads import (
    Publishing,
    Threads,
    Watching,
    forwarded,
    heard,
    last_octets,
    picture,
    pipe,
    room,
    say_pictures,
    taken,
    threads,
    took,
)

SO_NO_CHECK = 11  # not in `socket`


@pytest.fixture
def native() -> Iterator[Threads]:
    with threads() as made:
        yield made


# What Python is too slow for


def test_ring__when_python_does_not_come__then_forwarding_goes_on_and_the_hole_is_told(
    native: Threads,
) -> None:
    plane = native.plane(ring_bytes=4096)
    publishing, watching = room(Publishing(plane), Watching(plane))
    say_pictures(publishing, 100)
    assert forwarded(plane, 100), "every packet is forwarded, whoever records it"
    assert last_octets(watching.received()) == list(range(1, 101))
    plane.take_media()
    heard = len(publishing.taken)
    assert 0 < heard < 20
    assert plane.facts()[2] == 100 - heard
    publishing.say(101)
    publishing.say(102)
    assert forwarded(plane, 102)
    plane.take_media()
    assert len(publishing.taken) == heard + 2
    assert publishing.holes == [heard], "told once, before the first packet behind the hole"


def test_ring__when_one_peer_floods_with_reports__then_only_so_many_reach_python(native: Threads) -> None:
    plane = native.plane(others_per_s=50)
    publishing, watching = room(Publishing(plane), Watching(plane))
    for _ in range(400):
        publishing.phone.send(b"\x80\xc8" + bytes(60))
    say_pictures(publishing, 3)
    assert forwarded(plane, 3)
    plane.drain()
    plane.take_media()
    assert 50 <= len(publishing.others) <= 100, "a window may turn meanwhile"
    assert publishing.line.counters()[1] == 400 - len(publishing.others)
    assert len(watching.received()) == len(publishing.taken) == 3


def test_ring__when_one_peer_floods_with_media_of_no_stream__then_only_so_much_reaches_python(
    native: Threads,
) -> None:
    plane = native.plane(others_per_s=50)
    publishing, watching = room(Publishing(plane), Watching(plane))
    for number in range(400):
        publishing.say(number, ssrc=99)
    say_pictures(publishing, 3)
    assert forwarded(plane, 3)
    plane.drain()
    plane.take_media()
    assert 50 <= len(publishing.owner.unknown) <= 100, "a window may turn meanwhile"
    assert publishing.line.counters()[1] == 400 - len(publishing.owner.unknown)
    assert len(watching.received()) == 3


def test_drain__when_a_handler_raises__then_the_packets_behind_it_are_not_lost(native: Threads) -> None:
    plane = native.plane()
    publishing, _ = room(Publishing(plane), Watching(plane))
    plane.peers[next(iter(plane.peers))] = lambda data: exec("raise RuntimeError(data)")
    publishing.phone.send(b"\x00" * 30)
    say_pictures(publishing, 2)
    assert forwarded(plane, 2)
    plane.drain()
    plane.take_media()
    assert len(publishing.taken) == 2


def test_take__when_more_waits_than_one_turn_takes__then_all_of_it_is_taken(native: Threads) -> None:
    plane = native.plane()
    publishing, _ = room(Publishing(plane), Watching(plane))
    for first in range(1, 1001, 100):
        say_pictures(publishing, 100, first=first, size=1000)
        assert forwarded(plane, first + 99)
    plane.take_media()
    assert len(publishing.taken) == 1000, "half a megabyte per turn"
    for number in range(1001, 1011):
        publishing.say(number, payload=picture(number))
    plane.settle()
    assert len(publishing.taken) == 1010, "at the sockets, too"


# Rights


def test_leg__when_paused_or_unrouted_or_closed__then_not_one_packet_more_is_sent(native: Threads) -> None:
    plane = native.plane()
    publishing = Publishing(plane)
    watching = [Watching(plane, ssrc=number) for number in (71, 72, 73)]
    for each in watching:
        each.watch(publishing)
    stop = threading.Event()

    def flow() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            publishing.say(number, payload=picture(number, keyframe=True))

    sender = threading.Thread(target=flow)
    sender.start()
    try:
        assert took(lambda: plane.facts()[0] > 300)
        watching[0].leg.rewriter.pause()
        after = [len(watching[0].raw())]
        publishing.fanout.hear([watching[0].leg, watching[2].leg])
        after.append(len(watching[1].raw()))
        watching[2].leg.close()
        after.append(len(watching[2].raw()))
        seen = len(publishing.taken)
        assert heard(plane, lambda: len(publishing.taken) > seen + 100)
        assert all(after), "it was flowing before"
        assert [each.raw() for each in watching] == [[], [], []]
    finally:
        stop.set()
        sender.join()


def test_tcp_leg__when_paused_before_python_sent__then_what_waited_does_not_go(native: Threads) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane, is_tcp=True))
    say_pictures(publishing, 5)
    assert forwarded(plane, 5)
    watching.leg.rewriter.pause()
    plane.drain()
    assert watching.owner.sent == []
    watching.leg.rewriter.select(publishing.ssrc)
    say_pictures(publishing, 3, first=10)
    assert forwarded(plane, 8)
    plane.drain()
    assert last_octets([watching.session.unprotect(each) for each in watching.owner.sent]) == [10, 11, 12]


def test_tcp_leg__when_its_buffer_is_full__then_the_picture_stops_until_it_is_selected_anew(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane, is_tcp=True))
    watching.owner.is_full = True
    say_pictures(publishing, 2)
    assert forwarded(plane, 2)
    plane.drain()
    plane.drain()
    assert watching.leg.dropped == 2
    assert watching.leg.blocked_until_ms > 0
    watching.owner.is_full = False
    publishing.say(3, payload=picture(3))
    assert taken(publishing, 3)
    assert watching.owner.sent == []


# Full and refusing ways


def test_send__when_the_buffer_is_full__then_pictures_stop_and_voices_only_lose_that_packet(
    native: Threads,
) -> None:
    plane = native.plane()
    ends = pipe()
    publishing, watching = room(Publishing(plane), Watching(plane, ends=ends))
    voice, hearing = room(
        Publishing(plane, codec=Codec.OPUS, ssrc=5), Watching(plane, ssrc=78, is_video=False, ends=ends)
    )
    number = 0
    while watching.leg.dropped == 0:
        number += 1
        publishing.say(number, payload=picture(number, keyframe=True))
        voice.say(number, payload=bytes(60))
        assert taken(voice, number)
        assert number < 5000
    assert heard(plane, lambda: hearing.leg.dropped > 0)
    picture_source, voice_source = watching.leg.rewriter.source, hearing.leg.rewriter.source
    assert (picture_source, voice_source) == (-1, 5), "the voice goes on"
    assert watching.leg.blocked_until_ms > 0 == hearing.leg.blocked_until_ms


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["ipv4", "ipv6"])
def test_bursts__when_packets_of_one_size_come_together__then_they_leave_together_and_arrive_apart(
    native: Threads, family: socket.AddressFamily
) -> None:
    plane = native.plane(pause_s=0.05)
    publishing, watching = room(Publishing(plane, family=family), Watching(plane, family=family))
    say_pictures(publishing, 1)
    assert forwarded(plane, 1)
    say_pictures(publishing, 12, first=2, size=900)
    assert forwarded(plane, 13)
    assert len(watching.received()) == 13
    bursts = plane.native.ffi.new("struct plane_facts *")
    plane.lib.plane_read_facts(plane.handle, bursts)
    assert 1 <= bursts.bursts <= 4, "one per read: sixteen at most are read together"


def test_bursts__when_the_socket_is_no_udp_socket__then_packets_are_not_glued_together(
    native: Threads,
) -> None:
    plane = native.plane(pause_s=0.05)
    ends = pipe()
    publishing, watching = room(Publishing(plane), Watching(plane, ends=ends))
    say_pictures(publishing, 8)
    assert forwarded(plane, 8)
    assert last_octets(watching.received()) == list(range(1, 9))


def test_bursts__when_the_way_refuses_them__then_every_packet_still_goes(native: Threads) -> None:
    plane = native.plane(pause_s=0.02)
    publishing, watching = room(Publishing(plane), Watching(plane))
    watching.ours.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)  # UDP_SEGMENT wants checksums: EINVAL
    for first in range(1, 41, 10):
        say_pictures(publishing, 10, first=first)
    assert forwarded(plane, 40)
    assert last_octets(watching.received()) == list(range(1, 41))


def test_bursts__when_packets_are_larger_than_the_way__then_only_such_go_alone(native: Threads) -> None:
    narrow = narrow_wire(1200)
    if narrow is None:
        pytest.skip("no right to a network of one's own")
    plane = native.plane(pause_s=0.02)
    publishing, watching = room(Publishing(plane), Watching(plane, ends=narrow))
    facts = plane.native.ffi.new("struct plane_facts *")
    for first, size in ((1, 1250), (21, 600), (41, 1250), (61, 600)):
        before = facts.bursts
        say_pictures(publishing, 20, first=first, size=size)
        assert forwarded(plane, first + 19)
        plane.lib.plane_read_facts(plane.handle, facts)
        assert (facts.bursts > before) == (size == 600), "a large one must not end the bursts of small ones"
    for number in range(81, 121):
        publishing.say(number, payload=picture(number, keyframe=True, size=1250 if number % 3 else 600))
    assert forwarded(plane, 120)
    assert last_octets(watching.received()) == list(range(1, 121)), "and none overtakes another"


# Telling a sender when its packets came


def reports(publishing: Publishing) -> list[TransportFeedback]:
    """What the phone was told, opened with its keys."""
    found: list[TransportFeedback] = []
    with suppress(BlockingIOError):
        while True:
            found += [
                each
                for each in rtcp.parse(publishing.replies.unprotect_rtcp(publishing.phone.recv(2048)))
                if isinstance(each, TransportFeedback)
            ]
    return found


def test_feedback__when_python_does_not_come__then_the_sender_hears_of_every_packet(native: Threads) -> None:
    plane = native.plane()
    publishing = Publishing(plane)
    publishing.line.watch_numbers(5)
    publishing.line.route(publishing.ours.fileno())
    publishing.line.tell(0xA1, publishing.ssrc)
    told: list[TransportFeedback] = []
    began_s = time.monotonic()
    for number in range(1, 41):
        if number != 30:
            publishing.say(number, wide=100 + number)
        time.sleep(0.01)
        told += reports(publishing)
    assert {(each.sender_ssrc, each.ssrc) for each in told} == {(0xA1, publishing.ssrc)}
    assert 2 <= len(told) <= 10 * (time.monotonic() - began_s) + 2, "ten a second"
    assert [each.number for each in told] == list(range(len(told)))
    arrived = {each.base + at: tick for each in told for at, tick in enumerate(each.arrivals)}
    newest = max(arrived)
    assert newest > 120
    assert [number for number, tick in sorted(arrived.items()) if tick == LOST] == [130] * (newest > 130)


def test_feedback__when_nothing_more_comes__then_pythons_tick_tells_the_rest(native: Threads) -> None:
    plane = native.plane()
    publishing = Publishing(plane)
    publishing.line.watch_numbers(5)
    publishing.line.tell(0xA1, publishing.ssrc)  # no way out of its own: Python sends
    for number in range(1, 6):
        publishing.say(number, wide=number)
    assert taken(publishing, 5)
    time.sleep(0.11)
    plane.drain()
    plane.drain()
    opened = [publishing.replies.unprotect_rtcp(each) for each in publishing.owner.sent]
    told = [each for packet in opened for each in rtcp.parse(packet) if isinstance(each, TransportFeedback)]
    assert sum(len(each.arrivals) for each in told) == 5


def test_feedback__when_no_stream_may_be_named__then_nothing_is_told(native: Threads) -> None:
    plane = native.plane()
    publishing = Publishing(plane)
    publishing.line.watch_numbers(5)
    publishing.line.route(publishing.ours.fileno())
    publishing.line.tell(0xA1, 0)
    publishing.say(1, wide=1)
    assert taken(publishing, 1)
    time.sleep(0.11)
    publishing.say(2, wide=2)
    assert taken(publishing, 2)
    assert reports(publishing) == []


# What is read of a stream


def test_stream__when_nobody_records_it__then_it_is_counted_and_nothing_waits_for_python(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, _ = room(Publishing(plane), Watching(plane))
    publishing.fanout.tap(is_heard=False)
    say_pictures(publishing, 20)
    assert forwarded(plane, 20)
    assert heard(plane, lambda: publishing.keyframes_ns)
    assert publishing.taken == []
    assert publishing.stream.look_again().meters.received == 20
    publishing.fanout.tap(is_heard=True)
    say_pictures(publishing, 1, first=21)
    assert taken(publishing, 1)
    assert len(publishing.taken) == 1


def test_stream__when_packets_are_missing__then_they_are_asked_for_until_they_come(native: Threads) -> None:
    plane = native.plane()
    publishing, _ = room(Publishing(plane), Watching(plane))
    for number in (1, 2, 5):
        publishing.say(number)
    assert taken(publishing, 3)
    plane.drain()
    assert publishing.stream.is_troubled
    assert publishing.stream.losses.pending == 2
    late_ms = time.monotonic_ns() / 1e6 + 50
    assert publishing.stream.losses.due(late_ms) == [3, 4]
    assert publishing.stream.losses.due(late_ms) == []
    publishing.say(3)
    assert taken(publishing, 4)
    plane.drain()
    assert (publishing.stream.losses.pending, publishing.stream.losses.recovered) == (1, 1)
    block = publishing.stream.report_block(late_ms)
    assert block.packets_lost == 1
    assert block.fraction_lost == pytest.approx(0.2)
    publishing.stream.losses.forget()
    plane.drain()
    assert not publishing.stream.is_troubled


def test_stream__when_the_first_packet_is_missing__then_python_is_woken(native: Threads) -> None:
    plane = native.plane()
    publishing, _ = room(Publishing(plane), Watching(plane))
    woken: list[None] = []
    plane.on_trouble = lambda: woken.append(None)
    for number in (1, 2):
        publishing.say(number)
    assert taken(publishing, 2)
    assert not select.select([plane.lib.plane_event_fd(plane.handle)], [], [], 0)[0]
    publishing.say(4)
    assert took(lambda: select.select([plane.lib.plane_event_fd(plane.handle)], [], [], 0)[0])
    assert not woken
    plane.woken()
    assert woken
