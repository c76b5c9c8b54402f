"""RoomEngine over the media engine of this process: words of the court in, words of the room out."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from hearing_server.adapters.room_measures import (
    hearing_measures,
    node_measures,
    path_facts,
    room_media,
)
from hearing_server.errors import Conflict, Forbidden, HearingError, Invalid, RateLimited, Unavailable
from hearing_server.kernel import HearingId, PersonId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import (
    Offer,
    PersonStanding,
    RoomListener,
    RoomStanding,
    SeatListener,
    SeatSeen,
    SeatTaken,
    TrackSeen,
)
from hearing_server.ports.room_media import RoomMedia
from signaling import events
from signaling.engine import MediaEngine
from signaling.errors import SignalingError
from signaling.grants import JoinGrant, Standing, sign_grant, verify_grant
from signaling.settings import MediaSettings
from signaling.sink import PacketSink

# A grant is fetched right before it is used; a minute allows for a slow phone.
GRANT_LIFE_S = 60
_SOURCES = frozenset({"microphone", "camera", "screen"})
_ZH = {
    "grant": "入庭凭证无效或已过期，请重新进入",
    "seat": "席位已失效，请重新进入",
    "sdp": "浏览器的媒体参数无法识别",
    "publish": "您暂时不能发送这一路音视频",
    "room": "法庭尚未开放",
    "answer": "媒体协商已过期，正在重新协商",
}


class EngineRooms:
    """`ports.media.RoomEngine`; facts come back through the listeners bound by the composition root."""

    def __init__(self, grant_key: bytes) -> None:
        self._grant_key = grant_key
        self._engine: MediaEngine | None = None
        self._keys: dict[str, str] = {}  # seat -> key of the grant it was taken with
        self.room_listener: RoomListener | None = None
        self.seat_listener: SeatListener | None = None

    @asynccontextmanager
    async def running(self, settings: MediaSettings) -> AsyncIterator[None]:
        """Open the media ports. Errors: Unavailable `media.port_taken`."""
        try:
            self._engine = await MediaEngine.start(settings, on_event=self._on_event)
        except OSError as error:
            raise Unavailable(
                "media.port_taken",
                zh=f"媒体端口 {settings.udp_port} 已被占用，请用 --media-port 换一个",
                en=f"Media port {settings.udp_port} is taken; choose another with --media-port",
            ) from error
        try:
            yield
        finally:
            await self._engine.stop()
            self._engine = None

    @property
    def engine(self) -> MediaEngine:
        """The engine itself, for the recorder's adapter beside us."""
        if self._engine is None:
            raise Unavailable("media.stopped", zh="媒体服务未启动", en="The media plane is not running")
        return self._engine

    async def standing(self) -> tuple[RoomStanding, ...]:
        with _translated():
            rooms = [await self.engine.snapshot(room) for room in self.engine.rooms()]
        return tuple(_standing(room, self._keys) for room in rooms)

    async def attach(self, room: HearingId, sink: PacketSink) -> None:
        """Let a recorder of this process hear the room. Errors: Unavailable `room.unknown`."""
        with _translated():
            await self.engine.attach_sink(room, sink)

    async def open_room(self, room: HearingId) -> None:
        with _translated():
            await self.engine.open_room(room)

    async def close_room(self, room: HearingId, *, reason: str) -> None:
        with _translated():
            await self.engine.close_room(room, reason=reason)

    async def hold_room(self, room: HearingId, *, held: bool) -> None:
        with _translated():
            await self.engine.hold_room(room, held=held)

    async def remove(self, room: HearingId, person: PersonId, *, reason: str) -> None:
        with _translated():
            await self.engine.remove(room, identity=person, reason=reason)

    async def readmit(self, room: HearingId, person: PersonId) -> None:
        with _translated():
            await self.engine.readmit(room, identity=person)

    async def set_muted(
        self, room: HearingId, person: PersonId, *, source: str, muted: bool, by: PersonId
    ) -> None:
        with _translated():
            await self.engine.set_muted(room, identity=person, source=source, muted=muted, by=by)

    def grant(
        self, room: HearingId, person: PersonId, *, seat_key: str, may_moderate: bool, standing: str
    ) -> str:
        return seat_grant(
            self._grant_key, room, person, seat_key=seat_key, may_moderate=may_moderate, standing=standing
        )

    async def join(self, grant: str, *, room: HearingId, person: PersonId) -> SeatTaken:
        with _translated():
            given = verify_grant(grant, (self._grant_key,), time.time())
            # Before the engine takes it: a grant that was overheard must not even replace its owner's seat.
            if (given.room, given.identity) != (room, person):
                raise Conflict(
                    "grant.not_yours", zh="入庭凭证不属于您", en="This grant belongs to somebody else"
                )
            joined = await self.engine.join(grant)
        self._keys[joined.seat] = given.seat_key
        return SeatTaken(
            joined.seat,
            PersonId(joined.identity),
            tuple(_seen(participant) for participant in joined.snapshot.participants),
            joined.snapshot.held,
        )

    async def leave(self, seat: str, *, reason: str) -> None:
        with _translated():
            await self.engine.leave(seat, reason=reason)

    async def publish(self, seat: str, *, sdp: str, sources: Mapping[str, str]) -> str:
        with _translated():
            return await self.engine.publish(seat, sdp=sdp, sources=sources)

    async def unpublish(self, seat: str, *, source: str) -> None:
        with _translated():
            await self.engine.unpublish(seat, source=source)

    async def answer(self, seat: str, *, version: int, sdp: str) -> None:
        with _translated():
            await self.engine.answer(seat, version=version, sdp=sdp)

    async def restart_subscription(self, seat: str) -> None:
        with _translated():
            await self.engine.restart_subscription(seat)

    async def prefer(self, seat: str, *, identity: str, source: str, max_height_px: int) -> None:
        with _translated():
            await self.engine.prefer(seat, identity=identity, source=source, max_height_px=max_height_px)

    async def limit_pictures(self, seat: str, *, max_pictures: int | None) -> None:
        with _translated():
            await self.engine.limit_pictures(seat, max_pictures=max_pictures)

    async def set_self_muted(self, seat: str, *, source: str, muted: bool) -> None:
        with _translated():
            await self.engine.set_self_muted(seat, source=source, muted=muted)

    async def measures(self, *, per_hearing: bool) -> list[Measure]:
        """Rooms, seats, packets, times, and what was thrown away and why; with `per_hearing` also each open room."""
        found = node_measures(self.engine.stats())
        if per_hearing:
            rooms = [await self.engine.measures(room) for room in self.engine.rooms()]
            found += hearing_measures([room_media(room) for room in rooms])
        return found

    async def media(self, room: HearingId) -> RoomMedia:
        with _translated():
            return room_media(await self.engine.measures(room))

    async def _on_event(self, event: events.RoomEvent) -> None:
        seats, rooms = self.seat_listener, self.room_listener
        if isinstance(event, events.SeatReplaced | events.ParticipantLeft):
            self._keys.pop(event.seat, None)
        match event:
            case events.SubscriptionOffered() if seats is not None:
                tracks = tuple((t.mid, t.identity, t.source, t.kind) for t in event.tracks)
                await seats.offered(Offer(event.seat, event.version, event.sdp, tracks))
            case events.LayersWanted() if seats is not None:
                await seats.layers_wanted(event.seat, event.source, event.rids)
            case events.PicturesChanged() if seats is not None:
                await seats.pictures_changed(event.seat, event.shown, event.because)
            case events.SeatReplaced() if seats is not None:
                await seats.seat_ended(event.seat, "replaced")
            case events.ParticipantLeft():
                if seats is not None:
                    await seats.seat_ended(event.seat, event.reason)
                if rooms is not None:
                    await rooms.seat_left(HearingId(event.room), PersonId(event.identity), event.reason)
            case _ if rooms is not None:
                await _tell_room(rooms, event)


def seat_grant(
    key: bytes, room: HearingId, person: PersonId, *, seat_key: str, may_moderate: bool, standing: str
) -> str:
    """A join grant signed with `key`, for use within GRANT_LIFE_S."""
    return sign_grant(
        JoinGrant(
            room=room,
            identity=person,
            seat_key=seat_key,
            may_publish=_SOURCES,
            may_subscribe=True,
            may_moderate=may_moderate,
            expires_at_s=time.time() + GRANT_LIFE_S,
            jti=secrets.token_hex(16),
            standing=Standing(standing),
        ),
        key,
    )


async def _tell_room(rooms: RoomListener, event: events.RoomEvent) -> None:
    room = HearingId(event.room)
    match event:
        case events.ParticipantJoined():
            await rooms.seat_taken(room, PersonId(event.identity))
        case events.TrackPublished():
            await rooms.device_changed(room, PersonId(event.identity), event.source, "on")
        case events.TrackUnpublished():
            await rooms.device_changed(room, PersonId(event.identity), event.source, "off")
        case events.TrackMuted() if not event.by_court:
            device = "muted" if event.muted else "on"
            await rooms.device_changed(room, PersonId(event.identity), event.source, device)
        case events.ConnectionChanged():
            await rooms.path_changed(
                room,
                PersonId(event.identity),
                event.state.value,
                path_facts(event.facts),
            )
        case events.PathsMeasured():
            paths = {PersonId(identity): path_facts(facts) for identity, facts in event.paths}
            await rooms.paths_measured(room, paths)
        case events.SpeakerChanged():
            speaker = PersonId(event.identity) if event.identity is not None else None
            await rooms.speaker_changed(room, speaker)


def _seen(participant: events.ParticipantState) -> SeatSeen:
    return SeatSeen(PersonId(participant.identity), _tracks(participant))


def _tracks(participant: events.ParticipantState) -> tuple[TrackSeen, ...]:
    return tuple(
        TrackSeen(track.source, track.kind, track.self_muted or track.court_muted, track.court_muted)
        for track in participant.tracks
    )


def _standing(room: events.RoomSnapshot, keys: Mapping[str, str]) -> RoomStanding:
    people = (
        PersonStanding(
            person.seat,
            keys.get(person.seat, ""),
            PersonId(person.identity),
            person.connection.value,
            path_facts(person.facts),
            _tracks(person),
        )
        for person in room.participants
    )
    speaker = PersonId(room.speaker) if room.speaker is not None else None
    return RoomStanding(HearingId(room.room), room.held, speaker, tuple(people))


@contextmanager
def _translated() -> Iterator[None]:
    """The media floor's errors as the court's, with the same code."""
    try:
        yield
    except SignalingError as error:
        raise _court_error(error) from error


def _court_error(error: SignalingError) -> HearingError:
    noun, _, what = error.code.partition(".")
    zh = _ZH.get(noun, "媒体服务暂时不可用")
    if noun == "sdp":
        return Invalid(error.code, zh=zh, en=error.title)
    if what in ("not_allowed", "removed"):
        return Forbidden(error.code, zh="您已被请出或无权发送", en=error.title)
    if noun == "rate":
        return RateLimited(error.code, zh="请求过于频繁", en=error.title, retry_after_s=1)
    if error.retryable:
        return Unavailable(error.code, zh=zh, en=error.title)
    return Conflict(error.code, zh=zh, en=error.title)
