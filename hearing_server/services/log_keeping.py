"""Everything that keeps the log of acts, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.services.act_receipts import ActReceipts
from hearing_server.services.checkpoints import Checkpoints
from hearing_server.services.public_log import PublicLog
from hearing_server.services.segment_acts import SegmentActs
from hearing_server.services.time_stamps import TimeStamps


@dataclass(frozen=True, slots=True)
class LogKeeping:
    """One instance each, as in `container.Services`."""

    checkpoints: Checkpoints
    time_stamps: TimeStamps
    receipts: ActReceipts
    segments: SegmentActs
    public: PublicLog
