"""One person in one hearing: presence, connection, page, devices, checks, consents.

Presence is the court's fact (who was let in, who was sent out), connection and page are the network's and the phone's.
Sources: 在线诉讼规则 art 4 (consent per stage), art 7 (identity again at the door), art 25 (absence and leaving).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.hearing.consents import REQUIRED_STAGES, ConsentStage, Decision
from hearing_server.filing.cases import CaseMember, CaseRole, Label, Standing
from hearing_server.kernel import PersonId


class Presence(StrEnum):
    ABSENT = "absent"
    CHECKING = "checking"
    TESTING = "testing"
    WAITING = "waiting"
    ADMITTED = "admitted"
    PRESENT = "present"
    LEFT = "left"
    REMOVED = "removed"


class Connection(StrEnum):
    NONE = "none"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WEAK = "weak"
    SILENT = "silent"
    LOST = "lost"


class Page(StrEnum):
    VISIBLE = "visible"
    HIDDEN = "hidden"
    INTERRUPTED = "interrupted"


class Source(StrEnum):
    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"


class Device(StrEnum):
    """`muted` is the person's own mute; the court's mute lies over it and is kept apart."""

    OFF = "off"
    ON = "on"
    MUTED = "muted"
    MUTED_BY_COURT = "muted_by_court"


class SelfTest(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


class Stage(StrEnum):
    """What a person's page reports about itself."""

    CHECKING = "checking"
    TESTING = "testing"
    WAITING = "waiting"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """Figures of the media path: round trip in ms, loss in tenths of a percent, `since` when the state began.

    "Up" is what the person sends, "down" what the person is sent; heights of the tallest picture, 0 without one.
    """

    rtt_ms: int | None = None
    loss_permille: int | None = None
    transport: str | None = None
    since: datetime | None = None
    jitter_ms: int | None = None
    loss_up_permille: int | None = None
    loss_down_permille: int | None = None
    up_kbps: int = 0
    down_kbps: int = 0
    up_height_px: int = 0
    down_height_px: int = 0


# Where a person is before the court has let them in: only here their own page moves them.
_BEFORE_THE_DOOR = (Presence.ABSENT, Presence.CHECKING, Presence.TESTING, Presence.WAITING)
COURT_ROLES = (CaseRole.JUDGE, CaseRole.CLERK)


@dataclass(frozen=True, slots=True)
class Participant:
    """`devices` is what the room sees; `court_muted` the court's order, which the room enforces on the server."""

    person_id: PersonId
    name: str
    role: CaseRole
    standing: Standing | None
    label: Label
    presence: Presence = Presence.ABSENT
    connection: Connection = Connection.NONE
    page: Page = Page.VISIBLE
    facts: ConnectionFacts = ConnectionFacts()
    devices: dict[Source, Device] = field(default_factory=dict)
    court_muted: frozenset[Source] = frozenset()
    identity_checked: bool = False
    consents: dict[ConsentStage, Decision] = field(default_factory=dict)
    self_test: SelfTest | None = None
    waiting_since: datetime | None = None
    admitted_at: datetime | None = None
    battery_pct: int | None = None

    @property
    def is_court(self) -> bool:
        return self.role in COURT_ROLES

    @property
    def room_standing(self) -> str:
        """What the person is to a room that cannot show everybody: the bench is always seen (法庭规则 art 17)."""
        return "bench" if self.is_court else "party"

    @property
    def is_admitted(self) -> bool:
        """May enter the room. Leaving doesn't take the admission away; being ordered out does."""
        return self.admitted_at is not None and self.presence is not Presence.REMOVED

    @property
    def is_in_room(self) -> bool:
        return self.presence is Presence.PRESENT

    def missing_consents(self) -> tuple[ConsentStage, ...]:
        """Stages this person must still agree to. The court's own staff sit by office."""
        if self.is_court:
            return ()
        return tuple(stage for stage in REQUIRED_STAGES if self.consents.get(stage) is not Decision.GRANTED)

    def is_closed(self, source: Source) -> bool:
        """The court has closed this source; a camera that is closed must not come back as a screen."""
        return source in self.court_muted or (source is Source.SCREEN and Source.CAMERA in self.court_muted)

    def device(self, source: Source) -> Device:
        """The one word shown for a device."""
        if self.is_closed(source):
            return Device.MUTED_BY_COURT
        return self.devices.get(source, Device.OFF)

    def reported(self, stage: Stage, page: Page, *, at: datetime) -> Participant:
        """After the page spoke. A page can't admit itself, and one that reloads after admission stays admitted."""
        moved = replace(self, page=page)
        if self.presence not in _BEFORE_THE_DOOR or stage is Stage.PRESENT:
            return moved
        presence = Presence(stage.value)
        since = (self.waiting_since or at) if presence is Presence.WAITING else None
        return replace(moved, presence=presence, waiting_since=since)

    def admitted(self, *, at: datetime) -> Participant:
        return replace(self, presence=Presence.ADMITTED, admitted_at=at, waiting_since=None)

    def seated(self) -> Participant:
        """In the room: media is being set up."""
        return replace(self, presence=Presence.PRESENT, page=Page.VISIBLE)

    def left(self) -> Participant:
        return replace(
            self, presence=Presence.LEFT, connection=Connection.NONE, facts=ConnectionFacts(), devices={}
        )

    def removed(self) -> Participant:
        return replace(self.left(), presence=Presence.REMOVED, admitted_at=None, waiting_since=None)

    def forgiven(self) -> Participant:
        """The order to leave is lifted: the person starts again before the door."""
        return replace(self, presence=Presence.ABSENT)


def participant_of(member: CaseMember) -> Participant:
    """Somebody on the case, not yet there. The court's staff proved who they are when they signed in."""
    participant = Participant(member.person_id, member.name, member.role, member.standing, member.label)
    return replace(participant, identity_checked=participant.is_court)


# The single word shown for a person, in the protocol's order of precedence.
STATUS_WORDS: dict[str, Label] = {
    "removed": Label("已请出", "Ordered out"),
    "left": Label("已离庭", "Left"),
    "absent": Label("未到", "Not here"),
    "checking": Label("核验中", "Identity check"),
    "testing": Label("自检中", "Testing devices"),
    "waiting": Label("候场", "Waiting"),
    "admitted": Label("已准入", "Admitted"),
    "lost": Label("断线", "Disconnected"),
    "interrupted": Label("来电", "Phone call"),
    "hidden": Label("后台", "In background"),
    "silent": Label("无信号", "No signal"),
    "weak": Label("弱网", "Weak network"),
    "connecting": Label("连接中", "Connecting"),
    "present": Label("在庭", "Present"),
}


def status_word(participant: Participant) -> str:
    """The key into STATUS_WORDS for a person."""
    if participant.presence is not Presence.PRESENT:
        return str(participant.presence)
    connection = participant.connection
    if connection is Connection.LOST:
        return "lost"
    if participant.page is not Page.VISIBLE:
        return str(participant.page)
    if connection in (Connection.SILENT, Connection.WEAK, Connection.CONNECTING):
        return str(connection)
    return "present"
