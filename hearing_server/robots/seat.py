"""A robot's place in a hearing: the `/hearing` socket, two peer connections, what it sees and hears."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Any

import socketio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from hearing_server.robots.court_client import CourtClient, Problem

_log = logging.getLogger(__name__)
_ACK_S = 20.0


class Seat:
    """One person's live connection to one hearing; `view` is the newest hearing the court showed."""

    def __init__(self, client: CourtClient, hearing_id: str, *, decode: bool = True) -> None:
        self.client = client
        self.hearing_id = hearing_id
        self.view: dict[str, Any] = {}
        self.frames: Counter[tuple[str, str]] = Counter()
        self.first_frame_s: dict[tuple[str, str], float] = {}
        self.ended: str | None = None
        self._decode = decode
        self._changed = asyncio.Event()
        self._socket = socketio.AsyncClient(reconnection=False, ssl_verify=False)
        self._sending: RTCPeerConnection | None = None
        self._watching: RTCPeerConnection | None = None
        self._offers: asyncio.Queue[dict[str, Any]] = asyncio.Queue(64)
        self._tasks: list[asyncio.Task[None]] = []
        self._watched: set[tuple[str, str]] = set()
        self._socket.on("hearing_updated", self._updated, namespace="/hearing")
        self._socket.on("subscription_offered", self._offered, namespace="/hearing")
        self._socket.on("seat_ended", self._seat_ended, namespace="/hearing")

    async def connect(self) -> None:
        """Open the socket with a fresh ticket."""
        await self._socket.connect(
            self.client.url,
            namespaces=["/hearing"],
            transports=["websocket"],
            auth={"ticket": await self.client.ticket(), "hearing_id": self.hearing_id},
            wait_timeout=20,
        )
        self._tasks.append(asyncio.create_task(self._answer_offers()))

    async def command(self, name: str, **body: Any) -> dict[str, Any]:
        """A command and its ack; raises Problem on a refusal."""
        ack = await self._socket.call(name, body, namespace="/hearing", timeout=_ACK_S)
        if not isinstance(ack, dict) or not ack.get("ok"):
            raise Problem(0, ack if isinstance(ack, dict) else {})
        return ack

    async def report(self, stage: str, page: str = "visible") -> None:
        await self.command("presence_report", stage=stage, page=page)

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
        found = next((p for p in people if p["person_id"] == wanted), {})
        return dict(found)

    async def take(self) -> None:
        """Fetch a grant and sit down in the room."""
        granted = await self.client.post(f"/hearings/{self.hearing_id}/grants")
        await self.command("room_join", grant=granted["grant"])

    async def publish(self, *tracks: MediaStreamTrack) -> None:
        """Send these tracks on a fresh connection."""
        connection = self._sending = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in tracks:
            connection.addTransceiver(track, direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        sources = {
            str(each.mid): "microphone" if each.kind == "audio" else "camera"
            for each in connection.getTransceivers()
        }
        ack = await self.command("track_publish", sdp=connection.localDescription.sdp, sources=sources)
        await connection.setRemoteDescription(RTCSessionDescription(ack["sdp"], "answer"))

    async def close(self) -> None:
        """Leave the room and hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket.connected:
            try:
                await self.command("room_leave")
            except (Problem, socketio.exceptions.SocketIOError, TimeoutError):
                _log.debug("left without saying so")
            await self._socket.disconnect()
        for connection in (self._sending, self._watching):
            if connection is not None:
                await connection.close()

    async def _updated(self, data: dict[str, Any]) -> None:
        if data["hearing"]["version"] >= self.view.get("version", 0):
            self.view = data["hearing"]
            self._changed.set()

    async def _offered(self, data: dict[str, Any]) -> None:
        await self._offers.put(data)

    async def _seat_ended(self, data: dict[str, Any]) -> None:
        self.ended = data["reason"]
        self._changed.set()

    async def _answer_offers(self) -> None:
        while True:
            offer = await self._offers.get()
            try:
                await self._answer(offer)
            except Problem as problem:
                # An older offer was overtaken; the newer one is in the queue.
                _log.info("offer not answered: %s", problem.code)

    async def _answer(self, offer: dict[str, Any]) -> None:
        if self._watching is None:
            self._watching = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection = self._watching
        await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        await self.command(
            "subscription_answer", version=offer["version"], sdp=connection.localDescription.sdp
        )
        by_mid = {each.mid: each for each in connection.getTransceivers()}
        for track in offer["tracks"]:
            key = (track["identity"], track["source"])
            if key not in self._watched and self._decode:
                self._watched.add(key)
                receiver = by_mid[track["mid"]].receiver
                self._tasks.append(asyncio.create_task(self._watch(key, receiver.track)))

    async def _watch(self, key: tuple[str, str], track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                self.frames[key] += 1
                self.first_frame_s.setdefault(key, time.monotonic())
        except MediaStreamError:
            self._watched.discard(key)
