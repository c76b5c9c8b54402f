"""The forwarding thread while all around it changes: keys, ways, identities, storms of openings, hostile datagrams."""

import os
import random
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from signaling.native.plane import Line, Peer
from signaling.paths.guards import MAX_SOURCES
from tests.unit.signaling.native.threads import (
    Owner,
    Publishing,
    Threads,
    Watching,
    forwarded,
    heard,
    last_octets,
    packet,
    picture,
    room,
    say_pictures,
    threads,
    took,
    wire,
)


@pytest.fixture
def native() -> Iterator[Threads]:
    with threads() as made:
        yield made


# Keys, ways and identities that change while packets flow


def test_line__when_keys_and_ways_change_while_packets_flow__then_each_packet_is_whole_or_absent(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    rng = random.Random(7)
    number = good = 0
    for turn in range(150):
        for _ in range(5):
            number += 1
            publishing.say(number, payload=picture(number, keyframe=True))
        change = rng.choice(
            (publishing.use_new_keys, watching.use_new_keys, publishing.move, watching.move, plane.drain)
        )
        if turn % 2:
            time.sleep(0.002)
            plane.drain()
            good += len(watching.received())
        change()
    forwarded, failed, _ = plane.facts()
    assert 0 < good <= forwarded
    assert failed == 0
    publishing.say(number + 1, payload=picture(number + 1, keyframe=True))
    assert took(lambda: last_octets(watching.received())[-1:] == [number + 1 & 0xFF])


def test_line__when_its_socket_closes__then_its_number_is_not_used_for_the_next_socket(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    ours, _ = wire()
    peer = Peer(plane, ours.fileno(), 0, publishing.others.append)  # not this line's peer: still its way out
    watching.line.route(ours.fileno())
    say_pictures(publishing, 1)
    assert forwarded(plane, 1)
    peer.close()
    number = ours.fileno()
    ours.close()
    stranger = [wire() for _ in range(4)]
    assert number in [each.fileno() for pair in stranger for each in pair], "the system gives it out again"
    say_pictures(publishing, 2, first=2)
    assert forwarded(plane, 3)
    plane.drain()
    assert len(watching.owner.sent) == 2, "handed back, not sent to a stranger"


def test_handles__when_one_outlives_its_thing__then_it_does_not_reach_the_next(native: Threads) -> None:
    plane = native.plane()
    publishing = Publishing(plane)
    stale = Watching(plane, ssrc=1)
    plane.lib.leg_shut(plane.handle, stale.leg.number)
    for number in range(2, 200):  # more than one turn through the table
        watching = Watching(plane, ssrc=number)
        watching.watch(publishing)
        stale.leg.rewriter.pause()
        plane.lib.leg_shut(plane.handle, stale.leg.number)
        say_pictures(publishing, 1, first=number)
        assert forwarded(plane, number - 1)
        watching.close()
        publishing.fanout.hear([])


def test_sources__when_a_peer_makes_up_ssrcs__then_memory_for_them_is_bounded(native: Threads) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    for ssrc in range(10_000, 10_000 + MAX_SOURCES + 500):
        publishing.say(1, ssrc=ssrc)
        if ssrc % 64 == 0:  # not faster than its socket takes them
            time.sleep(0.002)
    assert heard(plane, lambda: publishing.line.counters()[1] == 500)
    assert len(publishing.owner.unknown) == MAX_SOURCES
    say_pictures(publishing, 2)
    assert forwarded(plane, 2), "its known stream goes on"
    assert len(watching.received()) == 2


# Storms


def test_storm__when_everything_opens_and_closes_while_packets_flow__then_nothing_is_left_behind(
    native: Threads,
) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    files = len(os.listdir("/proc/self/fd"))
    stop = threading.Event()
    number = 0

    def flow() -> None:
        nonlocal number
        while not stop.is_set():
            number += 1
            publishing.say(number, payload=picture(number, keyframe=True))
            watching.raw()

    sender = threading.Thread(target=flow)
    sender.start()
    rng = random.Random(11)
    open_now: list[Publishing | Watching] = []
    opened = 0
    try:
        while opened < 1500:
            if len(open_now) < 20 or rng.random() < 0.4:
                opened += 1
                if rng.random() < 0.5:
                    viewer = Watching(plane, ssrc=1000 + opened, is_tcp=rng.random() < 0.3)
                    viewer.watch(publishing)
                    open_now.append(viewer)
                else:
                    publisher = Publishing(plane, ssrc=1000 + opened)
                    watching.watch(publisher)
                    open_now.append(publisher)
            elif rng.random() < 0.2:
                open_now[rng.randrange(len(open_now))].line.close()  # before what hangs on it
            else:
                open_now.pop(rng.randrange(len(open_now))).close()
                publishing.fanout.hear([watching.leg])
            plane.drain()
    finally:
        stop.set()
        sender.join()
    for each in open_now:
        each.close()
    plane.drain()
    assert (len(plane.lines), len(plane.streams), len(plane.peers)) == (2, 1, 1)
    assert len(os.listdir("/proc/self/fd")) <= files
    again = Watching(plane, ssrc=9)
    assert again.leg.number & plane.lib.HANDLE_PLACES <= 512, "places are used again"
    again.close()
    watching.leg.rewriter.select(publishing.ssrc)
    watching.raw()
    before = plane.facts()[0]
    publishing.fanout.hear([watching.leg])
    publishing.say(number + 1, payload=picture(1, keyframe=True))
    assert took(lambda: plane.facts()[0] > before), "and it still forwards"


def test_hostile__when_datagrams_of_every_shape_come__then_good_packets_still_pass(native: Threads) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    rng = random.Random(3)
    for _ in range(3000):
        junk = bytearray(rng.randbytes(rng.choice((0, 1, 2, 11, 12, 21, 22, 40, 1200, 2048, 4000))))
        if len(junk) > 12 and rng.random() < 0.7:
            struct.pack_into("!BBHII", junk, 0, 0x80 | rng.randrange(64), rng.randrange(256), 1, 2, 1234)
        publishing.phone.send(junk)
        if rng.random() < 0.02:
            plane.drain()
    good = bytearray(publishing.session.protect(packet(1, ssrc=1234, payload=picture(1, keyframe=True))))
    for at in range(len(good)):
        bent = bytes(good[:at]) + bytes([good[at] ^ 1]) + bytes(good[at + 1 :])
        publishing.phone.send(bent)
    publishing.phone.send(good)
    assert heard(plane, lambda: plane.facts()[0] == 1)
    assert last_octets(watching.received()) == [1]
    assert publishing.line.counters()[0] > 100


def test_plane__when_closed_with_everything_open__then_late_orders_do_nothing(native: Threads) -> None:
    plane = native.plane()
    publishing, watching = room(Publishing(plane), Watching(plane))
    say_pictures(publishing, 10)
    plane.close()
    plane.close()
    watching.leg.rewriter.select(5)
    publishing.line.receive(b"\x80" * 40, 1)
    line = Line.__new__(Line)
    line.plane, line.number = plane, 1
    assert (line.newest, line.counters()) == (-1, (0, 0))
    for each in (publishing, watching):
        each.close()
    assert plane.facts()[0] == 0
    assert Owner().sent == []


LEAVING = """
import threading, time
from tests.unit.signaling.native.threads import Publishing, Threads, Watching, room, say_pictures
from tests.native_library import library
native = Threads(library())
plane = native.plane()
publishing, watching = room(Publishing(plane), Watching(plane))
def flow():
    for first in range(1, 10**6, 50):
        say_pictures(publishing, 50, first=first)
threading.Thread(target=flow, daemon=True).start()
while not plane.facts()[0] > 100: time.sleep(0.01)
"""


def test_process__when_it_ends_without_closing_the_thread__then_it_ends_well(native: Threads) -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
