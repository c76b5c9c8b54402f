"""What an order leaves behind for people to read: a docket line and a card in the case space."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.hearing.hearings import Hearing, PauseKind
from hearing_server.domain.progress.nodes import NodeKind
from hearing_server.domain.roles import Action
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor
from hearing_server.ports.units import Unit
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.docket import enter_docket
from hearing_server.services.progress.node_pushes import post_node

_DOCKET = {
    Action.OPEN: DocketKind.HEARING_OPENED,
    Action.RESUME: DocketKind.HEARING_RESUMED,
    Action.SEAL: DocketKind.SEALING_BEGUN,
    Action.UNSEAL: DocketKind.SEALING_ENDED,
    Action.CLOSE: DocketKind.HEARING_CLOSED,
    Action.REOPEN: DocketKind.HEARING_REOPENED,
}
_PAUSES = {
    PauseKind.RECESS: DocketKind.HEARING_RECESSED,
    PauseKind.CLOSED_EXHIBIT: DocketKind.RECORD_PAUSED_FOR_EXHIBIT,
    PauseKind.MEDIATION: DocketKind.RECORD_PAUSED_FOR_MEDIATION,
}
_NODES = {Action.OPEN: NodeKind.HEARING_OPENED, Action.CLOSE: NodeKind.HEARING_CLOSED}


async def write_up(unit: Unit, actor: Actor, hearing: Hearing, action: Action, *, now: datetime) -> None:
    """Docket line and card of an order that changed the hearing's state, in the caller's unit."""
    kind, detail = _DOCKET.get(action), hearing.title
    if action is Action.RECESS and hearing.recess is not None:
        kind, detail = _PAUSES[hearing.recess.kind], hearing.recess.reason
    elif action is Action.SEAL and hearing.sealed is not None:
        detail = hearing.sealed.reason
    if kind is not None:
        await enter_docket(unit, actor, hearing.case_id, kind, at=now, detail=detail)
    facts = {"hearing_id": hearing.id, "title": hearing.title}
    if action is Action.REOPEN:
        await post_card(unit, hearing.case_id, Card.HEARING_REOPENED, facts, now=now)
    node = _NODES.get(action)
    if node is not None:
        # Closed, reopened, closed again are two closings.
        key = hearing.id if action is Action.OPEN else f"{hearing.id}:{hearing.version}"
        await post_node(unit, actor, hearing.case_id, node, facts, key=key, now=now)
