"""The `/hearing` namespace: one person in one hearing: presence, the room's negotiation, the live view."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from hearing_server.domain.hearing.participants import Page, Stage
from hearing_server.errors import Conflict, HearingError
from hearing_server.kernel import Actor, HearingId
from hearing_server.ports.bus import BELLS_LOST, Doorbell, EventBus
from hearing_server.ports.media import Offer, RoomEngine
from hearing_server.services.access import seen_by
from hearing_server.services.hearing.courtroom import Courtroom, seat_key_of
from hearing_server.services.identity.sessions import Sessions
from signaling.socket_kit.connection import Command, Connection, Knock, Namespace, SocketBody
from signaling.socket_kit.hub import Hub

_log = logging.getLogger(__name__)
NAME = "/hearing"
# A burst of changes is told once: pages redraw a person's state, not every step to it.
_GATHER_S = 0.05
# A page that reloads is back within this time; only then does the lobby forget the person.
_LOBBY_GRACE_S = 6.0
# Seats whose join is still on its way to us while the room speaks to them; the oldest is dropped, it is said again.
_EARLY_SEATS = 64
# An SDP of twelve people with three tracks each stays below this.
_MAX_SDP_CHARS = 200_000
Source = Literal["microphone", "camera", "screen"]


class Auth(SocketBody):
    ticket: str = Field(min_length=16, max_length=128)
    hearing_id: str = Field(min_length=1, max_length=64)


class PresenceBody(SocketBody):
    page: Literal["visible", "hidden", "interrupted"] = "visible"
    stage: Literal["checking", "testing", "waiting", "present"]
    battery_pct: int | None = Field(None, ge=0, le=100)


class JoinBody(SocketBody):
    """Without a grant the court looks at the moment of the request: one round trip less than fetching it before."""

    grant: str | None = Field(None, min_length=16, max_length=4096)


class PublishBody(SocketBody):
    sdp: str = Field(min_length=1, max_length=_MAX_SDP_CHARS)
    sources: dict[str, Source] = Field(max_length=8)


class SourceBody(SocketBody):
    source: Source


class MuteBody(SourceBody):
    muted: bool


class AnswerBody(SocketBody):
    version: int = Field(ge=0)
    sdp: str = Field(min_length=1, max_length=_MAX_SDP_CHARS)


class PreferBody(SourceBody):
    identity: str = Field(min_length=1, max_length=64)
    max_height_px: int = Field(ge=0, le=4320)


class LimitBody(SocketBody):
    max_pictures: int | None = Field(ge=0, le=64)


class NoBody(SocketBody):
    """An empty object."""


@dataclass(slots=True)
class Seated:
    """Who a connection is, and its seat in the room when it has one."""

    actor: Actor
    hearing_id: HearingId
    seat: str | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


Here = Connection[Seated]
# RTCIceServer objects for one seat; each answer has credentials of its own.
IceServers = Callable[[], list[dict[str, object]]]


class HearingSockets:
    """Commands in, use-cases, acks out; doorbells in, views out. Also `ports.media.SeatListener`."""

    def __init__(
        self,
        hub: Hub,
        bus: EventBus,
        sessions: Sessions,
        courtroom: Courtroom,
        rooms: RoomEngine,
        *,
        ice_servers: IceServers,
    ) -> None:
        self._ice_servers = ice_servers
        self._hub = hub
        self._sessions = sessions
        self._courtroom = courtroom
        self._rooms = rooms
        self._by_seat: dict[str, Here] = {}
        self._early: OrderedDict[str, dict[tuple[str, str], Mapping[str, object]]] = OrderedDict()
        self._changed: set[HearingId] = set()
        self._wake = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None
        hub.add(self._namespace())
        for kind in ("hearing_changed", "recording_looked_at"):
            bus.subscribe(kind, self._note_change)
        bus.subscribe("speaker_changed", self._speaker)
        bus.subscribe("session_ended", self._session_ended)
        bus.subscribe(BELLS_LOST.kind, self._bells_lost)

    def start(self) -> None:
        self._teller = asyncio.create_task(self._tell(), name="hearing-sockets")

    async def stop(self) -> None:
        if self._teller is not None:
            self._teller.cancel()
            await asyncio.gather(self._teller, return_exceptions=True)

    def _namespace(self) -> Namespace[Seated]:
        return Namespace(
            NAME,
            auth=Auth,
            admit=self._admit,
            commands={
                "presence_report": Command(PresenceBody, self._presence),
                "room_join": Command(JoinBody, self._join),
                "track_publish": Command(PublishBody, self._publish),
                "track_unpublish": Command(SourceBody, self._unpublish),
                "track_mute": Command(MuteBody, self._mute),
                "subscription_answer": Command(AnswerBody, self._answer),
                "subscription_restart": Command(NoBody, self._restart),
                "layer_prefer": Command(PreferBody, self._prefer),
                "pictures_limit": Command(LimitBody, self._limit),
                "room_leave": Command(NoBody, self._leave),
            },
            opened=self._opened,
            closed=self._closed,
            max_message_bytes=256 * 1024,
        )

    # --- the door ----------------------------------------------------------------------------

    async def _admit(self, knock: Knock, auth: Auth) -> Seated:
        actor = await self._sessions.redeem_ticket(auth.ticket)
        await self._courtroom.view(actor, auth.hearing_id, language=knock.language)
        return Seated(actor, HearingId(auth.hearing_id))

    async def _opened(self, here: Here) -> None:
        here.enter(_room(here.state.hearing_id))
        await self._show(here.state.hearing_id, [here])

    async def _closed(self, here: Here, reason: str) -> None:
        state = here.state
        if state.seat is not None:
            # The seat stays: a phone that lost its socket often keeps its media, and comes back for it.
            self._by_seat.pop(state.seat, None)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOBBY_GRACE_S):
                await self._hub.stopping.wait()
        if self._hub.stopping.is_set() or self._is_elsewhere(state):
            return
        try:
            await self._courtroom.page_gone(state.actor, state.hearing_id)
        except HearingError as error:
            _log.info("page gone not noted", extra={"code": error.code})

    def _is_elsewhere(self, state: Seated) -> bool:
        return any(
            other.state.actor.person_id == state.actor.person_id
            for other in self._hub.room(NAME, _room(state.hearing_id))
        )

    # --- commands ----------------------------------------------------------------------------

    async def _presence(self, here: Here, body: PresenceBody) -> None:
        state = here.state
        await self._courtroom.report_page(
            state.actor, state.hearing_id, stage=Stage(body.stage), page=Page(body.page)
        )

    async def _join(self, here: Here, body: JoinBody) -> Mapping[str, object]:
        actor, hearing_id = here.state.actor, here.state.hearing_id
        grant = body.grant
        if grant is None:
            grant, _ = await self._courtroom.grant(actor, hearing_id)
        else:
            # The grant says who was let in a minute ago; whether they still may enter is asked now.
            await self._courtroom.require_place(actor, hearing_id)
        taken = await self._rooms.join(grant, room=hearing_id, person=actor.person_id)
        here.state.seat = taken.seat
        self._courtroom.moved_seats.taken(taken.seat, actor, hearing_id)
        while said := self._early.pop(taken.seat, None):
            for (event, _), news in said.items():
                await here.emit(event, news)
        self._by_seat[taken.seat] = here
        return {
            "seat": taken.seat,
            "room": {
                "held": taken.held,
                "participants": [
                    {
                        "identity": person.identity,
                        "tracks": [
                            {"source": t.source, "kind": t.kind, "muted": t.muted, "by_court": t.by_court}
                            for t in person.tracks
                        ],
                    }
                    for person in taken.participants
                ],
            },
            "ice_servers": self._ice_servers(),
        }

    async def _publish(self, here: Here, body: PublishBody) -> Mapping[str, object]:
        return {"sdp": await self._rooms.publish(_seat(here), sdp=body.sdp, sources=body.sources)}

    async def _unpublish(self, here: Here, body: SourceBody) -> None:
        await self._rooms.unpublish(_seat(here), source=body.source)

    async def _mute(self, here: Here, body: MuteBody) -> None:
        await self._rooms.set_self_muted(_seat(here), source=body.source, muted=body.muted)

    async def _answer(self, here: Here, body: AnswerBody) -> None:
        await self._rooms.answer(_seat(here), version=body.version, sdp=body.sdp)

    async def _restart(self, here: Here, body: NoBody) -> None:
        await self._rooms.restart_subscription(_seat(here))

    async def _prefer(self, here: Here, body: PreferBody) -> None:
        await self._rooms.prefer(
            _seat(here), identity=body.identity, source=body.source, max_height_px=body.max_height_px
        )

    async def _limit(self, here: Here, body: LimitBody) -> None:
        await self._rooms.limit_pictures(_seat(here), max_pictures=body.max_pictures)

    async def _leave(self, here: Here, body: NoBody) -> None:
        seat, here.state.seat = here.state.seat, None
        if seat is not None:
            self._by_seat.pop(seat, None)
            self._courtroom.moved_seats.ended(seat)
            await self._rooms.leave(seat, reason="left")

    # --- what the room says to one seat --------------------------------------------------------

    async def offered(self, offer: Offer) -> None:
        self._courtroom.moved_seats.offered(offer)
        await self._say(offer.seat, "subscription_offered", offer.as_said())

    async def layers_wanted(self, seat: str, source: str, rids: tuple[str, ...] | None) -> None:
        body = {"source": source, "rids": None if rids is None else list(rids)}
        await self._say(seat, "layers_wanted", body, about=source)

    async def pictures_changed(
        self, seat: str, shown: tuple[tuple[str, str], ...], because: str | None
    ) -> None:
        await self._say(seat, "pictures_changed", {"shown": [list(key) for key in shown], "because": because})

    async def _say(self, seat: str, event: str, body: Mapping[str, object], *, about: str = "") -> None:
        """Say it to a seat's browser; to one whose join is still on its way, the newest word of each kind then."""
        here = self._by_seat.get(seat)
        if here is not None:
            await here.emit(event, body)
            return
        self._early.setdefault(seat, {})[event, about] = body
        while len(self._early) > _EARLY_SEATS:
            self._early.popitem(last=False)

    async def seat_ended(self, seat: str, reason: str) -> None:
        self._early.pop(seat, None)
        self._courtroom.moved_seats.ended(seat)
        here = self._by_seat.pop(seat, None)
        # A seat that its own connection has exchanged for a new one is no news to it.
        if here is not None and here.state.seat == seat:
            here.state.seat = None
            await here.emit("seat_ended", {"seat": seat, "reason": reason})

    # --- doorbells ---------------------------------------------------------------------------

    async def _note_change(self, bell: Doorbell) -> None:
        self._changed.add(HearingId(bell.key))
        self._wake.set()

    async def _bells_lost(self, _: Doorbell) -> None:
        """Any of the hearings here may have changed unheard."""
        self._changed |= {here.state.hearing_id for here in self._hub.connections(NAME)}
        self._wake.set()

    async def _speaker(self, bell: Doorbell) -> None:
        identity = bell.word("person_id") or None
        # Who waits outside is not told who speaks inside.
        for here in self._hub.room(NAME, _room(HearingId(bell.key))):
            if here.state.seat is not None:
                await here.emit("speaker_changed", {"identity": identity})

    async def _seats_of_session(self, session_id: str) -> list[str]:
        """A seat may outlive its socket and this process, but not its session: the room knows whose it is."""
        return [
            person.seat
            for room in await self._rooms.standing()
            for person in room.people
            if person.seat_key == seat_key_of(room.room, session_id)
        ]

    async def _session_ended(self, bell: Doorbell) -> None:
        for seat in await self._seats_of_session(bell.key):
            try:
                await self._rooms.leave(seat, reason="left")
            except HearingError as error:
                _log.info("seat was gone already", extra={"code": error.code})
        for here in self._hub.connections(NAME):
            if here.state.actor.session_id == bell.key:
                await here.emit("session_ended", {"reason": "signed_out"})
                await here.close("session_ended")

    async def _tell(self) -> None:
        """Show changed hearings to everybody in them, a burst at a time."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_GATHER_S)
            self._wake.clear()
            changed, self._changed = self._changed, set()
            for hearing_id in changed:
                try:
                    await self._show(hearing_id, self._hub.room(NAME, _room(hearing_id)))
                except Exception:
                    _log.exception("a hearing's view failed")

    async def _show(self, hearing_id: HearingId, viewers: list[Here]) -> None:
        """Read the hearing once, show each viewer what is theirs to see."""
        if not viewers:
            return
        self._courtroom.renew(hearing_id)
        hearing, case = await self._courtroom.read(hearing_id)
        for here in viewers:
            actor = here.state.actor
            try:
                seen = seen_by(actor, hearing, case)
                view = self._courtroom.view_of(seen, actor.person_id, language=here.language)
            except HearingError:
                # No longer theirs to see: taken off the case while connected.
                await here.close("not_yours")
                continue
            await here.emit("hearing_updated", {"hearing": view})


def _room(hearing_id: HearingId) -> str:
    return f"hearing:{hearing_id}"


def _seat(here: Here) -> str:
    if here.state.seat is None:
        raise Conflict("seat.none", zh="您尚未进入法庭", en="You have no seat in the room")
    return here.state.seat
