"""不公开审理: why a case or a hearing is held behind closed doors, by which article, and who ordered it.

Sources: 民事诉讼法 (2023) art 137 (open unless 国家秘密, 个人隐私 or the law says otherwise; 离婚 and 商业秘密 on a
party's application), 未成年人保护法 (2024) art 103 (nothing that shows who a minor in a case is), 在线诉讼规则 art 27.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import PersonId

MAX_REASON_CHARS = 200


class Ground(StrEnum):
    STATE_SECRET = "state_secret"
    PRIVACY = "privacy"
    MINOR = "minor"
    TRADE_SECRET = "trade_secret"
    DIVORCE = "divorce"
    OTHER_LAW = "other_law"


@dataclass(frozen=True, slots=True)
class GroundRule:
    """A ground in words, its article, and whether it holds only where a party has asked."""

    zh: str
    en: str
    law: str
    law_en: str
    on_request: bool = False


_OPEN_UNLESS = ("《民事诉讼法》第一百三十七条第一款", "Civil Procedure Law, art. 137(1)")
_ON_REQUEST = ("《民事诉讼法》第一百三十七条第二款", "Civil Procedure Law, art. 137(2)")

GROUNDS: dict[Ground, GroundRule] = {
    Ground.STATE_SECRET: GroundRule("涉及国家秘密", "State secret", *_OPEN_UNLESS),
    Ground.PRIVACY: GroundRule("涉及个人隐私", "Personal privacy", *_OPEN_UNLESS),
    Ground.MINOR: GroundRule(
        "涉及未成年人",
        "A minor is concerned",
        "《民事诉讼法》第一百三十七条第一款、《未成年人保护法》第一百零三条",
        "Civil Procedure Law, art. 137(1); Law on the Protection of Minors, art. 103",
    ),
    Ground.TRADE_SECRET: GroundRule("涉及商业秘密（依申请）", "Trade secret, on request", *_ON_REQUEST, True),
    Ground.DIVORCE: GroundRule("离婚案件（依申请）", "Divorce, on request", *_ON_REQUEST, True),
    Ground.OTHER_LAW: GroundRule("法律另有规定", "Another provision of law", *_OPEN_UNLESS),
}
# What a clerk's table may say.
GROUND_WORDS: dict[str, Ground] = {
    "国家秘密": Ground.STATE_SECRET, "个人隐私": Ground.PRIVACY, "未成年人": Ground.MINOR,
    "商业秘密": Ground.TRADE_SECRET, "离婚": Ground.DIVORCE, "其他": Ground.OTHER_LAW,
    **{rule.zh: ground for ground, rule in GROUNDS.items()},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClosedDoors:
    """The order. `request`: who asked and how, for grounds that need it. It is never lifted: what was said under it
    was said behind closed doors. `by` None: taken over from another system.
    """

    ground: Ground
    reason: str
    request: str
    by: PersonId | None
    at: datetime

    @property
    def rule(self) -> GroundRule:
        return GROUNDS[self.ground]


def close_doors(
    ground: Ground, *, reason: str, request: str = "", by: PersonId | None, at: datetime
) -> ClosedDoors:
    """An order with its reason. Errors: Invalid `closed_doors.reason`, `closed_doors.request`."""
    reason, request = reason.strip(), request.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARS:
        raise Invalid(
            "closed_doors.reason",
            zh="请写明不公开审理的理由（最多 200 字）",
            en="An order to close the doors needs its reason (1 to 200 characters)",
        )
    if len(request) > MAX_REASON_CHARS or (GROUNDS[ground].on_request and not request):
        raise Invalid(
            "closed_doors.request",
            zh="该事由须依当事人申请，请写明何人如何申请",
            en="This ground needs a party's request: say who asked, and how",
        )
    return ClosedDoors(ground, reason, request, by, at)


def doors_ordered() -> Conflict:
    return Conflict(
        "closed_doors.ordered", zh="已决定不公开审理", en="The doors have been ordered closed already"
    )
