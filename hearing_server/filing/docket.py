"""The docket (案件流程记录): what happened in a case, in order, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.kernel import CaseId

# A docket line is one line on a phone; longer details belong to the document it speaks of.
MAX_DETAIL_CHARS = 120


class DocketKind(StrEnum):
    CASE_FILED = "case_filed"
    CASE_IMPORTED = "case_imported"
    PARTY_ADDED = "party_added"
    REPRESENTATIVE_ADDED = "representative_added"
    REPRESENTATIVE_ENDED = "representative_ended"
    HEARING_SCHEDULED = "hearing_scheduled"
    HEARING_CANCELLED = "hearing_cancelled"
    HEARING_MOVED = "hearing_moved"
    DOORS_CLOSED = "doors_closed"
    HEARING_DOORS_CLOSED = "hearing_doors_closed"
    HEARING_OPENED = "hearing_opened"
    HEARING_RECESSED = "hearing_recessed"
    HEARING_RESUMED = "hearing_resumed"
    RECORD_PAUSED_FOR_EXHIBIT = "record_paused_for_exhibit"
    RECORD_PAUSED_FOR_MEDIATION = "record_paused_for_mediation"
    SEALING_BEGUN = "sealing_begun"
    SEALING_ENDED = "sealing_ended"
    HEARING_CLOSED = "hearing_closed"
    HEARING_REOPENED = "hearing_reopened"
    PERSON_REMOVED = "person_removed"
    RECORDING_SEALED = "recording_sealed"
    RECORDING_FAILED = "recording_failed"
    PUBLICATION_SUBMITTED = "publication_submitted"
    PUBLICATION_CONFIRMED = "publication_confirmed"
    PUBLICATION_REJECTED = "publication_rejected"
    PUBLICATION_WITHDRAWN = "publication_withdrawn"
    PUBLICATION_OBJECTED = "publication_objected"
    PUBLICATION_ACCEPTED = "publication_accepted"
    PUBLICATION_OBJECTION_ANSWERED = "publication_objection_answered"
    BROADCAST_SUBMITTED = "broadcast_submitted"
    BROADCAST_OBJECTED = "broadcast_objected"
    BROADCAST_ACCEPTED = "broadcast_accepted"
    BROADCAST_OBJECTION_ANSWERED = "broadcast_objection_answered"
    BROADCAST_APPROVED = "broadcast_approved"
    BROADCAST_REJECTED = "broadcast_rejected"
    BROADCAST_CUT = "broadcast_cut"
    EXHIBIT_TERMS_SET = "exhibit_terms_set"
    EXHIBIT_SEALED = "exhibit_sealed"
    EXHIBIT_DISCLOSURE_DECIDED = "exhibit_disclosure_decided"
    EXHIBITS_EXCHANGED = "exhibits_exchanged"
    EXHIBIT_RULED = "exhibit_ruled"
    REMINDER_ISSUED = "reminder_issued"
    REMINDER_ACKNOWLEDGED = "reminder_acknowledged"


_TITLES: dict[DocketKind, tuple[str, str]] = {
    DocketKind.CASE_FILED: ("立案", "Case filed"),
    DocketKind.CASE_IMPORTED: ("案件导入", "Case imported"),
    DocketKind.PARTY_ADDED: ("增加当事人", "Party added"),
    DocketKind.REPRESENTATIVE_ADDED: ("增加诉讼代理人", "Representative added"),
    DocketKind.REPRESENTATIVE_ENDED: ("诉讼代理关系终止", "Representation ended"),
    DocketKind.HEARING_SCHEDULED: ("庭审排期", "Hearing scheduled"),
    DocketKind.HEARING_CANCELLED: ("取消庭审", "Hearing cancelled"),
    DocketKind.HEARING_MOVED: ("庭审改期", "Hearing moved"),
    DocketKind.DOORS_CLOSED: ("决定本案不公开审理", "Case to be heard behind closed doors"),
    DocketKind.HEARING_DOORS_CLOSED: ("决定本次庭审不公开审理", "Hearing to be held behind closed doors"),
    DocketKind.HEARING_OPENED: ("开庭", "Hearing opened"),
    DocketKind.HEARING_RECESSED: ("休庭", "Recess"),
    DocketKind.HEARING_RESUMED: ("恢复庭审", "Hearing resumed"),
    DocketKind.RECORD_PAUSED_FOR_EXHIBIT: (
        "不公开质证，暂停录制",
        "Exhibit examined in private, record paused",
    ),
    DocketKind.RECORD_PAUSED_FOR_MEDIATION: ("调解，暂停录制", "Mediation, record paused"),
    DocketKind.SEALING_BEGUN: ("封闭时段开始", "Sealed span begun"),
    DocketKind.SEALING_ENDED: ("封闭时段解除", "Sealed span ended"),
    DocketKind.HEARING_CLOSED: ("闭庭", "Hearing closed"),
    DocketKind.HEARING_REOPENED: ("撤销闭庭", "Closing undone"),
    DocketKind.PERSON_REMOVED: ("责令退出法庭", "Person ordered out"),
    DocketKind.RECORDING_SEALED: ("庭审录像封存", "Recording sealed"),
    DocketKind.RECORDING_FAILED: ("庭审录像故障", "Recording failed"),
    DocketKind.PUBLICATION_SUBMITTED: ("申报公开庭审录像", "Publication submitted"),
    DocketKind.PUBLICATION_CONFIRMED: ("庭审录像公开", "Recording made public"),
    DocketKind.PUBLICATION_REJECTED: ("不予公开庭审录像", "Publication rejected"),
    DocketKind.PUBLICATION_WITHDRAWN: ("撤回公开", "Publication withdrawn"),
    DocketKind.PUBLICATION_OBJECTED: ("对公开提出异议", "Objection to publication"),
    DocketKind.PUBLICATION_ACCEPTED: ("对公开无异议", "No objection to publication"),
    DocketKind.PUBLICATION_OBJECTION_ANSWERED: ("对公开异议作出处理", "Objection to publication answered"),
    DocketKind.BROADCAST_SUBMITTED: ("申请庭审直播", "Live broadcast applied for"),
    DocketKind.BROADCAST_OBJECTED: ("对直播提出异议", "Objection to the broadcast"),
    DocketKind.BROADCAST_ACCEPTED: ("对直播无异议", "No objection to the broadcast"),
    DocketKind.BROADCAST_OBJECTION_ANSWERED: ("对直播异议作出处理", "Objection to the broadcast answered"),
    DocketKind.BROADCAST_APPROVED: ("批准庭审直播", "Live broadcast approved"),
    DocketKind.BROADCAST_REJECTED: ("不予庭审直播", "Live broadcast refused"),
    DocketKind.BROADCAST_CUT: ("切断庭审直播", "Live broadcast cut"),
    # What is only between one side and the court (submitted, returned) stands in the acts, not here: all read this.
    DocketKind.EXHIBIT_TERMS_SET: ("确定举证期限", "Time for evidence set"),
    DocketKind.EXHIBIT_SEALED: ("保密提交证据", "Exhibit submitted in private"),
    DocketKind.EXHIBIT_DISCLOSURE_DECIDED: ("对保密证据作出决定", "Decision on a sealed exhibit"),
    DocketKind.EXHIBITS_EXCHANGED: ("交换证据", "Exhibits exchanged"),
    DocketKind.EXHIBIT_RULED: ("认定证据", "Exhibit ruled on"),
    DocketKind.REMINDER_ISSUED: ("发出强制提醒", "Reminder issued"),
    DocketKind.REMINDER_ACKNOWLEDGED: ("确认知悉提醒", "Reminder acknowledged"),
}


@dataclass(frozen=True, slots=True)
class DocketEntry:
    """One line for people to read; who did it with which rights is in the act log. `seq` counts from 1 without gaps."""

    case_id: CaseId
    seq: int
    kind: DocketKind
    title: str
    title_en: str
    at: datetime
    actor_name: str


def docket_entry(
    case_id: CaseId,
    *,
    seq: int,
    kind: DocketKind,
    at: datetime,
    actor_name: str,
    detail: str = "",
    detail_en: str = "",
) -> DocketEntry:
    """An entry with its title in both languages; `detail` follows after a colon, cut to 120 characters."""
    zh, en = _TITLES[kind]
    detail, detail_en = detail[:MAX_DETAIL_CHARS], (detail_en or detail)[:MAX_DETAIL_CHARS]
    return DocketEntry(
        case_id=case_id,
        seq=seq,
        kind=kind,
        title=f"{zh}：{detail}" if detail else zh,
        title_en=f"{en}: {detail_en}" if detail_en else en,
        at=at,
        actor_name=actor_name,
    )
