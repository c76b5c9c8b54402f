"""An event as readers get it once later events have been read: corrected, withheld, with what it quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hearing_server.domain.case_space.amendments import Amendments, excerpt
from hearing_server.domain.case_space.bodies import TombstoneGround
from hearing_server.domain.case_space.messages import EventType, LaneEvent
from hearing_server.kernel import to_wire

View = dict[str, object]
SenderView = Callable[[LaneEvent], View | None]


def amended(
    view: View, event: LaneEvent, amendments: Amendments, quoted: LaneEvent | None, sender: SenderView
) -> View:
    """`view` with `corrections`, `withheld` and `quoted` where they apply; a withheld body is an empty object.

    This is one half of the law "snapshot + event = new snapshot"; `lane_amendments.ts` of the web client is the other.
    """
    tombstone = amendments.tombstone_of(event)
    if tombstone is not None:
        return {**view, "body": {}, "withheld": _withheld(tombstone, sender)}
    shown = dict(view)
    corrections = amendments.corrections.get(event.seq, ())
    if corrections:
        shown["corrections"] = [
            {"seq": one.seq, "text": one.body["text"], "server_time": to_wire(one.server_time)}
            for one in corrections
        ]
    if quoted is not None:
        shown["quoted"] = _quoted(quoted, amendments, sender, at_seq=event.seq)
    return shown


def _withheld(tombstone: LaneEvent, sender: SenderView) -> View:
    return {
        "seq": tombstone.seq,
        "at": to_wire(tombstone.server_time),
        "by": sender(tombstone),
        "ground": tombstone.body["ground"],
        "reason": tombstone.body["reason"],
        "by_author": tombstone.body["ground"] == TombstoneGround.WITHDRAWN,
    }


def _quoted(quoted: LaneEvent, amendments: Amendments, sender: SenderView, *, at_seq: int) -> View:
    is_withheld = amendments.tombstone_of(quoted) is not None
    shown: dict[str, object] = {
        "seq": quoted.seq,
        "type": quoted.type.value,
        "sender": sender(quoted),
        "excerpt": "" if is_withheld else excerpt(quoted, amendments, at_seq=at_seq),
        "is_withheld": is_withheld,
    }
    if quoted.type is EventType.AUDIO and not is_withheld:
        shown["duration_ms"] = quoted.body["duration_ms"]
    return shown


def body_weight(body: Mapping[str, object]) -> int:
    """Bytes a body may take at most on the wire, without writing it: four a character."""
    return sum(4 * len(str(value)) for value in body.values())
