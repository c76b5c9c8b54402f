"""The estimate of a viewer's line on synthetic links: finds the capacity, is not fooled by losses, recovers, probes."""

from __future__ import annotations

import pytest

from signaling.rtp.delay_trend import Usage
from signaling.rtp.path_estimate import OVERDUE_MS, PathEstimate
from signaling.rtp.send_history import SendHistory
from signaling.rtp.transport_cc import LOST, TransportFeedback
from tests.unit.rtp.links import Link, Scene


def constant(bps: float) -> Link:
    return Link(lambda now_ms: bps)


@pytest.mark.parametrize("capacity_bps", [500e3, 2e6])
@pytest.mark.parametrize("jitter_ms", [0.0, 10.0])
def test_estimate__line_is_full__settles_just_below_its_capacity(
    capacity_bps: float, jitter_ms: float
) -> None:
    link = Link(lambda now_ms: capacity_bps, jitter_ms=jitter_ms)
    scene = Scene(link).run(40)
    assert 0.85 * capacity_bps < scene.mean_limit_bps(20) < 1.05 * capacity_bps
    assert scene.worst_queue_ms(20) < 150
    assert max(limit for at, limit in scene.limits if at > 2500) < 1.3 * capacity_bps, "found within seconds"


@pytest.mark.parametrize("loss", [0.1, 0.2])
def test_estimate__radio_loses_whatever_is_sent__is_not_taken_for_congestion(loss: float) -> None:
    link = Link(lambda now_ms: 50e6, loss=loss)
    scene = Scene(link, demand_bps=lambda limit: min(limit, 2e6)).run(30)
    assert scene.mean_limit_bps(15) > 2e6
    if loss > 0.15:  # a tenth may pass without ever being asked about
        assert scene.estimate.own_loss == pytest.approx(loss, abs=0.06)


def test_estimate__policer_without_a_queue__is_found_by_its_losses() -> None:
    scene = Scene(Link(lambda now_ms: 500e3, queue_ms=20)).run(30)
    assert 250e3 < scene.mean_limit_bps(15) < 550e3


def test_estimate__burst_of_300_ms_is_lost__changes_little() -> None:
    link = constant(50e6)
    scene = Scene(link, demand_bps=lambda limit: min(limit, 1e6)).run(10)
    before_bps = scene.estimate.limit_bps
    link.loss = 1.0
    scene.run(0.3)
    link.loss = 0.0
    scene.run(5)
    assert scene.estimate.limit_bps == before_bps


def test_estimate__a_tenth_and_bursts_are_lost_for_a_minute__hardly_ever_lowers() -> None:
    link = Link(lambda now_ms: 50e6, loss=0.1, seed=3)
    scene = Scene(link, demand_bps=lambda limit: min(limit, 1.6e6))
    for _ in range(12):
        link.loss = 0.1
        scene.run(4.7)
        link.loss = 1.0
        scene.run(0.3)
    assert sum(limit > 1.6e6 for _, limit in scene.limits) > 0.9 * len(scene.limits)


def test_estimate__wild_jitter_on_an_empty_line__stays_calm() -> None:
    link = Link(lambda now_ms: 50e6, jitter_ms=30)
    scene = Scene(link, demand_bps=lambda limit: min(limit, 2e6)).run(30)
    assert scene.estimate.limit_bps == 8e6


def test_estimate__somebody_else_fills_the_line_for_a_while__gives_way_and_comes_back() -> None:
    link = Link(lambda now_ms: 2e6, cross_bps=lambda now_ms: 1.2e6 if 15e3 < now_ms < 25e3 else 0.0)
    scene = Scene(link).run(24.5)
    assert 500e3 < scene.mean_limit_bps(3) < 1.0e6
    scene.run(25)
    assert scene.mean_limit_bps(5) > 1.7e6


def layered(limit_bps: float) -> float:
    """What a camera in three layers takes of a limit."""
    return 1.7e6 if limit_bps >= 1.7e6 else 500e3 if limit_bps >= 500e3 else 150e3


def test_probe__line_recovered_from_a_dip__the_better_layers_are_back_within_seconds() -> None:
    link = Link(lambda now_ms: 400e3 if 10e3 < now_ms < 20e3 else 3e6)
    scene = Scene(link, demand_bps=layered)
    scene.needed_bps = 2.04e6
    scene.run(20)
    assert scene.estimate.limit_bps < 400e3
    scene.run(15)
    assert scene.estimate.limit_bps >= 2.04e6
    assert scene.estimate.probes.passed >= 2
    assert scene.worst_queue_ms(5) < 60


def test_probe__line_does_not_carry_more__backs_off_and_disturbs_little() -> None:
    scene = Scene(constant(1e6), demand_bps=layered)
    scene.needed_bps = 2.04e6
    scene.run(120)
    assert scene.estimate.limit_bps < 1.2e6
    assert scene.estimate.probes.passed == 0
    assert 2 <= scene.estimate.probes.failed <= 7, "each failure lengthens the pause"
    disturbed = [queue for at, queue in scene.queues_ms if at > 10e3 and queue > 60]
    assert len(disturbed) < 0.02 * len(scene.queues_ms)
    assert scene.worst_queue_ms(100) < 200


def test_probe__line_without_losses_or_queue__is_asked_only_for_what_is_needed() -> None:
    scene = Scene(constant(50e6), demand_bps=lambda limit: 500e3).run(5)
    history = scene.history
    assert scene.estimate.wants_probe(5e6, history, scene.now_ms) is None, "the limit says yes already"
    target = scene.estimate.wants_probe(9e6, history, scene.now_ms)
    assert target == pytest.approx(9e6 * 1.05)
    assert scene.estimate.wants_probe(9e6, history, scene.now_ms) is None, "one at a time"


def test_estimate__same_seed__same_numbers() -> None:
    def run() -> list[tuple[float, float]]:
        return Scene(Link(lambda now_ms: 700e3, loss=0.05, jitter_ms=8, seed=9)).run(15).limits

    assert run() == run()


def test_feedback__numbers_never_sent_or_told_twice__change_nothing() -> None:
    estimate, history = PathEstimate(), SendHistory()
    message = TransportFeedback(1, 2, 0, 0, 0, (0, 4, LOST, 8))
    assert not estimate.feedback(message, history, 10.0)
    assert not estimate.is_known, "feedback about nothing is no feedback"
    for number in range(4):
        history.next(1000, number)
    estimate.feedback(message, history, 20.0)
    for number in range(5):
        estimate.feedback(message._replace(base=0x7000), history, 30.0 + number)
        estimate.feedback(message, history, 30.0 + number)
    assert estimate.limit_bps == PathEstimate().limit_bps
    assert estimate.usage is Usage.NORMAL


def test_is_unheard__feedback_stops_while_we_send__is_told() -> None:
    scene = Scene(constant(1e6)).run(2)
    assert scene.estimate.is_known
    assert not scene.estimate.is_unheard(scene.history, scene.now_ms)
    later_ms = scene.now_ms + OVERDUE_MS + 200
    assert not scene.estimate.is_unheard(scene.history, later_ms), "silence of ours is not silence of theirs"
    scene.history.next(1000, later_ms - 1)
    assert scene.estimate.is_unheard(scene.history, later_ms)


def test_rested__nothing_is_sent__what_was_known_slowly_goes_stale() -> None:
    scene = Scene(constant(400e3)).run(10)
    known_bps = scene.estimate.limit_bps
    scene.estimate.rested(scene.history, scene.now_ms)
    assert scene.estimate.limit_bps == known_bps < 500e3
    for second in range(4, 24):
        scene.estimate.rested(scene.history, scene.now_ms + second * 1000)
    assert 2 * known_bps < scene.estimate.limit_bps < 6 * known_bps


@pytest.mark.parametrize("demand_bps", [0.6e6, 1.6e6])
@pytest.mark.parametrize("jitter_ms", [0.0, 10.0])
def test_estimate__way_becomes_150_ms_longer__is_no_queue(demand_bps: float, jitter_ms: float) -> None:
    link = Link(lambda now_ms: 50e6, jitter_ms=jitter_ms)
    scene = Scene(link, demand_bps=lambda limit: min(limit, demand_bps)).run(20)
    before_bps = scene.estimate.limit_bps
    link.delay_ms += 150
    scene.run(5)
    assert scene.estimate.limit_bps >= before_bps
    assert scene.estimate.queue_ms < 30, "the longer way is the empty line now"


def test_estimate__line_becomes_thin_at_once__is_not_taken_for_a_longer_way() -> None:
    link = Link(lambda now_ms: 2e6 if now_ms < 20_000 else 400e3)
    scene = Scene(link, demand_bps=lambda limit: min(limit, 1.6e6)).run(21.2)
    assert scene.estimate.limit_bps < 1e6
    scene.run(5)
    assert scene.estimate.limit_bps < 450e3


@pytest.mark.parametrize(("share", "late_ms"), [(0.05, 30.0), (0.2, 50.0)])
def test_estimate__packets_overtake_each_other__is_no_queue(share: float, late_ms: float) -> None:
    class Shuffled(Link):
        def send(self, size_bytes: int, now_ms: float) -> float | None:
            at_ms = super().send(size_bytes, now_ms)
            return at_ms + late_ms if at_ms is not None and self._chance.random() < share else at_ms

    scene = Scene(Shuffled(lambda now_ms: 50e6), demand_bps=lambda limit: min(limit, 1.6e6)).run(20)
    assert scene.estimate.limit_bps >= 4e6
