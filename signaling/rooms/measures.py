"""What is measured of a room, down to the track: plain frozen data, for support and for monitoring.

Rates are of about the last second, ratios of the last report, counters since the stream began.
"""

from dataclasses import dataclass

from signaling.events import ConnectionFacts, ConnectionState
from signaling.rtp.histogram import Spread
from signaling.traffic import Traffic


@dataclass(frozen=True, slots=True)
class ReceivedLayer:
    """One stream as it arrives from its publisher."""

    rid: str | None
    height_px: int  # 0: sound, or not known yet
    bps: int
    packets: int
    loss_ratio: float
    jitter_ms: float
    nacks_asked: int
    recovered: int
    given_up: int
    keyframes_asked: int


@dataclass(frozen=True, slots=True)
class PublishedTrack:
    """One source of a person; nothing leaves it while `flows` is False."""

    source: str
    kind: str
    codec: str
    flows: bool
    layers: tuple[ReceivedLayer, ...]


@dataclass(frozen=True, slots=True)
class WatchedTrack:
    """One copy of somebody's source as it is sent to a viewer; `rid` and `height_px` say which layer.

    `sending` is False while nothing is sent: not answered yet, muted at its source, no room on the line, not shown.
    """

    identity: str
    source: str
    kind: str
    sending: bool
    rid: str | None
    height_px: int
    bps: int
    packets: int
    loss_ratio: float
    rtt_ms: float | None
    nacks_heard: int
    repairs_sent: int
    keyframes_heard: int
    congested: int


@dataclass(frozen=True, slots=True)
class PersonTotals:
    """What a person's place in the room was like since the room opened, whatever seats and connections it had."""

    identity: str
    traffic: Traffic
    present_s: float
    weak_s: float
    silent_s: float
    lost_s: float
    worst_rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class PersonMeasures:
    """One seat. `down_estimate_bps` is what we believe its line carries towards it, 0 without such a connection.

    What it carries upwards its browser alone knows: it estimates that from our feedback and does not tell.
    """

    identity: str
    state: ConnectionState
    facts: ConnectionFacts
    down_estimate_bps: int
    published: tuple[PublishedTrack, ...]
    watched: tuple[WatchedTrack, ...]


@dataclass(frozen=True, slots=True)
class RoomMeasures:
    """One room at one moment. `residence` counts since it opened, `residence_recent` about the last minute."""

    room: str
    open_s: float
    held: bool
    residence: Spread
    residence_recent: Spread
    traffic: Traffic
    people: tuple[PersonMeasures, ...]
    totals: tuple[PersonTotals, ...]
