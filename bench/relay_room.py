"""Baseline of `bench.forward`: the room one gets from aiortc's own parts, MediaRelay between peer connections.

Every publisher is decoded once, every viewer's copy encoded anew. Runs in its own process on uvloop and talks JSON
lines with its parent, like `bench.room_server`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import uvloop
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import vpx
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamTrack

# The same picture rate as in the other room; aiortc would start at 500 kbit/s and needs REMB to climb.
vpx.DEFAULT_BITRATE = 1_000_000


class RelayRoom:
    """One publisher, any number of viewers."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._tracks: list[MediaStreamTrack] = []
        self._connections: list[RTCPeerConnection] = []

    def _connection(self) -> RTCPeerConnection:
        made = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._connections.append(made)
        return made

    async def publish(self, sdp: str) -> str:
        connection = self._connection()
        connection.on("track", self._tracks.append)
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)

    async def watch(self) -> tuple[int, str]:
        connection = self._connection()
        for track in self._tracks:
            connection.addTrack(self._relay.subscribe(track))
        await connection.setLocalDescription(await connection.createOffer())
        return len(self._connections) - 1, str(connection.localDescription.sdp)

    async def answered(self, number: int, sdp: str) -> None:
        await self._connections[number].setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._connections))


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _serve() -> None:
    room = RelayRoom()
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready=True)
    while line := await reader.readline():
        command = json.loads(line)
        answer: dict[str, Any] = {}
        match command["do"]:
            case "publish":
                answer["sdp"] = await room.publish(command["sdp"])
            case "watch":
                answer["number"], answer["sdp"] = await room.watch()
            case "answered":
                await room.answered(command["number"], command["sdp"])
            case "stop":
                break
        _say(answer=command["id"], **answer)
    await room.close()
    _say(answer=-1)


if __name__ == "__main__":
    uvloop.run(_serve())
