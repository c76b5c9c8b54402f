"""Publication (公开): applied for, told to the parties, heard, approved by a second official, withdrawn at once.

`submitted → public | rejected`, `public → withdrawn`; a withdrawal works in any state that isn't over. What is approved
is a copy of its own, by hash: the decider has seen exactly the bytes that everybody will be served.
Sources: 民事诉讼法 art 137; 直播录播规定 (法发〔2010〕48号) arts 2-5 (one case, one approval).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.publishing import objections
from hearing_server.domain.publishing.objections import Response, Responses, same_person
from hearing_server.domain.publishing.open_court import require_open
from hearing_server.domain.publishing.redactions import Redaction, check_redactions, redactions_sha256
from hearing_server.domain.recording.recordings import FilmState, Recording, RecordingState
from hearing_server.errors import Conflict, Invalid
from hearing_server.filing.cases import Case
from hearing_server.kernel import PersonId, PublicationId, RecordingId

MAX_TITLE_CHARS = 100
MAX_CAUSE_CHARS = 60
MAX_REASON_CHARS = 200


class PublicationState(StrEnum):
    SUBMITTED = "submitted"
    PUBLIC = "public"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class CopyState(StrEnum):
    QUEUED = "queued"
    COMPOSING = "composing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PublicCopy:
    """The derived film of one publication. `attempt` names its file; `source_sha256` is the record's root, in hex."""

    state: CopyState = CopyState.QUEUED
    attempt: int = 1
    sha256: str | None = None
    size_bytes: int | None = None
    duration_s: float | None = None
    source_sha256: str | None = None
    redactions_sha256: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What the public page will say, who asked, was heard, decided. Cause and number as they were when submitted.

    `objections_until` None: nobody was told yet (publications of before objections could be made).
    """

    id: PublicationId
    recording_id: RecordingId
    state: PublicationState
    title: str
    cause: str
    case_number: str
    court_name: str
    held_on: date
    duration_s: float
    submitted_by: PersonId
    submitted_at: datetime
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    published_at: datetime | None = None
    reason: str | None = None
    objections_until: datetime | None = None
    responses: tuple[Response, ...] = ()
    redactions: tuple[Redaction, ...] = ()
    copy: PublicCopy = PublicCopy()
    approved_sha256: str | None = None
    # Who has looked at which bytes, before the decision.
    previews: tuple[tuple[PersonId, str], ...] = ()

    @property
    def is_public(self) -> bool:
        return self.state is PublicationState.PUBLIC

    @property
    def is_waiting(self) -> bool:
        """Not decided yet."""
        return self.state is PublicationState.SUBMITTED

    def previewed(self, by: PersonId) -> Publication:
        """This person has looked at the copy as it is now."""
        assert self.copy.sha256 is not None
        return replace(self, previews=tuple({**dict(self.previews), by: self.copy.sha256}.items()))

    def redacted(self, rows: Iterable[Redaction], *, people: Iterable[PersonId]) -> Publication:
        """Another list: the copy is made anew. Errors: Conflict `publication.not_submitted`; Invalid `redaction.…`."""
        self.require_submitted()
        checked = check_redactions(rows, duration_s=self.duration_s, people=people)
        return replace(self, redactions=checked, copy=PublicCopy(attempt=self.copy.attempt + 1))

    def copying(self) -> Publication:
        return replace(self, copy=replace(self.copy, state=CopyState.COMPOSING))

    def copied(self, *, sha256: str, size_bytes: int, duration_s: float, source_sha256: str) -> Publication:
        """The copy lies ready to be looked at."""
        copy = PublicCopy(
            CopyState.READY, self.copy.attempt, sha256, size_bytes, duration_s, source_sha256,
            redactions_sha256(self.redactions),
        )  # fmt: skip
        return replace(self, copy=copy)

    def copy_failed(self, error: str) -> Publication:
        return replace(self, copy=replace(self.copy, state=CopyState.FAILED, error=error))

    def responded(self, by: PersonId, *, objects: bool, reason: str, at: datetime) -> Publication:
        """A party's word. Errors as objections.respond, Conflict `publication.not_submitted`."""
        self.require_submitted()
        until = self.objections_until
        return self._with(
            objections.respond(self.responses, by=by, objects=objects, reason=reason, until=until, at=at)
        )

    def answered(
        self, person_id: PersonId, *, by: PersonId, upheld: bool, text: str, at: datetime
    ) -> Publication:
        """The decider's answer. Errors as objections.answer, Conflict `publication.not_submitted`."""
        self.require_submitted()
        return self._with(
            objections.answer(
                self.responses,
                person_id,
                by=by,
                submitted_by=self.submitted_by,
                upheld=upheld,
                text=text,
                at=at,
            )
        )

    def confirmed(
        self, by: PersonId, *, case: Case, hearing: Hearing, copy_sha256: str, at: datetime
    ) -> Publication:
        """Public from now on, these bytes and no others.

        Errors: Forbidden `publication.same_person`; Conflict `publication.not_submitted`, `.closed_hearing`,
        `.copy_not_ready`, `.other_copy`, `.not_previewed`, `objection.…`.
        """
        self._require_second_person(by)
        require_open(case, hearing)
        if self.copy.state is not CopyState.READY:
            raise Conflict(
                "publication.copy_not_ready", zh="公开版尚未生成", en="The public copy isn't ready yet"
            )
        if copy_sha256 != self.copy.sha256:
            raise Conflict(
                "publication.other_copy",
                zh="公开版已变更，请重新预览",
                en="The copy has changed; look at it again",
            )
        if (by, copy_sha256) not in self.previews:
            raise Conflict(
                "publication.not_previewed", zh="请先预览公开版", en="Look at the public copy first"
            )
        objections.require_heard(self.responses, case, until=self.objections_until, at=at)
        return replace(
            self,
            state=PublicationState.PUBLIC,
            decided_by=by,
            decided_at=at,
            published_at=at,
            approved_sha256=copy_sha256,
        )

    def rejected(self, by: PersonId, *, at: datetime, reason: str) -> Publication:
        """不予公开, with its reason."""
        self._require_second_person(by)
        return replace(
            self, state=PublicationState.REJECTED, decided_by=by, decided_at=at, reason=check_reason(reason)
        )

    def withdrawn(self, by: PersonId, *, at: datetime, reason: str) -> Publication:
        """Works at once, also on one that still waits; one person suffices: shielding people can't wait for a second.

        Errors: Conflict `publication.not_public`.
        """
        if self.state not in (PublicationState.PUBLIC, PublicationState.SUBMITTED):
            raise Conflict(
                "publication.not_public", zh="该录像未公开或已撤回", en="It isn't public, or was withdrawn"
            )
        return replace(
            self, state=PublicationState.WITHDRAWN, decided_by=by, decided_at=at, reason=check_reason(reason)
        )

    def require_submitted(self) -> None:
        if self.state is not PublicationState.SUBMITTED:
            raise Conflict(
                "publication.not_submitted", zh="该申报已处理", en="This publication has been decided"
            )

    def _require_second_person(self, by: PersonId) -> None:
        self.require_submitted()
        if by == self.submitted_by:
            raise same_person()

    def _with(self, responses: Responses) -> Publication:
        return replace(self, responses=responses)


def submit_publication(
    recording: Recording,
    hearing: Hearing,
    case: Case,
    *,
    id: PublicationId,
    title: str,
    cause: str,
    existing: Publication | None,
    by: PersonId,
    at: datetime,
    held_on: date,
    objections_until: datetime,
    redactions: Iterable[Redaction] = (),
) -> Publication:
    """申报公开. `held_on` is the court-local day; `existing` the recording's newest publication.

    Errors: Conflict `recording.not_sealed`, `film.not_ready`, `publication.closed_hearing`, `publication.exists`;
    Invalid `publication.title`, `publication.cause`, `redaction.…`.
    """
    title, cause = title.strip(), cause.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARS:
        raise Invalid(
            "publication.title", zh="标题应为 1 至 100 字", en="The title must have 1 to 100 characters"
        )
    if not 1 <= len(cause) <= MAX_CAUSE_CHARS:
        raise Invalid(
            "publication.cause", zh="案由应为 1 至 60 字", en="The cause must have 1 to 60 characters"
        )
    require_open(case, hearing)
    if recording.state is not RecordingState.SEALED:
        raise Conflict("recording.not_sealed", zh="录音录像尚未封存", en="The recording isn't sealed yet")
    film = recording.film
    if film.state is not FilmState.READY or film.duration_s is None:
        raise Conflict("film.not_ready", zh="影像尚未合成完成", en="The film isn't ready yet")
    if existing is not None and existing.state in (PublicationState.SUBMITTED, PublicationState.PUBLIC):
        raise Conflict(
            "publication.exists", zh="该录像已申报或已公开", en="It has been submitted or is public already"
        )
    people = [member.person_id for member in case.members()]
    rows = check_redactions(redactions, duration_s=film.duration_s, people=people)
    return Publication(
        id, recording.id, PublicationState.SUBMITTED, title, cause, str(case.number), case.court.name, held_on,
        film.duration_s, by, at, objections_until=objections_until, redactions=rows,
    )  # fmt: skip


def check_reason(reason: str) -> str:
    """1 to 200 characters. Errors: Invalid `publication.reason`."""
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARS:
        raise Invalid(
            "publication.reason",
            zh="请填写理由（最多 200 字）",
            en="A reason of 1 to 200 characters is needed",
        )
    return reason
