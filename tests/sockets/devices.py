"""A device of a signed-in person on `/case`: the real Socket.IO client, keeping lanes as the protocol says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import socketio

from hearing_server.robots.court_client import CourtClient

# How long a test waits for news before it fails; the machine is shared.
PATIENCE_S = 20.0


class Device:
    """Applies only the next number of a lane, drops lower ones, remembers where a higher one showed a gap."""

    def __init__(self, person: CourtClient, *, url: str | None = None) -> None:
        self.person = person
        self.url = url or person.url
        self.lanes: dict[str, list[dict[str, Any]]] = {}
        self.epochs: dict[str, int] = {}
        self.gaps: list[tuple[str, int]] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.sent_bytes = 0
        self._news = asyncio.Event()
        self._client = socketio.AsyncClient(reconnection=False, logger=False)
        self._client.on("*", self._hear, namespace="/case")
        self._client.on("disconnect", self._gone, namespace="/case")
        self.is_gone = False

    async def connect(self, *, ticket: str | None = None) -> None:
        ticket = ticket if ticket is not None else await self.person.ticket()
        await self._client.connect(
            self.url, auth={"ticket": ticket}, namespaces=["/case"], transports=["websocket"]
        )

    async def leave(self) -> None:
        await self._client.disconnect()

    async def ask(self, command: str, **body: Any) -> dict[str, Any]:
        """One command; its ack."""
        answer: dict[str, Any] = await self._client.call(command, body, namespace="/case", timeout=PATIENCE_S)
        return answer

    async def resume(self, *lanes: str, epoch: int = 1) -> dict[str, Any]:
        """From what this device has."""
        cursors = {
            lane: {"epoch": self.epochs.get(lane, epoch), "last_seq": len(self.lanes.get(lane, []))}
            for lane in lanes
        }
        answer = await self.ask("lanes_resume", lanes=cursors)
        assert answer["ok"], answer
        return dict(answer["lanes"])

    async def post(self, lane: str, client_id: str, text: str) -> dict[str, Any]:
        return await self.ask(
            "message_post", lane=lane, client_id=client_id, type="text", body={"text": text}
        )

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for news that makes it so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    def events(self, name: str) -> list[dict[str, Any]]:
        return [body for heard, body in self.heard if heard == name]

    def texts(self, lane: str) -> list[str]:
        return [event["body"]["text"] for event in self.lanes.get(lane, []) if event["type"] == "text"]

    def take(self, lane: str, events: list[dict[str, Any]]) -> None:
        """Apply what is next, drop what is known, note a gap."""
        held = self.lanes.setdefault(lane, [])
        for event in events:
            if event["seq"] == len(held) + 1:
                held.append(event)
            elif event["seq"] > len(held):
                self.gaps.append((lane, event["seq"]))

    def stop_reading(self) -> None:
        """A phone in a tunnel: nothing is taken any more, and the kernel between keeps little."""
        self._transport().pause_reading()

    def read_on(self) -> None:
        self._transport().resume_reading()

    def _transport(self) -> asyncio.Transport:
        # A socket can't be told through the library's public face to stop reading.
        connection = self._client.eio.ws._conn
        assert isinstance(connection.transport, asyncio.Transport)
        return connection.transport

    async def _hear(self, name: str, body: dict[str, Any]) -> None:
        self.heard.append((name, body))
        if name == "events_appended":
            self.epochs[body["lane"]] = body["epoch"]
            self.take(body["lane"], body["events"])
        self._news.set()

    async def _gone(self, *_: object) -> None:
        self.is_gone = True
        self._news.set()


@asynccontextmanager
async def device(person: CourtClient, *, url: str | None = None) -> AsyncIterator[Device]:
    """A connected device; `url` when it talks to another process than the person's browser."""
    one = Device(person, url=url)
    await one.connect()
    try:
        yield one
    finally:
        await one.leave()


async def space_of(person: CourtClient) -> dict[str, Any]:
    """The space of the person's first case, with the case's id and its lanes by kind."""
    case = (await person.get("/cases"))["items"][0]
    space: dict[str, Any] = await person.get(f"/cases/{case['id']}/space")
    return {**space, "case_id": case["id"], "by_kind": {lane["kind"]: lane for lane in space["lanes"]}}
