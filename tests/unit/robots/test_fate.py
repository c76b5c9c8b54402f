"""The seeded line: what repeats, what each condition does, and that wrong words are named."""

import itertools

import pytest

from hearing_server.robots.network.conditions import Conditions, OneWay, parse
from hearing_server.robots.network.fate import Way


def rtp(sequence: int, *, ssrc: int = 7, payload_type: int = 111, size: int = 172) -> bytes:
    head = bytes([0x80, payload_type]) + sequence.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
    return head.ljust(size, b"x")


def fates(
    way: OneWay, *, seed: str = "s", packets: int = 2000, ssrc: int = 7, every_ms: float = 20.0
) -> list[bool]:
    line = Way(way, seed=seed)
    return [bool(line.due(rtp(n, ssrc=ssrc), 0, n * every_ms)) for n in range(packets)]


def test_way__with_the_same_seed__then_every_packet_meets_the_same_fate() -> None:
    way = OneWay(loss_share=0.1)
    assert fates(way, ssrc=7) == fates(way, ssrc=99)  # SSRCs are drawn anew in every run
    assert fates(way) != fates(way, seed="another")


def test_way__when_other_streams_share_the_line__then_a_stream_keeps_its_fate() -> None:
    way = OneWay(loss_share=0.1)
    line, alone = Way(way, seed="s"), fates(way, packets=500)
    mixed = []
    for n in range(500):
        mixed.append(bool(line.due(rtp(n), 0, n * 20.0)))
        line.due(rtp(n, ssrc=8, payload_type=96), 0, n * 20.0)
        line.due(b"\x00\x01" + bytes(30), 0, n * 20.0)
        line.due(rtp(n), 1, n * 20.0)
    assert mixed == alone


def test_way__when_another_condition_is_added__then_the_loss_stays_where_it_was() -> None:
    lossy = OneWay(loss_share=0.1)
    assert fates(lossy) == fates(OneWay(loss_share=0.1, jitter_ms=5, delay_ms=50, duplicate_share=0.2))


def test_loss__over_many_packets__is_the_share_that_was_asked() -> None:
    assert 0.08 < 1 - sum(fates(OneWay(loss_share=0.1), packets=5000)) / 5000 < 0.12


def test_gilbert__with_a_sticky_bad_state__loses_in_runs() -> None:
    kept = fates(OneWay(gilbert_enter_share=0.02, gilbert_leave_share=0.25), packets=5000)
    runs = "".join("1" if each else "0" for each in kept).split("1")
    lengths = [len(run) for run in runs if run]
    assert 2.5 < sum(lengths) / len(lengths) < 6  # 1 / 0.25
    assert max(lengths) >= 10


def test_burst__when_it_comes__then_it_is_as_long_as_asked_and_about_as_often() -> None:
    kept = fates(OneWay(burst_ms=300, burst_every_ms=5000), packets=50 * 60)  # a minute
    runs = [len(run) for run in "".join("1" if each else "0" for each in kept).split("1") if run]
    assert 8 <= len(runs) <= 18
    assert all(14 <= run <= 15 for run in runs)


def test_delay_and_jitter__then_packets_come_later_and_in_order() -> None:
    line = Way(OneWay(delay_ms=50, jitter_ms=30), seed="s")
    out = [line.due(rtp(n), 0, n * 5.0)[0] for n in range(400)]
    assert out == sorted(out)
    waits = [at - n * 5.0 for n, at in enumerate(out)]
    assert min(waits) >= 50
    assert 70 < max(waits) <= 80


def test_reorder__then_some_packets_are_overtaken() -> None:
    line = Way(OneWay(reorder_share=0.05, reorder_ms=30), seed="s")
    out = [line.due(rtp(n), 0, n * 5.0)[0] for n in range(1000)]
    assert 30 < sum(1 for before, after in itertools.pairwise(out) if after < before) < 80


def test_duplicate__then_two_copies_come_out() -> None:
    line = Way(OneWay(duplicate_share=1.0), seed="s")
    assert len(line.due(rtp(1), 0, 0.0)) == 2


def test_rate__when_more_is_offered__then_the_buffer_fills_and_the_tail_is_dropped() -> None:
    line = Way(OneWay(rate_bps=500_000, buffer_ms=200), seed="s")
    came = [line.due(rtp(n, size=1172), 0, n * 10.0) for n in range(1000)]  # 960 kbit/s for ten seconds
    passed = [(n * 10.0, due[0]) for n, due in enumerate(came) if due]
    bits = len(passed) * 1200 * 8
    assert 0.95 * 500_000 * 10 < bits < 1.05 * 500_000 * 10
    assert 180 < max(out - sent for sent, out in passed) < 230
    assert line.counts["overflow"] == 1000 - len(passed)


def test_mtu__when_a_packet_is_larger__then_it_never_passes() -> None:
    line = Way(OneWay(mtu_bytes=1200), seed="s")
    assert line.due(rtp(1, size=1172), 0, 0.0)
    assert not line.due(rtp(2, size=1173), 0, 0.0)


def test_media_only__then_checks_and_handshakes_pass() -> None:
    line = Way(OneWay(loss_share=1.0, is_media_only=True), seed="s")
    assert not line.due(rtp(1), 0, 0.0)
    assert line.due(b"\x00\x01" + bytes(30), 0, 0.0)
    assert line.due(b"\x16\xfe\xfd" + bytes(30), 0, 0.0)


def test_streams__when_somebody_invents_them__then_memory_is_bounded() -> None:
    line = Way(OneWay(), seed="s")
    for n in range(2000):
        line.due(rtp(1, ssrc=n), 0, 0.0)
    assert len(line._flows[0].streams) <= 256


def test_parse__with_both_sides_and_a_script__then_all_of_it_is_understood() -> None:
    found = parse(
        "loss=0.1, burst=300ms,up.delay=50ms,down.rate=500k,gilbert=0.02:0.25,blackout=15s@30s,move=5s"
    )
    assert found.up == OneWay(
        loss_share=0.1, burst_ms=300, delay_ms=50, gilbert_enter_share=0.02, gilbert_leave_share=0.25
    )
    assert found.down.rate_bps == 500_000
    assert found.down.delay_ms == 0
    assert (found.blackouts_s, found.moves_s) == (((15.0, 30.0),), (5.0,))
    assert parse("") == parse("none") == Conditions()


@pytest.mark.parametrize(
    "text", ["loss=2", "loss", "delay=50", "wind=3", "side.loss=0.1", "rate=-1k", "only=x"]
)
def test_parse__when_a_word_is_wrong__then_it_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=text.partition("=")[0]):
        parse(text)
