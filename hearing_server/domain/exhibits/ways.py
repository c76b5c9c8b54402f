"""What somebody can do with an exhibit now: rights, whose it is, and its state. The doors check each of it again."""

from __future__ import annotations

from hearing_server.domain.exhibits.exhibits import PENDING, Exhibit, ExhibitState
from hearing_server.domain.exhibits.sight import Sight, Viewer, handles, may_see
from hearing_server.domain.roles import Action, Capacity, can

_S = ExhibitState


def ways(exhibit: Exhibit, viewer: Viewer, capacity: Capacity) -> tuple[str, ...]:
    """Words of the protocol's `may`, in the order in which a page offers them."""
    sight = may_see(exhibit, viewer)
    if sight is Sight.NOTHING:
        return ()
    found = [
        *(_of_its_side(exhibit, viewer) if can(capacity, Action.EXHIBIT_SUBMIT) else ()),
        *_of_the_court(exhibit, capacity),
    ]
    is_others = not viewer.is_court and not viewer.owns(exhibit) and sight is not Sight.STUB
    open_to_words = exhibit.state in (_S.EXCHANGED, _S.SHOWN)
    if can(capacity, Action.EXHIBIT_OPINE) and is_others and open_to_words:
        found.append("opine")
    return tuple(found)


def _of_its_side(exhibit: Exhibit, viewer: Viewer) -> list[str]:
    if not handles(exhibit, viewer):
        return []
    if exhibit.state is _S.DRAFT:
        return ["edit", "submit", "discard"]
    found = []
    if exhibit.superseded_by is None and exhibit.state in (*PENDING, _S.EXCHANGED, _S.SHOWN):
        found.append("supplement")
    if exhibit.state in PENDING:
        found.append("withdraw")
    return found


def _of_the_court(exhibit: Exhibit, capacity: Capacity) -> list[str]:
    found, is_newest = [], exhibit.superseded_by is None
    if can(capacity, Action.EXHIBIT_CHECK) and is_newest:
        if exhibit.state is _S.SUBMITTED:
            found.append("check")
        if exhibit.state in (_S.SUBMITTED, _S.CHECKED):
            found.append("return")
    is_open = exhibit.sealed is None or exhibit.sealed.opens
    is_ready = exhibit.state is _S.CHECKED and is_newest and is_open
    if can(capacity, Action.EXHIBIT_EXCHANGE) and is_ready:
        found.append("exchange")
    is_filed = exhibit.state not in (_S.DRAFT, _S.WITHDRAWN)
    if can(capacity, Action.EXHIBIT_DISCLOSE) and exhibit.sealed is not None and is_filed:
        found.append("disclose")
    if can(capacity, Action.EXHIBIT_SHOW) and exhibit.is_disclosed:
        found.append("show")
    if can(capacity, Action.EXHIBIT_RULE) and exhibit.is_disclosed:
        found.append("rule")
    return found
