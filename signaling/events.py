"""What a room tells the floor above: plain frozen data, so that rooms may live in a process of their own."""

from dataclasses import dataclass
from enum import StrEnum


class ConnectionState(StrEnum):
    """How a seat reaches us, as one word."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WEAK = "weak"  # loss or delay beyond the thresholds of the settings
    SILENT = "silent"  # connected, yet no media packet for `silence_s`
    LOST = "lost"  # no datagram of any kind for `lost_s`, or the secure channel was closed


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """Measured, not guessed; what no report has told yet is None.

    "Up" is what the person sends us, "down" what we send the person; `rtt_ms` and `loss_ratio` are the worse of both.
    Bitrates are of media, heights of the tallest picture on its way (0: none), jitter is of the person's voice.
    """

    rtt_ms: float | None
    loss_ratio: float | None
    silent_s: float
    transport: str | None  # "udp" | "tcp"
    jitter_ms: float | None = None
    loss_up_ratio: float | None = None
    loss_down_ratio: float | None = None
    up_bps: int = 0
    down_bps: int = 0
    up_height_px: int = 0
    down_height_px: int = 0


@dataclass(frozen=True, slots=True)
class OfferedTrack:
    """One m-line of a subscription offer that carries a picture or a voice."""

    mid: str
    identity: str
    source: str
    kind: str  # "audio" | "video"


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    room: str
    seat: str
    identity: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    room: str
    seat: str
    identity: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeatReplaced:
    room: str
    seat: str
    by_seat: str


@dataclass(frozen=True, slots=True)
class TrackPublished:
    room: str
    identity: str
    source: str
    kind: str


@dataclass(frozen=True, slots=True)
class TrackUnpublished:
    room: str
    identity: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class TrackMuted:
    """`by_court` is True when the court's mute (not the person's own) changed; `by` is who said it."""

    room: str
    identity: str
    source: str
    muted: bool
    by_court: bool
    by: str


@dataclass(frozen=True, slots=True)
class SubscriptionOffered:
    """A whole SDP offer for the seat's receiving connection; the answer names `version`."""

    room: str
    seat: str
    version: int
    sdp: str
    tracks: tuple[OfferedTrack, ...]


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    room: str
    seat: str
    identity: str
    state: ConnectionState
    facts: ConnectionFacts


@dataclass(frozen=True, slots=True)
class PathsMeasured:
    """Every `facts_interval_s`: (identity, facts) of everybody in the room, whatever their states do."""

    room: str
    paths: tuple[tuple[str, ConnectionFacts], ...]


@dataclass(frozen=True, slots=True)
class LayersWanted:
    """What the sender of a picture should send: these simulcast layers; None is everything, () nothing."""

    room: str
    seat: str
    source: str
    rids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class PicturesChanged:
    """The pictures (identity, source) a seat is sent now; `because` the others are not: "network", "count", None."""

    room: str
    seat: str
    shown: tuple[tuple[str, str], ...]
    because: str | None


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    room: str
    identity: str | None


RoomEvent = (
    ParticipantJoined
    | ParticipantLeft
    | SeatReplaced
    | TrackPublished
    | TrackUnpublished
    | TrackMuted
    | SubscriptionOffered
    | ConnectionChanged
    | PathsMeasured
    | LayersWanted
    | PicturesChanged
    | SpeakerChanged
)


@dataclass(frozen=True, slots=True)
class TrackState:
    """One published track inside a snapshot."""

    source: str
    kind: str
    self_muted: bool
    court_muted: bool


@dataclass(frozen=True, slots=True)
class ParticipantState:
    seat: str
    identity: str
    connection: ConnectionState
    facts: ConnectionFacts
    tracks: tuple[TrackState, ...]


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """The whole room at one moment; applying later events to it gives the room at a later moment."""

    room: str
    held: bool
    speaker: str | None
    participants: tuple[ParticipantState, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    seat: str
    identity: str
    room: str
    snapshot: RoomSnapshot
