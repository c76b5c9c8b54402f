"""Who may do what, when: one table of capacity × action × hearing state drives every door and the matrix tests.

A capacity (身份) is what a person is towards one case: a judge who isn't on the case is a colleague there.
Rows after the permission matrix of the domain study; sources: 法庭规则 arts 17-19, 录音录像规定 arts 10-15,
直播录播规定 art 5 (one official asks, another approves).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from hearing_server.domain.hearing.hearings import BEFORE_THE_END, RUNNING, HearingState
from hearing_server.errors import Forbidden
from hearing_server.filing.cases import CaseRole
from hearing_server.kernel import Role


class Capacity(StrEnum):
    JUDGE = "judge"
    CLERK = "clerk"
    PARTY = "party"
    REPRESENTATIVE = "representative"
    PRESIDENT = "president"
    COLLEAGUE_JUDGE = "colleague_judge"
    COLLEAGUE_CLERK = "colleague_clerk"
    PUBLIC = "public"


class Action(StrEnum):
    CASE_SEE = "case_see"
    CASE_FILE = "case_file"
    CASE_IMPORT = "case_import"
    PARTY_ADD = "party_add"
    REPRESENTATION_CHANGE = "representation_change"
    ACTS_READ = "acts_read"
    SPACE_READ = "space_read"
    SPACE_WRITE = "space_write"
    SPACE_EXPORT = "space_export"
    BENCH_LANE = "bench_lane"
    WITHHELD_SEE = "withheld_see"
    CONTACT_ASK = "contact_ask"
    CONTACT_SEE = "contact_see"
    CONTACT_SEE_ALL = "contact_see_all"
    CONTACT_ANSWER = "contact_answer"
    SEALED_SUBMIT = "sealed_submit"
    MEDIATION_LEAD = "mediation_lead"
    REMINDER_ISSUE = "reminder_issue"
    REMINDERS_SEE = "reminders_see"
    REMINDER_URGENT = "reminder_urgent"
    REMINDER_FOLLOW = "reminder_follow"
    SERVICE_CONSENT = "service_consent"
    EXHIBITS_SEE = "exhibits_see"
    EXHIBIT_SUBMIT = "exhibit_submit"
    EXHIBIT_CHECK = "exhibit_check"
    EXHIBIT_EXCHANGE = "exhibit_exchange"
    EXHIBIT_OPINE = "exhibit_opine"
    EXHIBIT_DISCLOSE = "exhibit_disclose"
    EXHIBIT_SHOW = "exhibit_show"
    EXHIBIT_RULE = "exhibit_rule"
    EXHIBIT_TERMS = "exhibit_terms"
    HEARING_SCHEDULE = "hearing_schedule"
    HEARING_SEE = "hearing_see"
    HEARING_CANCEL = "hearing_cancel"
    HEARING_MOVE = "hearing_move"
    DOORS_CLOSE = "doors_close"
    INVITATION_SEND = "invitation_send"
    CONSENT_DECIDE = "consent_decide"
    SELF_TEST = "self_test"
    MEDIA_SEE = "media_see"
    ROOM_ENTER = "room_enter"
    ADMIT = "admit"
    OPEN = "open"
    RECESS = "recess"
    RESUME = "resume"
    SEAL = "seal"
    UNSEAL = "unseal"
    CLOSE = "close"
    REOPEN = "reopen"
    MUTE = "mute"
    REMOVE = "remove"
    PUBLISH_MEDIA = "publish"
    SPEAK = "speak"
    RECORDINGS_LIST = "recordings_list"
    FILM_VIEW = "film_view"
    FILM_DOWNLOAD = "film_download"
    FILM_RELEASE = "film_release"
    FILM_COMPOSE = "film_compose"
    FAILURES_SEE = "failures_see"
    FAILURE_SIGN = "failure_sign"
    ARCHIVE_SEE = "archive_see"
    ARCHIVE_HOLD = "archive_hold"
    ARCHIVE_TAKE = "archive_take"
    PUBLICATION_SUBMIT = "publication_submit"
    PUBLICATION_DECIDE = "publication_decide"
    PUBLICATION_SEE = "publication_see"
    PUBLICATION_RESPOND = "publication_respond"
    PUBLICATION_WITHDRAW = "publication_withdraw"
    PUBLIC_FILM_VIEW = "public_film_view"


ANY_STATE = tuple(HearingState)
_COURT = (Capacity.JUDGE, Capacity.CLERK)
_SIDES = (Capacity.PARTY, Capacity.REPRESENTATIVE)
_ON_CASE = (*_COURT, *_SIDES)
# Who of the court may look at a case: a judge of another case has no business there.
_STAFF = (*_COURT, Capacity.PRESIDENT, Capacity.COLLEAGUE_CLERK)
# Lists show everybody their own.
_ANY_STAFF = (*_STAFF, Capacity.COLLEAGUE_JUDGE)
_CLERKS = (Capacity.CLERK, Capacity.COLLEAGUE_CLERK)
# Registry and president see every case of their court; another judge does not.
_MAY_LOOK = (*_ON_CASE, Capacity.PRESIDENT, Capacity.COLLEAGUE_CLERK)
_DOOR = (HearingState.LOBBY, *RUNNING)
_States = tuple[HearingState, ...]

# Action → (who, in which state of the hearing). Actions that have no hearing hold in any state.
RIGHTS: dict[Action, tuple[tuple[Capacity, ...], _States]] = {
    Action.CASE_SEE: (_MAY_LOOK, ANY_STATE),
    Action.CASE_FILE: (_CLERKS, ANY_STATE),
    Action.CASE_IMPORT: (_CLERKS, ANY_STATE),
    Action.PARTY_ADD: ((Capacity.CLERK,), ANY_STATE),
    Action.REPRESENTATION_CHANGE: ((Capacity.CLERK,), ANY_STATE),
    Action.ACTS_READ: (_MAY_LOOK, ANY_STATE),
    Action.SPACE_READ: (_ON_CASE, ANY_STATE),
    Action.SPACE_WRITE: (_ON_CASE, ANY_STATE),
    Action.SPACE_EXPORT: (_ON_CASE, ANY_STATE),
    Action.BENCH_LANE: (_COURT, ANY_STATE),
    # What was taken out of sight stays in the file; who conducts the case may look, and the look is an act.
    Action.WITHHELD_SEE: (_COURT, ANY_STATE),
    # Parties reach the judge, and one another, through the clerks: no row for the judge.
    Action.CONTACT_ASK: (_SIDES, ANY_STATE),
    Action.CONTACT_SEE: ((*_SIDES, *_CLERKS), ANY_STATE),
    Action.CONTACT_SEE_ALL: (_CLERKS, ANY_STATE),
    Action.CONTACT_ANSWER: (_CLERKS, ANY_STATE),
    # 保密材料: what a side hands to the court alone, under a ground and with a public stub.
    Action.SEALED_SUBMIT: (_SIDES, ANY_STATE),
    Action.MEDIATION_LEAD: (_COURT, ANY_STATE),
    Action.REMINDER_ISSUE: (_COURT, ANY_STATE),
    Action.REMINDERS_SEE: (_COURT, ANY_STATE),
    # Ringing at night is a judge's order; reaching a person by hand is the work of both.
    Action.REMINDER_URGENT: ((Capacity.JUDGE,), ANY_STATE),
    Action.REMINDER_FOLLOW: (_COURT, ANY_STATE),
    Action.SERVICE_CONSENT: (_SIDES, ANY_STATE),
    # Which exhibit somebody sees is domain/exhibits/sight.py's to say.
    Action.EXHIBITS_SEE: (_ON_CASE, ANY_STATE),
    # The clerk enters what comes on paper, and what the court collected.
    Action.EXHIBIT_SUBMIT: ((Capacity.CLERK, *_SIDES), ANY_STATE),
    Action.EXHIBIT_CHECK: ((Capacity.CLERK,), ANY_STATE),
    Action.EXHIBIT_EXCHANGE: ((Capacity.CLERK,), ANY_STATE),
    Action.EXHIBIT_OPINE: (_SIDES, ANY_STATE),
    Action.EXHIBIT_DISCLOSE: ((Capacity.JUDGE,), ANY_STATE),
    Action.EXHIBIT_SHOW: (_COURT, ANY_STATE),
    Action.EXHIBIT_RULE: ((Capacity.JUDGE,), ANY_STATE),
    Action.EXHIBIT_TERMS: (_COURT, ANY_STATE),
    Action.HEARING_SCHEDULE: ((Capacity.CLERK,), ANY_STATE),
    Action.HEARING_SEE: (_MAY_LOOK, ANY_STATE),
    Action.HEARING_MOVE: ((Capacity.CLERK,), (HearingState.SCHEDULED, HearingState.LOBBY)),
    Action.HEARING_CANCEL: ((Capacity.CLERK,), (HearingState.SCHEDULED, HearingState.LOBBY)),
    Action.DOORS_CLOSE: ((Capacity.JUDGE,), ANY_STATE),
    Action.INVITATION_SEND: ((Capacity.CLERK,), BEFORE_THE_END),
    Action.CONSENT_DECIDE: (_SIDES, BEFORE_THE_END),
    Action.SELF_TEST: (_ON_CASE, BEFORE_THE_END),
    # Figures of everybody's line: for the court, and for the clerks who answer when somebody can't be heard.
    Action.MEDIA_SEE: (_STAFF, ANY_STATE),
    Action.ROOM_ENTER: (_ON_CASE, _DOOR),
    Action.ADMIT: (_COURT, _DOOR),
    Action.OPEN: ((Capacity.JUDGE,), (HearingState.LOBBY,)),
    Action.RECESS: ((Capacity.JUDGE,), (HearingState.IN_SESSION,)),
    Action.RESUME: ((Capacity.JUDGE,), (HearingState.RECESS,)),
    Action.SEAL: ((Capacity.JUDGE,), (HearingState.IN_SESSION,)),
    Action.UNSEAL: ((Capacity.JUDGE,), RUNNING),
    Action.CLOSE: ((Capacity.JUDGE,), RUNNING),
    Action.REOPEN: ((Capacity.JUDGE,), (HearingState.CLOSED,)),
    # The clerk mutes on the judge's order; the act names who pressed.
    Action.MUTE: (_COURT, _DOOR),
    Action.REMOVE: ((Capacity.JUDGE,), _DOOR),
    Action.PUBLISH_MEDIA: (_ON_CASE, _DOOR),
    Action.SPEAK: (_ON_CASE, _DOOR),
    Action.RECORDINGS_LIST: (_ANY_STAFF, ANY_STATE),
    # Any official may be the second one who decides on a publication, and must have seen the film.
    Action.FILM_VIEW: ((*_SIDES, *_STAFF), ANY_STATE),
    # The bare file. Parties see the film with their name burnt in, unless the court lets them take it.
    Action.FILM_DOWNLOAD: (_STAFF, ANY_STATE),
    Action.FILM_RELEASE: (_COURT, ANY_STATE),
    Action.FILM_COMPOSE: ((Capacity.CLERK,), (HearingState.CLOSED,)),
    # 故障说明: the court's staff read it, the judge of the case signs it.
    Action.FAILURES_SEE: (_STAFF, ANY_STATE),
    Action.FAILURE_SIGN: ((Capacity.JUDGE,), ANY_STATE),
    Action.ARCHIVE_SEE: (_STAFF, ANY_STATE),
    Action.ARCHIVE_HOLD: ((*_COURT, Capacity.PRESIDENT), ANY_STATE),
    # The package holds every act with its names: for those who conduct the case, and the archive under the president.
    Action.ARCHIVE_TAKE: ((*_COURT, Capacity.PRESIDENT), ANY_STATE),
    Action.PUBLICATION_SUBMIT: ((Capacity.CLERK,), (HearingState.CLOSED,)),
    # That it is another person than the one who submitted is checked by the publication itself.
    Action.PUBLICATION_DECIDE: (_STAFF, ANY_STATE),
    Action.PUBLICATION_SEE: (_MAY_LOOK, ANY_STATE),
    Action.PUBLICATION_RESPOND: (_SIDES, ANY_STATE),
    Action.PUBLICATION_WITHDRAW: ((*_COURT, Capacity.PRESIDENT), ANY_STATE),
    Action.PUBLIC_FILM_VIEW: (tuple(Capacity), ANY_STATE),
}


def can(capacity: Capacity, action: Action, state: HearingState | None = None) -> bool:
    """Whether this capacity may do this now. Without a state: whether it may in any."""
    who, states = RIGHTS[action]
    return capacity in who and (state is None or state in states)


def require(capacity: Capacity, action: Action) -> None:
    """Errors: Forbidden `right.missing`. The state is the machine's to refuse, with a better word than "forbidden"."""
    if not can(capacity, action):
        raise Forbidden("right.missing", zh="您的身份无权进行此操作", en="Your role doesn't allow this")


def capacity_of(role: Role, on_case: CaseRole | None) -> Capacity:
    """What a signed-in person is towards a case: their place on it, else what their office gives them."""
    if on_case is not None:
        return Capacity(on_case.value)
    offices = {
        Role.PRESIDENT: Capacity.PRESIDENT,
        Role.JUDGE: Capacity.COLLEAGUE_JUDGE,
        Role.CLERK: Capacity.COLLEAGUE_CLERK,
    }
    return offices.get(role, Capacity.PUBLIC)


def matrix() -> Iterator[tuple[Capacity, Action, HearingState, bool]]:
    """Every cell of the table, for tests that go through every door."""
    for action in Action:
        for capacity in Capacity:
            for state in HearingState:
                yield capacity, action, state, can(capacity, action, state)


# What `me.may` of a hearing's view can hold, in the protocol's order.
HEARING_COMMANDS = (
    Action.ADMIT,
    Action.OPEN,
    Action.RECESS,
    Action.RESUME,
    Action.SEAL,
    Action.UNSEAL,
    Action.CLOSE,
    Action.REOPEN,
    Action.MUTE,
    Action.REMOVE,
    Action.PUBLISH_MEDIA,
    Action.SPEAK,
)
