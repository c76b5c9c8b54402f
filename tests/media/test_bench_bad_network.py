"""The goal of `bench.bad_network`, in a short run: what is spoken on a bad line is in the record."""

from bench.bad_network import CONDITIONS, Room
from hearing_server.robots.network.conditions import parse


async def test_voices__with_ten_percent_loss_and_bursts_both_ways__then_the_record_has_them() -> None:
    room = Room(parse(CONDITIONS["loss_10_bursts"] + ",every=3s"), seed=3)
    try:
        await room.begin()
        outcome = await room.measure(5.0)
    finally:
        await room.end()
    counts = [line.counts("up") for line in room.lines]
    assert all(count["lost"] > 20 and count["burst"] > 10 for count in counts), "the lines were not bad"
    assert outcome.recorded >= 0.99
    assert outcome.heard >= 0.95  # two lossy lines to a listener
