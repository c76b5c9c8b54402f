"""What an order leaves behind for people to read: a docket line and a card in the case space."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.hearings import Hearing
from hearing_server.domain.messages import Card
from hearing_server.domain.roles import Action
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor
from hearing_server.ports.units import Unit
from hearing_server.services.docket import enter_docket
from hearing_server.services.lanes import post_card

_DOCKET = {
    Action.OPEN: DocketKind.HEARING_OPENED,
    Action.RECESS: DocketKind.HEARING_RECESSED,
    Action.RESUME: DocketKind.HEARING_RESUMED,
    Action.CLOSE: DocketKind.HEARING_CLOSED,
    Action.REOPEN: DocketKind.HEARING_REOPENED,
}
_CARDS = {
    Action.OPEN: Card.HEARING_OPENED,
    Action.CLOSE: Card.HEARING_CLOSED,
    Action.REOPEN: Card.HEARING_REOPENED,
}


async def write_up(unit: Unit, actor: Actor, hearing: Hearing, action: Action, *, now: datetime) -> None:
    """Docket line and card of an order that changed the hearing's state, in the caller's unit."""
    kind = _DOCKET.get(action)
    if kind is not None:
        detail = hearing.recess.reason if action is Action.RECESS and hearing.recess else hearing.title
        await enter_docket(unit, actor, hearing.case_id, kind, at=now, detail=detail)
    card = _CARDS.get(action)
    if card is not None:
        await post_card(
            unit, hearing.case_id, card, {"hearing_id": hearing.id, "title": hearing.title}, now=now
        )
