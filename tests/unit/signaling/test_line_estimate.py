"""Which of two estimates holds for a viewer's line."""

from signaling.rtp.delay_trend import Usage
from signaling.rtp.send_history import SendHistory
from signaling.rtp.transport_cc import TransportFeedback
from signaling.watching.line_estimate import UNHEARD_REPORTS, LineEstimate

START_BPS = 8e6


def told(estimate: LineEstimate, history: SendHistory, now_ms: float) -> None:
    """Send one packet and let the browser tell that it came."""
    number = history.next(1000, now_ms)
    message = TransportFeedback(1, 2, number, 0, round(now_ms / 64), (4,))
    estimate.feedback(message, history, now_ms + 50, 50.0)


def test_estimate__browser_without_feedback__its_losses_and_remb_count() -> None:
    estimate, history = LineEstimate(start_bps=START_BPS), SendHistory()
    history.next(1000, 0.0)
    estimate.remb(300e3, 2e6, 100.0)
    estimate.report(0.0, 2e6, history, is_congested=False, now_ms=1000.0)
    assert not estimate.is_live
    assert estimate.limit_bps == 300e3
    assert estimate.usage is Usage.NORMAL


def test_estimate__feedback_comes__nothing_else_counts() -> None:
    estimate, history = LineEstimate(start_bps=START_BPS), SendHistory()
    for number in range(10):
        told(estimate, history, number * 100.0)
    estimate.remb(64e3, 2e6, 1000.0)
    estimate.report(0.5, 2e6, history, is_congested=True, now_ms=1000.0)
    assert estimate.is_live
    assert estimate.limit_bps == START_BPS


def test_estimate__feedback_ends_while_we_send__the_other_one_takes_over_after_some_seconds() -> None:
    estimate, history = LineEstimate(start_bps=START_BPS), SendHistory()
    told(estimate, history, 0.0)
    for second in range(2, 2 + UNHEARD_REPORTS):
        assert estimate.is_live
        history.next(1000, second * 1000.0)
        estimate.report(0.3, 2e6, history, is_congested=False, now_ms=second * 1000.0 + 10)
    assert not estimate.is_live
    assert estimate.limit_bps < START_BPS
    told(estimate, history, 9000.0)
    assert estimate.is_live


def test_estimate__nothing_is_sent_for_long__what_was_known_stays_in_force() -> None:
    estimate, history = LineEstimate(start_bps=400e3), SendHistory()
    told(estimate, history, 0.0)
    for second in range(1, 6):
        estimate.report(0.0, 0.0, history, is_congested=False, now_ms=second * 1000.0)
    assert estimate.is_live
    assert estimate.limit_bps < 600e3


def test_remb__of_a_browser_without_feedback__speaks_of_pictures_alone() -> None:
    estimate = LineEstimate(start_bps=START_BPS)
    estimate.voices_bps = 120e3
    for second in range(1, 6):  # pictures of 8 kbit/s: an estimate of 9 means that they fit
        estimate.remb(9e3, 128e3, second * 1000.0)
        estimate.report(0.0, 128e3, None, is_congested=False, now_ms=second * 1000.0)
    assert estimate.limit_bps >= START_BPS
    for second in range(6, 12):  # pictures of 2 Mbit/s: it means that the line is thin
        estimate.remb(100e3, 2120e3, second * 1000.0)
    assert estimate.limit_bps == 220e3  # and the voices still have their place beside it
