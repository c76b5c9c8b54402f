"""A robot's place in a hearing: the `/hearing` socket, two links, what it sees and hears, and how it comes back."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from aiortc import RTCConfiguration, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamTrack

from hearing_server.robots import moved
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.ladder import LinkLadder, LinkState, Steps, Unheard
from hearing_server.robots.links import DownLink, Link, UpLink, configuration
from hearing_server.robots.network.relay import Line
from hearing_server.robots.socket_link import NO_ANSWER, SocketLink
from hearing_server.robots.watching import Watched

_log = logging.getLogger(__name__)
_LISTEN_EVERY_S: Final = 0.25
# A browser says "disconnected" after about this long without an answer to its checks.
_SILENCE_S: Final = 2.5
# A loop that was this late stood still with its process: a frozen page that woke.
_SLEEP_S: Final = 5.0
# Ends of a seat that only the court or the person can undo, as in web_client/src/media/room_client.ts.
_FINAL_END: Final = re.compile(r"(removed|replaced|hearing|closed|left|room_closed|refused)")
_REJOIN_WAITS_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
MakeTracks = Callable[[], tuple[MediaStreamTrack, ...]]


class Seat:
    """One person's live connection to one hearing; `view` is the newest hearing the court showed.

    `network`: media go through this line. `recovers`: climb the ladder in trouble as pages do; without it a broken
    link stays broken. `relayed_only`: no way but the TURN server's.
    """

    def __init__(
        self,
        client: CourtClient,
        hearing_id: str,
        *,
        decode: bool = True,
        recovers: bool = False,
        network: Line | None = None,
        relayed_only: bool = False,
    ) -> None:
        self.client = client
        self.hearing_id = hearing_id
        self.view: dict[str, Any] = {}
        self.watched: dict[tuple[str, str], Watched] = {}
        self.ended: str | None = None
        self.shown: set[tuple[str, str]] | None = None  # the pictures we are sent; None until told
        self.held_back: str | None = None  # why not the others
        self.rejoins = 0
        self.seat_id = ""
        self._is_sitting_down = False
        self.up: UpLink | None = None
        self.ice_servers: list[dict[str, Any]] = []
        self._decode = decode
        self._recovers = recovers
        self._network = network
        self._relayed_only = relayed_only
        self._changed = asyncio.Event()
        self._offers: asyncio.Queue[dict[str, Any]] = asyncio.Queue(64)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._following: WeakKeyDictionary[RTCRtpReceiver, asyncio.Task[Any]] = WeakKeyDictionary()
        self._rejoining: asyncio.Task[None] | None = None
        self._must_be_fresh = False
        self._is_closing = False
        self._make_tracks: MakeTracks | None = None
        self._socket = SocketLink(
            client, hearing_id, recovers=recovers, on_up=self._socket_up, on_down=self._socket_down
        )
        self._socket.on("hearing_updated", self._updated)
        self._socket.on("subscription_offered", self._offered)
        self._socket.on("layers_wanted", self._layers_wanted)
        self._socket.on("pictures_changed", self._pictures_changed)
        self._socket.on("seat_ended", self._seat_ended)
        self.up_ladder = LinkLadder(Steps(self._restart_up, self._fresh_up, self._rejoin_soon))
        self.down_ladder = LinkLadder(Steps(self._restart_down, self._fresh_down, self._rejoin_soon))
        self.down = DownLink(
            self._configuration, self._ladder_of(self.down_ladder), self._on_track, self._answer
        )

    @property
    def frames(self) -> Counter[tuple[str, str]]:
        """Decoded frames by (person, source)."""
        return Counter({key: watched.frames for key, watched in self.watched.items()})

    @property
    def first_frame_s(self) -> dict[tuple[str, str], float]:
        """When the first frame came, monotonic seconds."""
        return {key: watched.first_s for key, watched in self.watched.items() if watched.first_s is not None}

    async def connect(self) -> None:
        """Open the socket with a fresh ticket."""
        await self._socket.open()
        self._spawn(self._answer_offers())
        if self._recovers:
            self._spawn(self._listen_for_silence())

    async def command(self, name: str, **body: Any) -> dict[str, Any]:
        """A command and its ack; raises Problem on a refusal."""
        return await self._socket.command(name, **body)

    async def report(self, stage: str, page: str = "visible") -> None:
        await self._socket.report(stage, page)

    async def until(self, condition: Any, *, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait until `condition(view)` holds; the view."""
        async with asyncio.timeout(timeout_s):
            while not (self.view and condition(self.view)):
                self._changed.clear()
                await self._changed.wait()
        return self.view

    def person(self, person_id: str | None = None) -> dict[str, Any]:
        """A person in the newest view; ourselves without an id."""
        wanted = person_id or self.client.me["id"]
        people: list[dict[str, Any]] = self.view.get("people", [])
        return dict(next((p for p in people if p["person_id"] == wanted), {}))

    async def take(self) -> dict[str, Any]:
        """Sit down in the room; what the room said."""
        self._is_sitting_down = True
        try:
            joined = await self.command("room_join")
        finally:
            self._is_sitting_down = False
        self.seat_id = str(joined["seat"])
        self.ice_servers = joined["ice_servers"]
        return joined

    async def publish(self, *tracks: MediaStreamTrack) -> None:
        """Send these tracks on a fresh connection; after a break they are not made anew."""
        await self.publish_from(lambda: tracks)

    async def publish_from(self, make_tracks: MakeTracks) -> None:
        """Send what `make_tracks` makes, on this connection and on every one after it."""
        self._make_tracks = make_tracks
        if self.up is not None:
            await self.up.close()
        self.up = UpLink(self._configuration, self._ladder_of(self.up_ladder), make_tracks, self._offer)
        await self.up.publish()

    async def lose_socket(self) -> None:
        """The socket breaks; media do not."""
        await self._socket.hang_up()

    def network_changed(self) -> None:
        """What a phone's browser hears when it leaves Wi-Fi."""
        self._socket.replace()
        self._shaken()
        if self.seat_id:
            self._spawn(self._lead())

    async def _lead(self) -> None:
        up, down = await moved.lead(
            self.client, self.hearing_id, self.seat_id, self.up, self.down, self._through
        )
        if up:
            self.up_ladder.told()
        if down:
            self.down_ladder.told()

    def _woke(self) -> None:
        self._socket.wake()
        self._shaken()

    def _shaken(self) -> None:
        self.up_ladder.network_changed()
        self.down_ladder.network_changed()

    async def close(self) -> None:
        """Leave the room and hang up."""
        self._is_closing = True
        self.up_ladder.stop()
        self.down_ladder.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket.is_up:
            try:
                await self.command("room_leave")
            except (Problem, *NO_ANSWER):
                _log.debug("left without saying so")
        await self._socket.close()
        for link in self._links():
            await link.close()

    # Links

    def _links(self) -> list[Link]:
        return [self.down] if self.up is None else [self.up, self.down]

    def _configuration(self) -> tuple[RTCConfiguration, bool]:
        return configuration(self.ice_servers, relayed_only=self._relayed_only), self._relayed_only

    def _ladder_of(self, ladder: LinkLadder) -> Callable[[LinkState], None]:
        return lambda state: ladder.link_changed(state) if self._recovers else None

    def _through(self, sdp: str) -> str:
        return self._network.through(sdp) if self._network is not None else sdp

    async def _offer(self, sdp: str, sources: dict[str, str]) -> str:
        ack = await self.command("track_publish", sdp=sdp, sources=sources)
        return self._through(ack["sdp"])

    async def _answer(self, version: int, sdp: str) -> None:
        await self.command("subscription_answer", version=version, sdp=sdp)

    async def _answer_offers(self) -> None:
        # Not for ever: aioice swallows a cancellation that meets it while it closes something.
        while not self._is_closing:
            offer = await self._offers.get()
            try:
                await self.down.offered({**offer, "sdp": self._through(offer["sdp"])})
            except Problem as problem:
                # An older offer was overtaken; the newer one is in the queue.
                _log.info("offer not answered: %s", problem.code)
            except NO_ANSWER as error:
                if not self._recovers:
                    raise
                _log.info("offer not answered: %s", type(error).__name__)

    def _on_track(self, identity: str, source: str, receiver: RTCRtpReceiver) -> None:
        if self._decode:
            watched = self.watched.setdefault((identity, source), Watched())
            former = self._following.pop(receiver, None)
            if former is not None:
                former.cancel()  # a section that somebody else had
            self._following[receiver] = self._spawn(watched.follow(receiver.track))
            if self._recovers:
                watched.count_packets(receiver)

    # Trouble

    async def _restart_up(self) -> None:
        if self.up is not None:
            await self._heard(self.up.restart_ice())

    async def _fresh_up(self) -> None:
        if self.up is not None:
            await self._heard(self.up.publish())

    async def _restart_down(self) -> None:
        await self._heard(self.command("subscription_restart"))

    async def _fresh_down(self) -> None:
        await self.down.drop()
        await self._restart_down()

    async def _heard(self, step: Any) -> None:
        try:
            await step
        except NO_ANSWER as error:
            raise Unheard from error

    def _socket_up(self, again: bool) -> None:
        if again and self.seat_id:
            self._rejoin_soon(fresh=False)

    def _socket_down(self) -> None:
        self.up_ladder.signalling_changed(False)
        self.down_ladder.signalling_changed(False)

    def _rejoin_soon(self, *, fresh: bool = True) -> None:
        self._must_be_fresh = self._must_be_fresh or fresh
        if self._rejoining is None or self._rejoining.done():
            self._rejoining = self._spawn(self._rejoin())

    async def _rejoin(self) -> None:
        """Take the seat again; links whose other ends the server still holds are kept."""
        for wait_s in (*_REJOIN_WAITS_S, *[_REJOIN_WAITS_S[-1]] * 100):
            await asyncio.sleep(wait_s)
            if not self._socket.is_up:
                return  # its return tries again
            try:
                joined = await self.take()
                self.rejoins += 1
                await self._mend(joined)
            except NO_ANSWER as error:
                _log.info("not seated: %s", type(error).__name__)
            except Problem as problem:
                if not problem.body.get("retryable", problem.status == 503 or problem.code == "room.unknown"):
                    self.ended = f"refused {problem.code}"
                    return
            else:
                return

    async def _mend(self, joined: dict[str, Any]) -> None:
        people = joined["room"]["participants"]
        mine = next((each for each in people if each["identity"] == self.client.me["id"]), None)
        is_known = mine is not None and (self.up is None or bool(mine["tracks"]))
        if self._must_be_fresh or not is_known:
            self._must_be_fresh = False
            self.up_ladder.stop()
            self.down_ladder.stop()
            if self.up is not None:
                await self.up.publish()
        self.up_ladder.signalling_changed(True)
        self.down_ladder.signalling_changed(True, is_restarting=True)

    async def _listen_for_silence(self) -> None:
        """Both links share one line: when nothing at all comes, both are disconnected."""
        heard, heard_s, looked_s = 0, time.monotonic(), time.monotonic()
        while True:
            await asyncio.sleep(_LISTEN_EVERY_S)
            now_s = time.monotonic()
            if now_s - looked_s > _SLEEP_S:
                self._woke()
                heard_s = now_s
            looked_s = now_s
            total = sum([await link.received_bytes() for link in self._links()])
            if total != heard or self.up is None:
                heard, heard_s = total, now_s
                self._say_connected()
            elif now_s - heard_s > _SILENCE_S:
                for link in self._links():
                    if link.state is LinkState.CONNECTED:
                        link.say(LinkState.DISCONNECTED)

    def _say_connected(self) -> None:
        for link in self._links():
            peer = link.peer
            if (
                link.state is LinkState.DISCONNECTED
                and peer is not None
                and peer.connectionState == "connected"
            ):
                link.say(LinkState.CONNECTED)

    # Events

    async def _updated(self, data: dict[str, Any]) -> None:
        if data["hearing"]["version"] >= self.view.get("version", 0):
            self.view = data["hearing"]
            self._changed.set()

    async def _offered(self, data: dict[str, Any]) -> None:
        await self._offers.put(data)

    async def _layers_wanted(self, data: dict[str, Any]) -> None:
        if self.up is not None:
            self.up.want(data["source"], data["rids"])

    async def _pictures_changed(self, data: dict[str, Any]) -> None:
        self.shown = {(identity, source) for identity, source in data["shown"]}
        self.held_back = data["because"]
        self._changed.set()

    async def _seat_ended(self, data: dict[str, Any]) -> None:
        if self._is_sitting_down or data["seat"] != self.seat_id:
            return  # the seat before this one: it went because this one was taken
        if self._recovers and not _FINAL_END.match(data["reason"]):
            self._rejoin_soon()
            return
        self.ended = data["reason"]
        self._changed.set()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
