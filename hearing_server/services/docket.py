"""The docket as a use-case of others: one line in their commit."""

from __future__ import annotations

from datetime import datetime

from hearing_server.filing.docket import DocketKind, docket_entry
from hearing_server.kernel import Actor, CaseId
from hearing_server.ports.units import Unit


async def enter_docket(
    unit: Unit,
    actor: Actor,
    case_id: CaseId,
    kind: DocketKind,
    *,
    at: datetime,
    detail: str = "",
    detail_en: str = "",
) -> None:
    """One docket line in the caller's unit."""
    entry = docket_entry(
        case_id,
        seq=await unit.cases.next_docket_seq(case_id),
        kind=kind,
        at=at,
        actor_name=actor.name,
        detail=detail,
        detail_en=detail_en,
    )
    await unit.cases.add_docket(entry)
