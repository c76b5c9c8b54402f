"""A browser's download estimate is believed only when it says less than what is being sent, for long enough."""

from signaling.watching.remb_gate import FREE, RembGate


def test_gate__when_the_estimate_lags_after_a_step_up__then_it_is_not_believed() -> None:
    gate = RembGate()
    assert gate.heard(300_000, 500_000, 0) == FREE
    assert gate.heard(400_000, 500_000, 1000) == FREE
    assert gate.heard(600_000, 500_000, 1500) == FREE
    assert gate.heard(400_000, 500_000, 4000) == FREE, "the lag was over in between"


def test_gate__when_it_stays_below_or_falls_to_less_than_half__then_it_limits() -> None:
    gate = RembGate()
    gate.heard(400_000, 500_000, 0)
    assert gate.heard(410_000, 500_000, 2600) == 410_000
    assert RembGate().heard(100_000, 500_000, 0) == 100_000


def test_gate__when_it_has_limited__then_a_better_layer_is_tried_later_and_later() -> None:
    gate, now_ms, holds = RembGate(), 0.0, []
    for _ in range(3):
        gate.heard(100_000, 500_000, now_ms)
        started = now_ms
        while gate.heard(200_000, 100_000, now_ms) != FREE:
            now_ms += 1000
        holds.append(now_ms - started)
    assert holds == [8000, 16000, 32000]
