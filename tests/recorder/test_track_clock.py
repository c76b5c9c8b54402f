"""RTP timestamps on the hearing clock: skew, late starts, queues, and timestamps that lie."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from recorder.account.track_clock import ClockSurvey, TrackClock, lower_envelope, settle_clocks

NS_PER_S = 1_000_000_000
DELAY_NS = 30_000_000


@dataclass
class Sender:
    """A device: captures at true times, stamps with its own clock, and sends through a queue."""

    rate_hz: int
    step_ms: float
    skew_ppm: float = 0
    start_s: float = 3
    length_s: float = 120
    call: tuple[float, float] | None = None  # (at, lasting): nothing sent, timestamps stand still
    queue: tuple[float, float, float] | None = None  # (from, until, seconds of delay)
    encode_ms: float = 0
    reports: bool = True
    seed: int = 1

    def play(self) -> tuple[ClockSurvey, list[tuple[int, int, int]]]:
        """The survey, and (true capture ns, 32-bit timestamp, arrival ns) of every packet."""
        dice, survey = random.Random(self.seed), ClockSurvey(clock_rate_hz=self.rate_hz, sender="per_a")
        first, at_s, last_ns, slept_s, report_s = dice.randrange(1 << 32), self.start_s, 0, 0.0, 0.0
        sent: list[tuple[int, int, int]] = []
        while at_s < self.start_s + self.length_s:
            if self.call is not None and not slept_s and at_s >= self.call[0]:
                slept_s = self.call[1]
                at_s += slept_s
            device_s = (at_s - self.start_s - slept_s) * (1 + self.skew_ppm * 1e-6)
            timestamp = (first + int(device_s * self.rate_hz)) & 0xFFFFFFFF
            delay_s = self.encode_ms / 1000 + dice.expovariate(1 / 0.015)
            if self.queue is not None and self.queue[0] <= at_s < self.queue[1]:
                delay_s += self.queue[2]
            arrival_ns = max(int((at_s + delay_s) * NS_PER_S) + DELAY_NS, last_ns)
            last_ns = arrival_ns
            survey.packet(timestamp, arrival_ns)
            sent.append((int(at_s * NS_PER_S), timestamp, arrival_ns))
            if self.reports and at_s >= report_s:
                report_s = at_s + 1
                sender_s = 3_999_000_000 + at_s * (1 + self.skew_ppm * 1e-6)
                survey.report(int(sender_s) << 32 | int(sender_s % 1 * (1 << 32)), timestamp, arrival_ns)
            at_s += self.step_ms / 1000
        return survey, sent


def errors_ms(clock: TrackClock, sent: list[tuple[int, int, int]]) -> list[float]:
    """Hearing time minus (capture + the network's least delay)."""
    return [(clock.hearing_ns(timestamp, at) - true_ns - DELAY_NS) / 1e6 for true_ns, timestamp, at in sent]


def voice_and_picture(**changes: object) -> tuple[list[float], list[float]]:
    audio, said = Sender(48_000, 20, seed=3, **changes).play()  # type: ignore[arg-type]
    video, shown = Sender(90_000, 33.3, seed=4, encode_ms=25, **changes).play()  # type: ignore[arg-type]
    clocks = settle_clocks([audio, video])
    return errors_ms(clocks[0], said), errors_ms(clocks[1], shown)


@pytest.mark.parametrize("skew_ppm", [-200, 0, 200])
@pytest.mark.parametrize("start_s", [0.5, 40])
def test_clock__when_the_device_drifts__then_voice_and_lips_stay_within_5_ms(
    skew_ppm: float, start_s: float
) -> None:
    audio, video = voice_and_picture(skew_ppm=skew_ppm, start_s=start_s)
    assert max(map(abs, audio)) < 5
    assert max(map(abs, video)) < 5


def test_clock__when_there_are_no_reports__then_only_the_encoder_s_delay_remains() -> None:
    audio, video = voice_and_picture(skew_ppm=200, reports=False)
    assert max(map(abs, audio)) < 5
    assert min(video) > 20
    assert max(video) < 30


@pytest.mark.parametrize("reports", [True, False])
def test_clock__when_a_phone_call_stops_the_timestamps__then_time_goes_on_truthfully(reports: bool) -> None:
    audio, video = voice_and_picture(call=(30.0, 18.0), reports=reports)
    assert max(map(abs, audio)) < 5
    assert max(map(abs, video)) < (5 if reports else 40)


@pytest.mark.parametrize("reports", [True, False])
def test_clock__when_the_network_holds_packets_back__then_they_keep_their_time(reports: bool) -> None:
    audio, _ = voice_and_picture(queue=(20.0, 23.0, 1.5), skew_ppm=50, reports=reports)
    assert max(map(abs, audio)) < 5


def test_clock__when_reports_frame_a_long_queue__then_they_prove_it_is_no_lie() -> None:
    audio, _ = voice_and_picture(queue=(20.0, 35.0, 1.2))
    settled = [error for error in audio[:500]]
    assert max(map(abs, settled)) < 5


def test_clock__when_the_sender_sets_its_timestamps_anew__then_a_new_piece_begins() -> None:
    survey = ClockSurvey(clock_rate_hz=48_000, sender="per_a")
    sent = []
    for count in range(1000):
        timestamp = (count * 960 + (5_000_000_00 if count >= 500 else 0)) & 0xFFFFFFFF
        at_ns = count * 20_000_000 + DELAY_NS
        survey.packet(timestamp, at_ns)
        sent.append((count * 20_000_000, timestamp, at_ns))
    (clock,) = settle_clocks([survey])
    assert len(clock.pieces) == 2
    assert max(map(abs, errors_ms(clock, sent))) < 1


def test_clock__when_reports_speak_of_another_clock__then_arrival_decides() -> None:
    survey, sent = Sender(48_000, 20, reports=False, length_s=30).play()
    for at_s in range(4, 30):
        # A report whose RTP timestamp belongs to nothing: 10 s ahead, growing.
        survey.report((3_999_000_000 + 2 * at_s) << 32, sent[at_s][1], at_s * NS_PER_S)
    (clock,) = settle_clocks([survey])
    assert max(map(abs, errors_ms(clock, sent))) < 5


def test_clock__when_one_person_changes_the_device__then_each_has_its_own_offset() -> None:
    first, sent_first = Sender(48_000, 20, length_s=20, seed=5).play()
    second, sent_second = Sender(48_000, 20, start_s=40, length_s=20, skew_ppm=-150, seed=6).play()
    clocks = settle_clocks([first, second])
    assert max(map(abs, errors_ms(clocks[0], sent_first))) < 5
    assert max(map(abs, errors_ms(clocks[1], sent_second))) < 5


def test_clock__when_nothing_came__then_arrival_is_the_answer() -> None:
    (clock,) = settle_clocks([ClockSurvey(clock_rate_hz=48_000, sender="per_a")])
    assert clock.hearing_ns(123, 456) == 456


def test_envelope__when_delays_are_noisy__then_it_follows_the_lower_edge() -> None:
    dice = random.Random(2)
    points = [(n * NS_PER_S // 2, 1_000_000 + int(dice.expovariate(1 / 5e6))) for n in range(600)]
    curve = lower_envelope(points)
    assert all(900_000 <= value < 2_000_000 for value in curve.ys)
