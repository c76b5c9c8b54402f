"""Nodes of a case (节点): what everybody on it is told, once: one card, one push, one line of the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.kernel import CaseId, PersonId, to_wire


class NodeKind(StrEnum):
    CASE_FILED = "case_filed"
    CASE_ACCEPTED = "case_accepted"
    HEARING_SCHEDULED = "hearing_scheduled"
    HEARING_MOVED = "hearing_moved"
    HEARING_STARTING_SOON = "hearing_starting_soon"
    HEARING_OPENED = "hearing_opened"
    HEARING_CLOSED = "hearing_closed"
    HEARING_CANCELLED = "hearing_cancelled"
    TRANSCRIPT_TO_SIGN = "transcript_to_sign"
    RECORDING_AVAILABLE = "recording_available"
    JUDGMENT_SERVED = "judgment_served"


# Who misses one of these may miss a hearing or a time limit: by SMS when a person has no quieter channel.
BY_SMS = frozenset(
    {
        NodeKind.HEARING_MOVED,
        NodeKind.HEARING_STARTING_SOON,
        NodeKind.TRANSCRIPT_TO_SIGN,
        NodeKind.JUDGMENT_SERVED,
    }
)
# Told in time or not at all: a push that a hearing starts soon is a lie two hours later.
FRESH_FOR_S: dict[NodeKind, int] = {
    NodeKind.HEARING_STARTING_SOON: 15 * 60,
    NodeKind.HEARING_OPENED: 30 * 60,
}


@dataclass(frozen=True, slots=True)
class Node:
    """`dedup_key` says what happened: a repeat of the cause makes no second node. `facts` are plain words and ids."""

    id: str
    case_id: CaseId
    kind: NodeKind
    dedup_key: str
    at: datetime
    actor_id: PersonId
    facts: Mapping[str, str]

    def is_fresh(self, now: datetime) -> bool:
        limit = FRESH_FOR_S.get(self.kind)
        return limit is None or (now - self.at).total_seconds() <= limit


def node_link(node: Node) -> str:
    """The page a push leads to."""
    hearing, recording = node.facts.get("hearing_id"), node.facts.get("recording_id")
    if recording:
        return f"/recordings/{recording}"
    if hearing and node.kind in (
        NodeKind.HEARING_SCHEDULED,
        NodeKind.HEARING_MOVED,
        NodeKind.HEARING_STARTING_SOON,
        NodeKind.HEARING_OPENED,
    ):
        return f"/hearings/{hearing}/lobby"
    return f"/cases/{node.case_id}/progress"


# What stands on a lock screen: no names, no case, no subject. `plain` when the person asked for no more than this.
PLAIN_PREVIEW = ("法院通知", "您有一条新的案件进展，请打开查看。")
_WORDS: dict[NodeKind, str] = {
    NodeKind.CASE_FILED: "您的案件已立案。",
    NodeKind.CASE_ACCEPTED: "您的案件已受理。",
    NodeKind.HEARING_SCHEDULED: "已安排在线庭审，请打开查看时间。",
    NodeKind.HEARING_MOVED: "庭审时间有变动，请打开查看。",
    NodeKind.HEARING_STARTING_SOON: "庭审即将开始，请打开并提前候场。",
    NodeKind.HEARING_OPENED: "庭审已经开始，请打开进入。",
    NodeKind.HEARING_CLOSED: "庭审已结束。",
    NodeKind.HEARING_CANCELLED: "庭审已取消，请等待另行通知。",
    NodeKind.TRANSCRIPT_TO_SIGN: "庭审笔录待您核对签名。",
    NodeKind.RECORDING_AVAILABLE: "庭审录像已可查看。",
    NodeKind.JUDGMENT_SERVED: "有法律文书送达，请打开签收。",
}


def preview(kind: NodeKind, *, in_words: bool) -> tuple[str, str]:
    """Title and text of a push: what happened only when the person wished for it, never to whom or in what case."""
    return (PLAIN_PREVIEW[0], _WORDS[kind]) if in_words else PLAIN_PREVIEW


def node_view(node: Node) -> dict[str, object]:
    """One line of the timeline (docs/PROTOCOL.md)."""
    return {
        "kind": node.kind.value,
        "at": to_wire(node.at),
        "facts": dict(node.facts),
        "link": node_link(node),
        "is_ahead": False,
    }
