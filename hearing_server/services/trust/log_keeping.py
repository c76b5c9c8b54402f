"""Everything that keeps the log of acts, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.ports.measures import Measure
from hearing_server.services.trust.act_receipts import ActReceipts
from hearing_server.services.trust.checkpoints import Checkpoints
from hearing_server.services.trust.public_log import PublicLog
from hearing_server.services.trust.segment_acts import SegmentActs
from hearing_server.services.trust.time_stamps import TimeStamps


@dataclass(frozen=True, slots=True)
class LogKeeping:
    """One instance each, as in `container.Services`."""

    checkpoints: Checkpoints
    time_stamps: TimeStamps
    receipts: ActReceipts
    segments: SegmentActs
    public: PublicLog

    async def measures(self) -> list[Measure]:
        """How large the log is, what of it is signed by nobody yet, and how many of those who vouch are well."""
        status, stamps = await self.checkpoints.status(), self.time_stamps.status()
        vouching = [status.signer, *status.witnesses, *((stamps,) if stamps else ())]
        return [
            Measure("hearing_log_acts", "Acts in the log", status.size, is_total=True),
            Measure(
                "hearing_log_unsigned_acts", "Acts under no checkpoint yet", status.size - status.signed_size
            ),
            *(
                Measure(
                    "hearing_log_vouching",
                    "1: well, 0: down or refusing",
                    not one.code,
                    part=("who", one.name),
                )
                for one in vouching
            ),
        ]
