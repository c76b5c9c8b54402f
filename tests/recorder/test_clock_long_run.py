"""Hours of hearing: lips and voice within 40 ms (p99), whatever devices and networks do to the timestamps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable

import pytest

from recorder.account.manifest import Mark
from recorder.account.track_clock import ClockSurvey, TrackClock, settle_clocks
from recorder.film.timeline import Timeline, build_timeline
from tests.recorder.long_call import Captured, LongCall, Report

GOAL_MS = 40.0
# Without sender reports nobody can tell a late picture from a late voice; every browser sends them.
WITHOUT_REPORTS_MS = 60.0


def _survey(rate_hz: int, arrivals: Iterable[Captured | Report]) -> tuple[ClockSurvey, list[Captured]]:
    packets: list[Captured] = []
    survey = ClockSurvey(clock_rate_hz=rate_hz, sender="per_a")
    for arrival in arrivals:
        if isinstance(arrival, Captured):
            survey.packet(arrival.timestamp, arrival.at_ns)
            if arrival.real:
                packets.append(arrival)
        else:
            survey.report(arrival.ntp, arrival.timestamp, arrival.at_ns)
    return survey, packets


def _shown(clock: TrackClock, packets: list[Captured], timeline: Timeline) -> list[tuple[int, float]]:
    """(captured ns, how much later the film has it, in ms) of every packet, by the film's own map."""
    return [
        (
            packet.true_ns,
            timeline.film_s(clock.hearing_ns(packet.timestamp, packet.at_ns)) * 1e3 - packet.true_ns / 1e6,
        )
        for packet in packets
    ]


def _offsets_ms(sound: list[tuple[int, float]], picture: list[tuple[int, float]]) -> list[float]:
    """Each picture against the sound captured nearest to it, where there is any within 100 ms."""
    moments = [at_ns for at_ns, _ in sound]
    found = []
    for at_ns, late_ms in picture:
        index = min(bisect_left(moments, at_ns), len(moments) - 1)
        if abs(moments[index] - at_ns) < 100_000_000:
            found.append(late_ms - sound[index][1])
    return found


def _p99(values: Iterable[float], measure: Callable[[float], float] = abs) -> float:
    ordered = sorted(map(measure, values))
    return ordered[len(ordered) * 99 // 100]


def _film_of(length_s: float) -> Timeline:
    whole_ns = int(length_s * 1e9)
    marks = [Mark("opened", "", 0), Mark("closed", "", whole_ns)]
    return build_timeline(duration_ns=whole_ns, pauses=(), marks=marks, incidents=())


def _measure(call: LongCall) -> tuple[float, float, float]:
    sound, said = _survey(48_000, call.sound())
    picture, seen = _survey(90_000, call.picture())
    clocks = settle_clocks([sound, picture])
    film = _film_of(call.length_s)
    heard, shown = _shown(clocks[0], said, film), _shown(clocks[1], seen, film)
    return (
        _p99(_offsets_ms(heard, shown)),
        _p99(late_ms for _, late_ms in heard),
        _p99(late_ms for _, late_ms in shown),
    )


@pytest.mark.parametrize("reports", [True, False])
@pytest.mark.parametrize(
    ("minutes", "seeds"),
    [(25.0, 1), pytest.param(480.0, 12, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
@pytest.mark.parametrize(("sound_ppm", "system_ppm"), [(200, -200), (-200, 200), (120, 120)])
def test_lips_and_voice__after_a_long_hearing__lie_within_the_goal(
    reports: bool, minutes: float, seeds: int, sound_ppm: float, system_ppm: float
) -> None:
    for seed in range(seeds):
        call = LongCall(seed, minutes * 60, sound_ppm, system_ppm, reports=reports)
        assert len(call.calls) >= minutes // 8
        offset_ms, sound_ms, picture_ms = _measure(call)
        assert offset_ms <= (GOAL_MS if reports else WITHOUT_REPORTS_MS), (seed, call.calls)
        # And neither runs away from the hearing: at most the network's own delay and a picture's encoding.
        assert max(sound_ms, picture_ms) <= 300, (seed, call.calls)
