"""An exhibit from draft to ruling. Nothing is edited after submission: a supplement is a new version of its number.

    draft → submitted → checked → exchanged → shown → ruled
                     ↘ returned     (withdrawn: from submitted, checked, returned)

Exchanged means disclosed to the other sides. What was submitted in private is exchanged only after the court opened it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.exhibits.content import (
    ExhibitContent,
    check_complete,
    check_draft,
    checked_reason,
    content_sha256,
)
from hearing_server.domain.exhibits.sealing import Disclosure, Seal, SealDecision, check_decision
from hearing_server.errors import Conflict, Invalid
from hearing_server.filing.cases import Label
from hearing_server.kernel import CaseId, ExhibitId, HearingId, PartyId, PersonId

# The series of what the court itself collected (法院调取); parties' series are their party ids.
COURT_SERIES = "court"
# One series of a case: a civil case with more is sorted into bundles by its clerk.
MAX_IN_SERIES = 500
# What one side has begun and not submitted.
MAX_DRAFTS = 50
MAX_RULINGS = 20
MAX_SHOWINGS = 200


class ExhibitState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHECKED = "checked"
    RETURNED = "returned"
    EXCHANGED = "exchanged"
    SHOWN = "shown"
    RULED = "ruled"
    WITHDRAWN = "withdrawn"


# With the court, and with nobody else.
PENDING = (ExhibitState.SUBMITTED, ExhibitState.CHECKED, ExhibitState.RETURNED)
DISCLOSED = (ExhibitState.EXCHANGED, ExhibitState.SHOWN, ExhibitState.RULED)


class Result(StrEnum):
    """认定: 采信, 不予采信, 部分采信."""

    ADMITTED = "admitted"
    NOT_ADMITTED = "not_admitted"
    PARTLY = "partly"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done with an exhibit; `what` is the state it came to, or `disclosure`."""

    what: str
    by: PersonId
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Showing:
    """It was shown in a hearing (出示); the seconds and pages are the hearing's own record."""

    hearing_id: HearingId
    by: PersonId
    at: datetime
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The court's word on it, with its reason. A later one stands beside the earlier ones and holds."""

    result: Result
    reason: str
    by: PersonId
    at: datetime


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One version of one exhibit. `owners`: parties it is offered for; empty for the court's own.

    `number` counts from 1 within `series` without gaps and is given at submission, once; versions of it share it.
    `due_at`: the 举证期限 that held when it was submitted. `revision` rises at every change.
    """

    id: ExhibitId
    case_id: CaseId
    series: str
    owners: tuple[PartyId, ...]
    by_court: bool
    content: ExhibitContent
    created_by: PersonId
    created_at: datetime
    state: ExhibitState = ExhibitState.DRAFT
    revision: int = 1
    number: int | None = None
    label: Label | None = None
    version: int = 1
    supersedes: ExhibitId | None = None
    superseded_by: ExhibitId | None = None
    sealed: Seal | None = None
    due_at: datetime | None = None
    opinions_until: datetime | None = None
    steps: tuple[Step, ...] = ()
    showings: tuple[Showing, ...] = ()
    rulings: tuple[Ruling, ...] = ()

    @property
    def is_disclosed(self) -> bool:
        """Exchanged: whether others may see all of it is `sight.may_see`'s to say."""
        return self.state in DISCLOSED

    @property
    def submitted_at(self) -> datetime | None:
        return next((step.at for step in self.steps if step.what == ExhibitState.SUBMITTED), None)

    @property
    def exchanged_at(self) -> datetime | None:
        return next((step.at for step in self.steps if step.what == ExhibitState.EXCHANGED), None)

    @property
    def is_late(self) -> bool:
        """A fact (逾期举证), no decision: submitted after the time that held then."""
        return self.due_at is not None and self.submitted_at is not None and self.submitted_at > self.due_at

    @property
    def is_for_all(self) -> bool:
        """Whether every party of the case may see the whole of it."""
        if not self.is_disclosed:
            return False
        decision = self.sealed.decision if self.sealed else None
        is_whole = decision is not None and decision.kind is Disclosure.DISCLOSE and decision.to is None
        return self.sealed is None or is_whole

    @property
    def sha256(self) -> str:
        """Of the content, hex."""
        return content_sha256(self.content)

    def edited(self, content: ExhibitContent, sealed: Seal | None) -> Exhibit:
        """Errors: Conflict `exhibit.submitted`, Invalid `exhibit.text`, `exhibit.files`."""
        self._require((ExhibitState.DRAFT,))
        check_draft(content)
        return replace(self, content=content, sealed=sealed, revision=self.revision + 1)

    def submitted(
        self, *, by: PersonId, at: datetime, number: int, version: int, label: Label, due_at: datetime | None
    ) -> Exhibit:
        """Errors: Conflict `exhibit.state`, Invalid `exhibit.incomplete`."""
        self._require((ExhibitState.DRAFT,))
        check_complete(self.content)
        moved = self._moved(ExhibitState.SUBMITTED, by=by, at=at)
        return replace(moved, number=number, version=version, label=label, due_at=due_at)

    def checked(self, *, by: PersonId, at: datetime) -> Exhibit:
        """The clerk found it in order (已审核)."""
        self._require((ExhibitState.SUBMITTED,))
        self._require_newest()
        return self._moved(ExhibitState.CHECKED, by=by, at=at)

    def returned(self, *, by: PersonId, at: datetime, reason: str) -> Exhibit:
        """Back to its side, which supplements it (退回补正)."""
        self._require((ExhibitState.SUBMITTED, ExhibitState.CHECKED))
        self._require_newest()
        return self._moved(ExhibitState.RETURNED, by=by, at=at, reason=checked_reason(reason))

    def withdrawn(self, *, by: PersonId, at: datetime, reason: str) -> Exhibit:
        """Its side takes it back; after the exchange the others have seen it, and it stays."""
        if self.is_disclosed:
            raise Conflict(
                "exhibit.exchanged",
                zh="证据已交换，不能撤回",
                en="The exhibit was exchanged and can't be withdrawn",
            )
        self._require(PENDING)
        return self._moved(ExhibitState.WITHDRAWN, by=by, at=at, reason=checked_reason(reason, needed=False))

    def exchanged(self, *, by: PersonId, at: datetime, opinions_until: datetime | None) -> Exhibit:
        """Disclosed to the other sides. Errors: Conflict `exhibit.state`, `exhibit.superseded`, `exhibit.sealed`."""
        self._require((ExhibitState.CHECKED,))
        self._require_newest()
        self._require_open()
        return replace(self._moved(ExhibitState.EXCHANGED, by=by, at=at), opinions_until=opinions_until)

    def shown(
        self, *, hearing_id: HearingId, by: PersonId, at: datetime, page: int | None, to_all: bool
    ) -> Exhibit:
        """Shown in a hearing. Errors: Conflict `exhibit.not_exchanged`, `.not_for_all`; Invalid `exhibit.page`."""
        self._require_disclosed()
        if to_all and not self.is_for_all:
            raise Conflict(
                "exhibit.not_for_all",
                zh="该证据未向全体当事人披露，不能向全体出示",
                en="The exhibit isn't disclosed to every party; it can't be shown to all",
            )
        if page is not None and not 1 <= page <= self.content.pages:
            raise Invalid("exhibit.page", zh="没有这一页", en="There is no such page")
        moved = self
        if self.state is ExhibitState.EXCHANGED:
            moved = self._moved(ExhibitState.SHOWN, by=by, at=at)
        showing = Showing(hearing_id, by, at, page)
        if len(moved.showings) >= MAX_SHOWINGS:
            raise _too_many()
        return replace(moved, showings=(*moved.showings, showing), revision=self.revision + 1)

    def ruled(self, *, result: Result, reason: str, by: PersonId, at: datetime) -> Exhibit:
        """认定. Errors: Conflict `exhibit.not_exchanged`, Invalid `exhibit.reason`."""
        self._require_disclosed()
        if len(self.rulings) >= MAX_RULINGS:
            raise _too_many()
        ruling = Ruling(result, checked_reason(reason), by, at)
        moved = self._moved(ExhibitState.RULED, by=by, at=at, reason=ruling.reason)
        return replace(moved, rulings=(*self.rulings, ruling))

    def decided(self, decision: SealDecision) -> Exhibit:
        """The court's word on what was submitted in private. Errors as sealing.check_decision, Conflict `exhibit.…`."""
        if self.sealed is None:
            raise Conflict("exhibit.not_sealed", zh="该证据不是保密提交", en="The exhibit isn't sealed")
        self._require((*PENDING, *DISCLOSED))
        if len(self.sealed.decisions) >= MAX_RULINGS:
            raise _too_many()
        check_decision(decision, before=self.sealed.decision, is_exchanged=self.is_disclosed)
        sealed = replace(self.sealed, decisions=(*self.sealed.decisions, decision))
        step = Step("disclosure", decision.by, decision.at, decision.reason)
        return replace(self, sealed=sealed, steps=(*self.steps, step), revision=self.revision + 1)

    def superseded(self, by: ExhibitId | None) -> Exhibit:
        """A newer version took its place; None: that one was withdrawn, and this one counts again."""
        return replace(self, superseded_by=by, revision=self.revision + 1)

    def require_supplement(self) -> None:
        """Whether a new version of it may be begun. Errors: Conflict `exhibit.state`, `exhibit.superseded`."""
        self._require((*PENDING, ExhibitState.EXCHANGED, ExhibitState.SHOWN))
        self._require_newest()

    def _moved(self, state: ExhibitState, *, by: PersonId, at: datetime, reason: str = "") -> Exhibit:
        step = Step(state.value, by, at, reason)
        return replace(self, state=state, steps=(*self.steps, step), revision=self.revision + 1)

    def _require(self, states: tuple[ExhibitState, ...]) -> None:
        if self.state not in states:
            raise Conflict(
                "exhibit.state",
                zh="证据当前状态不能进行此操作，请刷新后查看",
                en="This can't be done with the exhibit now; look at it again",
            )

    def _require_newest(self) -> None:
        if self.superseded_by is not None:
            raise Conflict("exhibit.superseded", zh="该证据已有新版本", en="The exhibit has a newer version")

    def _require_open(self) -> None:
        if self.sealed is not None and not self.sealed.opens:
            raise Conflict(
                "exhibit.sealed",
                zh="保密提交的证据，须先由法官决定披露",
                en="The exhibit was submitted in private; the judge decides on its disclosure first",
            )

    def _require_disclosed(self) -> None:
        self._require_open()
        if not self.is_disclosed:
            raise Conflict(
                "exhibit.not_exchanged",
                zh="证据尚未交换，不能出示或认定",
                en="The exhibit wasn't exchanged; it can't be shown or ruled on",
            )


def _too_many() -> Conflict:
    return Conflict("exhibit.too_many", zh="次数已达上限", en="The limit is reached")
