"""What is measured of a hearing's room, down to the track: for the court's support, and for the log when it closes.

Person ids, no names. Bitrates in bit/s of about the last second, shares 0..1, counters since the stream began.
"""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.kernel import HearingId, PersonId


@dataclass(frozen=True, slots=True)
class Delays:
    """How long packets stayed in the server, upper bounds in ms; None when none was timed."""

    timed: int
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None


@dataclass(frozen=True, slots=True)
class ArrivingLayer:
    """One stream as it comes from its publisher; `layer` is the name of a simulcast layer."""

    layer: str | None
    height_px: int
    bps: int
    packets: int
    loss: float
    jitter_ms: float
    nacks_asked: int
    recovered: int
    given_up: int
    keyframes_asked: int


@dataclass(frozen=True, slots=True)
class SentTrack:
    """A source as the person sends it; nothing of it goes on while `flows` is False (muted, recess)."""

    source: str
    kind: str
    codec: str
    flows: bool
    layers: tuple[ArrivingLayer, ...]


@dataclass(frozen=True, slots=True)
class ShownTrack:
    """Somebody's source as this person is sent it."""

    person_id: PersonId
    source: str
    kind: str
    sending: bool
    layer: str | None
    height_px: int
    bps: int
    packets: int
    loss: float
    rtt_ms: float | None
    nacks_heard: int
    repairs_sent: int
    keyframes_heard: int
    congested: int


@dataclass(frozen=True, slots=True)
class PersonMedia:
    """One seat: the path in words of `domain.hearing.participants.Connection`, its figures, both directions."""

    person_id: PersonId
    connection: str
    transport: str | None
    rtt_ms: float | None
    jitter_ms: float | None
    loss_up: float | None
    loss_down: float | None
    up_bps: int
    down_bps: int
    down_estimate_bps: int
    sends: tuple[SentTrack, ...]
    is_sent: tuple[ShownTrack, ...]


@dataclass(frozen=True, slots=True)
class PersonSum:
    """What a person's line was like since the room opened, whatever devices and connections they had."""

    person_id: PersonId
    present_s: float
    weak_s: float
    silent_s: float
    lost_s: float
    worst_rtt_ms: float | None
    packets_in: int
    bytes_in: int
    nacks_asked: int
    recovered: int
    given_up: int
    packets_out: int
    bytes_out: int
    nacks_heard: int
    repairs_sent: int
    keyframes_heard: int
    congested: int


@dataclass(frozen=True, slots=True)
class RoomMedia:
    """One room now. `delays` since it opened on this node, `delays_recent` of about the last minute."""

    hearing_id: HearingId
    open_s: float
    held: bool
    delays: Delays
    delays_recent: Delays
    people: tuple[PersonMedia, ...]
    totals: tuple[PersonSum, ...]
