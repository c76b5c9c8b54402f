"""A whole room behind SRTP: a hostile publisher and a hostile viewer, decrypted, against publisher, legs and viewer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast
from unittest import mock

from signaling.events import RoomEvent, SubscriptionOffered
from signaling.forwarder import PythonForwardStep
from signaling.gateway import Gateway
from signaling.grants import JoinGrant
from signaling.negotiation import LocalTransport
from signaling.paths.ice import IceAgent, IceTable, IngressCounters
from signaling.publishing.publisher import MAX_STREAMS, NEW_LAYERS_PER_MINUTE
from signaling.rooms.meter import RoomMeter
from signaling.rooms.room import Room
from signaling.rooms.ticker import RoomClock
from signaling.sdp import MAX_RIDS, Fingerprint
from signaling.settings import MediaSettings
from signaling.sink import TrackInfo
from signaling.traffic import PictureStarts, Traffic
from signaling.transport import Transport
from tests.fuzz.corpus import FOLDER
from tests.fuzz.mutator import byte_mutator
from tests.fuzz.rtp_targets import RTCP, RTP, follow
from tests.fuzz.runner import Check, Target

OFFER: Final = (FOLDER / "sdp" / "plain_publisher.sdp").read_text().replace("\n", "\r\n")
SOURCES: Final = {"0": "microphone", "1": "camera", "2": "screen"}
STEP_NS: Final = 5_000_000
REPLY_BYTES: Final = 16_000  # of reports and requests that one packet and one tick may draw


class StubGateway:
    """What a room needs of its gateway, without a port."""

    def __init__(self) -> None:
        self.settings = MediaSettings(
            announced_addresses=("192.0.2.1",), grant_keys=(b"k" * 32,), native=False
        )
        self.counters = IngressCounters()
        self.table = IceTable(self.settings, self.counters)
        self.plane = None
        self.pulse = SimpleNamespace(wake=lambda: None)  # nothing steps here but what a target says
        self.starts = PictureStarts()
        self.transports = 0

    def describe(self, agent: IceAgent) -> LocalTransport:
        return LocalTransport(
            ufrag=agent.credentials.ufrag,
            password=agent.credentials.password,
            fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
            addresses=("192.0.2.1",),
            udp_port=5000,
            tcp_port=5001,
        )


class CountingSink:
    """Hears what a recorder hears and keeps the counts."""

    def __init__(self) -> None:
        self.tracks = 0
        self.packets = 0
        self.reports = 0

    def track_started(self, track: TrackInfo, now_ns: int) -> None:
        self.tracks += 1

    def packet(self, track_id: str, packet: bytes, now_ns: int) -> None:
        self.packets += 1

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, now_ns: int) -> None:
        self.reports += 1

    def track_event(self, track_id: str, event: str, now_ns: int) -> None:
        return

    def track_ended(self, track_id: str, now_ns: int, cause: str) -> None:
        return


class HostileRoom:
    """Party publishes, judge watches; whatever is fed comes from one of the two."""

    def __init__(self, offer_sdp: str = OFFER) -> None:
        gateway = cast(Gateway, StubGateway())
        self.events: list[RoomEvent] = []
        step = PythonForwardStep()
        self.room = Room("hearing", gateway, step, emit=self.events.append, spawn=lambda work: work.close())
        self.sink = CountingSink()
        self.room.attach_sink(cast(Any, self.sink))
        self.clock = RoomClock(
            self.room, gateway.settings, self.events.append, RoomMeter(self.room, step, Traffic(), 0.0)
        )
        for identity in ("party", "judge"):
            self.room.join(_grant(identity))
        party, judge = (self.room.participants[name] for name in ("party", "judge"))
        with mock.patch.object(Transport, "_start_channel", return_value=None):
            self.room.publish(party, offer_sdp, SOURCES)
            offer = next(
                event for event in reversed(self.events)
                if isinstance(event, SubscriptionOffered) and event.seat == judge.seat
            )  # fmt: skip
            answer = offer.sdp.replace("a=sendonly", "a=recvonly").replace("a=ice-lite\r\n", "")
            assert judge.viewer is not None
            judge.viewer.transport.state = "connected"
            self.room.answer(judge, offer.version, answer)
        assert party.publisher is not None
        self.publisher, self.viewer = party.publisher, judge.viewer
        self.replied = 0
        for transport in (self.publisher.transport, self.viewer.transport):
            transport.send_rtcp = self._reply  # type: ignore[method-assign]
        self.now_ns = 10**12
        self.fed = 0

    def _reply(self, packet: bytes) -> None:
        self.replied += len(packet)

    def feed(self, data: bytes) -> bool:
        self.fed += 1
        self.now_ns += STEP_NS
        self.replied = 0
        packets = self.sink.packets
        if len(data) > 1 and 192 <= data[1] <= 223:
            side = self.publisher if data[-1] & 1 else self.viewer
            side._rtcp(self._aimed(data), self.now_ns)
        else:
            self.publisher._rtp(data, self.now_ns)
        if self.fed % 4 == 0:
            self.clock.tick(self.now_ns)
        self._judge()
        return self.sink.packets > packets or self.replied > 0

    def _aimed(self, data: bytes) -> bytes:
        """Reports speak of streams that exist: the viewer's own numbers, where the corpus has 0x22."""
        live = next((slot.ssrc for slot in self.viewer.slots if slot.kind == "video"), 0x22)
        return data.replace((0x22).to_bytes(4, "big"), live.to_bytes(4, "big"))

    def _judge(self) -> None:
        publisher = self.publisher
        assert len(publisher._media) <= MAX_STREAMS
        assert len(publisher._repair) <= MAX_STREAMS
        assert len(publisher._names) <= MAX_STREAMS
        for publication in self.room.participants["party"].publications.values():
            assert len(publication.layers) <= MAX_RIDS
        assert self.sink.tracks <= NEW_LAYERS_PER_MINUTE
        assert self.replied <= REPLY_BYTES, f"{self.replied} bytes of reports for one packet"
        assert len(self.events) < 50 + self.fed


def _grant(identity: str) -> JoinGrant:
    return JoinGrant(
        room="hearing",
        identity=identity,
        seat_key=identity,
        may_publish=frozenset(SOURCES.values()),
        may_subscribe=True,
        may_moderate=False,
        expires_at_s=0,
        jti=identity,
    )


def _fresh_room() -> Check:
    return HostileRoom().feed


def _follow_media(chance: Any, data: bytearray) -> None:
    if len(data) > 1 and not 192 <= data[1] <= 223:
        follow(chance, data)


TARGETS: Final = [
    Target(
        "room",
        _fresh_room,
        byte_mutator([*RTP, *RTCP], finish=_follow_media),
        "rtp",
        [*RTP, *RTCP],
        40_000,
        0.1,
    ),
]
