"""What one viewer's line carries: by its browser's transport-wide feedback, else by reports and its own estimate."""

from typing import Final

from signaling.rtp.delay_trend import Usage
from signaling.rtp.path_estimate import PathEstimate
from signaling.rtp.rates import LossEstimate
from signaling.rtp.send_history import WideHistory
from signaling.rtp.transport_cc import TransportFeedback
from signaling.watching.remb_gate import RembGate

CONGESTION_LOSS: Final = (
    0.2  # a full send buffer counts like this share of loss: the estimate falls by a tenth
)
UNHEARD_REPORTS: Final = 3  # seconds of sending without an echo: this browser reports no more


class LineEstimate:
    """`limit_bps` is what may be sent; `is_live` says that it comes from feedback."""

    def __init__(self, *, start_bps: float) -> None:
        self.path = PathEstimate(start_bps=start_bps)
        self.fallback = LossEstimate(start_bps=start_bps)
        self._gate = RembGate()
        self._unheard = 0  # reports in a row
        self.is_live = False
        self.voices_bps = 0.0  # sent without numbers: feedback does not speak of them

    @property
    def limit_bps(self) -> float:
        return self.path.limit_bps + self.voices_bps if self.is_live else self.fallback.limit_bps

    @property
    def usage(self) -> Usage:
        """What the line does with what is sent; always normal without feedback."""
        return self.path.usage if self.is_live else Usage.NORMAL

    def may_climb(self, now_ms: float) -> bool:
        """Pictures may get better now. Without feedback the estimate's own slowness is the only brake."""
        return not self.is_live or self.path.probes.may_climb(now_ms)

    def climbed(self, now_ms: float) -> None:
        """A picture got better."""
        self.path.probes.climbed(now_ms)

    def feedback(
        self, message: TransportFeedback, history: WideHistory, now_ms: float, rtt_ms: float | None
    ) -> bool:
        """Transport-wide feedback. True when less may be sent than before."""
        before_bps = self.limit_bps
        self.path.feedback(message, history, now_ms, rtt_ms)
        self.is_live = self.path.is_known
        self._unheard = 0
        return self.limit_bps < before_bps

    def remb(self, bitrate_bps: float, sent_bps: float, now_ms: float) -> None:
        """The browser's own estimate. One that sends feedback estimates from voices alone: then it says nothing."""
        if not self.is_live:
            # Only pictures carry send times: of voices such an estimate knows nothing.
            pictures_bps = max(0.0, sent_bps - self.voices_bps)
            self.fallback.remb(self._gate.heard(bitrate_bps, pictures_bps, now_ms) + self.voices_bps)

    def report(
        self,
        loss_ratio: float,
        sent_bps: float,
        history: WideHistory | None,
        *,
        is_congested: bool,
        now_ms: float,
    ) -> None:
        """Once a second: the losses by receiver reports; `is_congested`: our send buffer was full since."""
        if history is not None and self.is_live:
            is_unheard = self.path.is_unheard(history, now_ms)
            self._unheard = self._unheard + 1 if is_unheard else 0
            self.is_live = self._unheard < UNHEARD_REPORTS
        if history is not None and self.is_live:
            self.path.rested(history, now_ms)
        else:
            self.fallback.report(CONGESTION_LOSS if is_congested else loss_ratio, sent_bps)
