"""Sealed submissions (保密提交): to the court alone, with a ground, until the court says who may see what.

There is no private talk between a side and its judge: what is sent in private leaves a public stub, and nothing of it
may be used before it was disclosed. Sources: 民事诉讼法 art 71 (secrets and privacy are kept), 证据规定 art 60.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.case_space.lanes import SealedGround
from hearing_server.domain.exhibits.content import MAX_TITLE_CHARS, ExhibitFile, checked_reason
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import PartyId, PersonId


class Disclosure(StrEnum):
    """disclose: the whole exhibit; redacted: another version of it; keep: only the stub."""

    DISCLOSE = "disclose"
    REDACTED = "redacted"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Redacted:
    """What others get instead: the court's own words and another file."""

    title: str
    file: ExhibitFile


@dataclass(frozen=True, slots=True)
class SealDecision:
    """The court's word on one sealed exhibit. `to`: the parties it is for; None: all of the case."""

    kind: Disclosure
    to: tuple[PartyId, ...] | None
    reason: str
    by: PersonId
    at: datetime
    redacted: Redacted | None = None

    def reaches(self, party_ids: frozenset[PartyId]) -> bool:
        """Whether somebody who stands for these parties is meant."""
        if self.kind is Disclosure.KEEP:
            return False
        return self.to is None or not party_ids.isdisjoint(self.to)


@dataclass(frozen=True, slots=True)
class Seal:
    """The submitter's ground and reason, and what the court decided, oldest first. The last decision holds."""

    ground: SealedGround
    reason: str
    decisions: tuple[SealDecision, ...] = ()

    @property
    def decision(self) -> SealDecision | None:
        return self.decisions[-1] if self.decisions else None

    @property
    def opens(self) -> bool:
        """Whether the court has said that others may see it, or a version of it."""
        return self.decision is not None and self.decision.kind is not Disclosure.KEEP


def seal(ground: SealedGround, reason: str) -> Seal:
    """Errors: Invalid `exhibit.reason`."""
    return Seal(ground, checked_reason(reason))


def check_decision(decision: SealDecision, *, before: SealDecision | None, is_exchanged: bool) -> None:
    """Whether this decision can follow the one that holds.

    What others have seen can't be taken back: after the exchange a decision only lets more people see more.
    Errors: Invalid `disclosure.malformed`, Conflict `disclosure.taken_back`.
    """
    is_redacted = decision.kind is Disclosure.REDACTED
    title = decision.redacted.title if decision.redacted else ""
    is_named = 0 < len(title) <= MAX_TITLE_CHARS if is_redacted else decision.redacted is None
    has_people = decision.to is None if decision.kind is Disclosure.KEEP else decision.to != ()
    if not is_named or not has_people:
        raise Invalid(
            "disclosure.malformed",
            zh="决定不完整：披露须有对象，遮蔽版须有名称和文件",
            en="The decision is incomplete: a disclosure needs people, a redacted version a title and a file",
        )
    if is_exchanged and before is not None and not _widens(before, decision):
        raise Conflict(
            "disclosure.taken_back",
            zh="已交换的内容不能收回，只能扩大披露范围",
            en="What was exchanged can't be taken back; a decision can only disclose more",
        )


def _widens(before: SealDecision, after: SealDecision) -> bool:
    if after.kind is Disclosure.KEEP:
        return False
    if before.kind is Disclosure.DISCLOSE and after.kind is Disclosure.REDACTED:
        return False
    if before.kind is Disclosure.REDACTED and after.kind is Disclosure.REDACTED:
        return before.redacted == after.redacted and _covers(after.to, before.to)
    return _covers(after.to, before.to)


def _covers(wide: tuple[PartyId, ...] | None, narrow: tuple[PartyId, ...] | None) -> bool:
    return wide is None or (narrow is not None and set(narrow) <= set(wide))
