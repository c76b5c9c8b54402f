"""The hearing (庭审) as a state machine: scheduled → lobby → in_session ⇄ recess → closed, or cancelled.

Every transition answers a new frozen hearing with a higher `version` and the facts that happened. What the hearing
needs from outside (time, ids, whether the recording is proven) comes in as arguments. The record may be paused for
three reasons and no other; what is recorded and shown to nobody is a sealed span (`sealed_spans.py`).
Sources: 民事诉讼法 arts 140, 149 (opening, closing); 录音录像规定 arts 1, 3
(recorded from opening to closing, broken only by recess, closed exhibit, mediation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.domain.hearing.participants import Participant
from hearing_server.errors import Conflict, Invalid, NotFound, Unavailable
from hearing_server.filing.closed_doors import ClosedDoors
from hearing_server.kernel import CaseId, HearingId, PersonId

# A closing by a slip of the finger can be undone for a minute; the recorder seals only afterwards.
CLOSE_UNDO_S = 60
# The waiting room opens with the first arrival, an hour ahead at most: enough to help a party with their phone.
LOBBY_LEAD_MIN = 60
MAX_REASON_CHARS = 200


class HearingState(StrEnum):
    SCHEDULED = "scheduled"
    LOBBY = "lobby"
    IN_SESSION = "in_session"
    RECESS = "recess"
    CLOSED = "closed"
    CANCELLED = "cancelled"


RUNNING = (HearingState.IN_SESSION, HearingState.RECESS)
# From the first arrival until the end: when people may be checked, tested, admitted.
BEFORE_THE_END = (HearingState.SCHEDULED, HearingState.LOBBY, *RUNNING)


class HearingFactKind(StrEnum):
    SCHEDULED = "hearing_scheduled"
    LOBBY_OPENED = "hearing_lobby_opened"
    OPENED = "hearing_opened"
    RECESSED = "hearing_recessed"
    RESUMED = "hearing_resumed"
    SEALING_BEGUN = "hearing_sealing_begun"
    SEALING_ENDED = "hearing_sealing_ended"
    CLOSED = "hearing_closed"
    REOPENED = "hearing_reopened"
    CANCELLED = "hearing_cancelled"
    MOVED = "hearing_moved"
    DOORS_CLOSED = "hearing_doors_closed"
    ARRIVED = "participant_arrived"
    ADMITTED = "participant_admitted"
    JOINED = "participant_joined"
    LEFT = "participant_left"
    REMOVED = "participant_removed"
    REMOVAL_LIFTED = "participant_removal_lifted"
    MUTED = "participant_muted"
    UNMUTED = "participant_unmuted"
    CONSENT_DECIDED = "consent_decided"
    IDENTITY_CHECKED = "identity_checked"
    SELF_TESTED = "self_tested"
    CONNECTION_CHANGED = "connection_changed"
    PAGE_CHANGED = "page_changed"


@dataclass(frozen=True, slots=True)
class HearingFact:
    """Something that happened in a hearing. `person_ids` are those it happened to; `note` a reason or a new state."""

    kind: HearingFactKind
    hearing_id: HearingId
    at: datetime
    person_ids: tuple[PersonId, ...] = ()
    note: str = ""


class PauseKind(StrEnum):
    """Why a record may be paused (录音录像规定 art 3): 休庭, 不公开质证, 不宜录制的调解. There is no fourth."""

    RECESS = "recess"
    CLOSED_EXHIBIT = "closed_exhibit"
    MEDIATION = "mediation"

    @property
    def holds_room(self) -> bool:
        """In a recess nobody hears anybody; an exhibit or a mediation goes on, only the record stands still."""
        return self is PauseKind.RECESS


@dataclass(frozen=True, slots=True)
class Recess:
    """A pause of the hearing's record, of any kind."""

    reason: str
    since: datetime
    resumes_at: datetime | None
    kind: PauseKind = PauseKind.RECESS


@dataclass(frozen=True, slots=True)
class SealedSpan:
    """封闭时段: recorded, and kept in the court's original alone. `until` None while it lasts."""

    reason: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sitting:
    """One stretch in session; `ended_at` None while it lasts."""

    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """One hearing with everybody in it."""

    id: HearingId
    case_id: CaseId
    title: str
    starts_at: datetime
    duration_min: int
    state: HearingState
    version: int
    participants: tuple[Participant, ...]
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    recess: Recess | None = None
    sittings: tuple[Sitting, ...] = ()
    sealed_spans: tuple[SealedSpan, ...] = ()
    speaker: PersonId | None = None
    cancel_reason: str | None = None
    # 不公开审理 of this hearing alone; the case may have an order of its own.
    closed_doors: ClosedDoors | None = None

    @property
    def undo_close_until(self) -> datetime | None:
        """Until when the closing can be undone; None when it isn't closed."""
        if self.state is not HearingState.CLOSED or self.closed_at is None:
            return None
        return self.closed_at + timedelta(seconds=CLOSE_UNDO_S)

    @property
    def sealed(self) -> SealedSpan | None:
        """The sealed span in force. Only an order ends it: neither a recess nor a closing that may be undone does."""
        last = self.sealed_spans[-1] if self.sealed_spans else None
        return last if last is not None and last.until is None else None

    @property
    def is_room_held(self) -> bool:
        """Nobody hears anybody: before opening, in a recess, after closing."""
        if self.state is HearingState.RECESS and self.recess is not None:
            return self.recess.kind.holds_room
        return self.state is not HearingState.IN_SESSION

    def is_final(self, now: datetime) -> bool:
        """Nothing can change any more: cancelled, or closed and the minute is over."""
        until = self.undo_close_until
        return self.state is HearingState.CANCELLED or (until is not None and now > until)

    def lobby_opens_at(self) -> datetime:
        return self.starts_at - timedelta(minutes=LOBBY_LEAD_MIN)

    def in_session_s(self, now: datetime) -> int:
        """Whole seconds in session so far, recesses left out."""
        spans = ((sitting.ended_at or now) - sitting.began_at for sitting in self.sittings)
        return int(sum((span.total_seconds() for span in spans), 0.0))

    def find(self, person_id: PersonId) -> Participant | None:
        return next((person for person in self.participants if person.person_id == person_id), None)

    def participant(self, person_id: PersonId) -> Participant:
        """The person's place; NotFound when they have none."""
        found = self.find(person_id)
        if found is None:
            raise NotFound()
        return found


Change = tuple[Hearing, tuple[HearingFact, ...]]


def open_lobby(hearing: Hearing, *, at: datetime) -> Change:
    """The first arrival opens the lobby; a lobby that is open (or left behind) stays as it is."""
    if hearing.state in (HearingState.LOBBY, *RUNNING):
        return hearing, ()
    if hearing.state is not HearingState.SCHEDULED:
        raise wrong_state(hearing, "hearing.over", "排期", "the schedule")
    return changed(hearing, HearingFactKind.LOBBY_OPENED, at, state=HearingState.LOBBY)


def open_session(hearing: Hearing, *, at: datetime, recording_is_proven: bool) -> Change:
    """开庭: no proof of writing, no hearing.

    Errors: Conflict `hearing.not_in_lobby`; Unavailable `recording.not_proven`.
    """
    if hearing.state is not HearingState.LOBBY:
        raise wrong_state(hearing, "hearing.not_in_lobby", "候场", "the lobby")
    require_proof(recording_is_proven)
    return changed(
        hearing, HearingFactKind.OPENED, at,
        state=HearingState.IN_SESSION, opened_at=at, sittings=(Sitting(at),),
    )  # fmt: skip


def take_recess(
    hearing: Hearing,
    *,
    at: datetime,
    reason: str,
    resumes_at: datetime | None = None,
    kind: PauseKind = PauseKind.RECESS,
) -> Change:
    """休庭, or another lawful pause of the record.

    Errors: Conflict `hearing.not_in_session`; Invalid `hearing.reason`, `hearing.resumes_at`.
    """
    if hearing.state is not HearingState.IN_SESSION:
        raise wrong_state(hearing, "hearing.not_in_session", "开庭", "session")
    reason = check_reason(reason)
    if resumes_at is not None and resumes_at <= at:
        raise Invalid("hearing.resumes_at", zh="恢复时间应晚于现在", en="The time of resuming must lie ahead")
    return changed(
        hearing, HearingFactKind.RECESSED, at,
        note=reason if kind is PauseKind.RECESS else f"{kind}: {reason}", state=HearingState.RECESS,
        recess=Recess(reason, at, resumes_at, kind), sittings=_ended(hearing.sittings, at), speaker=None,
    )  # fmt: skip


def resume(hearing: Hearing, *, at: datetime, recording_is_proven: bool) -> Change:
    """恢复庭审. Errors: Conflict `hearing.not_in_recess`; Unavailable `recording.not_proven`."""
    if hearing.state is not HearingState.RECESS:
        raise wrong_state(hearing, "hearing.not_in_recess", "休庭", "recess")
    require_proof(recording_is_proven)
    return changed(
        hearing, HearingFactKind.RESUMED, at,
        state=HearingState.IN_SESSION, recess=None, sittings=(*hearing.sittings, Sitting(at)),
    )  # fmt: skip


def close(hearing: Hearing, *, at: datetime) -> Change:
    """闭庭, from session or recess; 60 s to undo. Errors: Conflict `hearing.not_running`."""
    if hearing.state not in RUNNING:
        raise wrong_state(hearing, "hearing.not_running", "开庭或休庭", "session or recess")
    return changed(
        hearing, HearingFactKind.CLOSED, at,
        state=HearingState.CLOSED, closed_at=at, sittings=_ended(hearing.sittings, at), speaker=None,
    )  # fmt: skip


def reopen(hearing: Hearing, *, at: datetime) -> Change:
    """Undo the closing within 60 s; back to session, or to the recess it was closed from.

    Errors: Conflict `hearing.not_closed`, `hearing.undo_expired`.
    """
    until = hearing.undo_close_until
    if until is None or hearing.closed_at is None:
        raise wrong_state(hearing, "hearing.not_closed", "闭庭", "the closed state")
    if at > until:
        raise Conflict(
            "hearing.undo_expired",
            zh="闭庭已超过一分钟，不能撤销",
            en="The minute to undo the closing is over",
        )
    if hearing.recess is not None:
        return changed(hearing, HearingFactKind.REOPENED, at, state=HearingState.RECESS, closed_at=None)
    # Undone, not resumed: the sitting goes on as if never closed, and the recorder never stopped.
    last = replace(hearing.sittings[-1], ended_at=None)
    return changed(
        hearing, HearingFactKind.REOPENED, at,
        state=HearingState.IN_SESSION, closed_at=None, sittings=(*hearing.sittings[:-1], last),
    )  # fmt: skip


def cancel(hearing: Hearing, *, at: datetime, reason: str) -> Change:
    """取消, before opening only. Errors: Conflict `hearing.already_opened`."""
    if hearing.state not in (HearingState.SCHEDULED, HearingState.LOBBY):
        raise wrong_state(hearing, "hearing.already_opened", "排期或候场", "the schedule or the lobby")
    reason = check_reason(reason)
    return changed(
        hearing,
        HearingFactKind.CANCELLED,
        at,
        note=reason,
        state=HearingState.CANCELLED,
        cancel_reason=reason,
    )


def require_proof(recording_is_proven: bool) -> None:
    if not recording_is_proven:
        raise Unavailable(
            "recording.not_proven",
            zh="录音录像尚未确认写入，暂不能开庭",
            en="The recording isn't proven to be written yet; the hearing can't open",
        )


def check_reason(reason: str) -> str:
    """A reason people will read in the record: 1 to 200 characters."""
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON_CHARS:
        raise Invalid(
            "hearing.reason",
            zh=f"请填写事由（最多 {MAX_REASON_CHARS} 字）",
            en="A reason of 1 to 200 characters is needed",
        )
    return reason


def with_person(
    hearing: Hearing, participant: Participant, kind: HearingFactKind | None, at: datetime, *, note: str = ""
) -> Change:
    """The hearing with this participant's new state; nothing when nothing changed. `kind` None: no fact to keep."""
    if hearing.find(participant.person_id) == participant:
        return hearing, ()
    people = tuple(
        participant if person.person_id == participant.person_id else person
        for person in hearing.participants
    )
    changed = replace(hearing, participants=people, version=hearing.version + 1)
    if kind is None:
        return changed, ()
    return changed, (HearingFact(kind, hearing.id, at, (participant.person_id,), note),)


def require_before_the_end(hearing: Hearing) -> None:
    if hearing.state not in BEFORE_THE_END:
        raise Conflict("hearing.over", zh="庭审已结束或已取消", en="The hearing is over or was cancelled")


def changed(
    hearing: Hearing, kind: HearingFactKind, at: datetime, *, note: str = "", **values: object
) -> Change:
    """The hearing with new values, a higher version, and the one fact that says so."""
    after = replace(hearing, version=hearing.version + 1, **values)  # type: ignore[arg-type]
    return after, (HearingFact(kind, hearing.id, at, (), note),)


def _ended(sittings: tuple[Sitting, ...], at: datetime) -> tuple[Sitting, ...]:
    """The running sitting ended at `at`; a list whose last sitting has ended stays."""
    if not sittings or sittings[-1].ended_at is not None:
        return sittings
    return (*sittings[:-1], replace(sittings[-1], ended_at=at))


def wrong_state(hearing: Hearing, code: str, zh_wanted: str, en_wanted: str) -> Conflict:
    """What an order says that this state doesn't allow."""
    return Conflict(
        code,
        zh=f"当前庭审状态为“{STATE_WORDS[hearing.state][0]}”，此操作需在“{zh_wanted}”状态进行",
        en=f"The hearing is {STATE_WORDS[hearing.state][1]}; this needs {en_wanted}",
    )


STATE_WORDS: dict[HearingState, tuple[str, str]] = {
    HearingState.SCHEDULED: ("已排期", "scheduled"),
    HearingState.LOBBY: ("候场", "in the lobby"),
    HearingState.IN_SESSION: ("开庭中", "in session"),
    HearingState.RECESS: ("休庭", "in recess"),
    HearingState.CLOSED: ("已闭庭", "closed"),
    HearingState.CANCELLED: ("已取消", "cancelled"),
}
