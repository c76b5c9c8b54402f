"""The least a chat server can do in Python: bare python-socketio on aiohttp and uvloop, no identity, nothing kept.

Run: python -m bench.emit_server. Prints its port. A client names its room as its ticket; what it posts is emitted to
that room and acked with a number.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import socketio
import uvloop
from aiohttp import web

NAMESPACE = "/case"


async def serve() -> None:
    server = socketio.AsyncServer(async_mode="aiohttp", transports=["websocket"])
    numbers = itertools.count(1)
    rooms: dict[str, str] = {}

    async def connect(sid: str, _: object, auth: dict[str, Any]) -> None:
        rooms[sid] = auth["ticket"]
        await server.enter_room(sid, auth["ticket"], namespace=NAMESPACE)

    async def disconnect(sid: str, *_: object) -> None:
        rooms.pop(sid, None)

    async def message_post(sid: str, body: dict[str, Any]) -> dict[str, Any]:
        seq = next(numbers)
        events = [{**body, "seq": seq}]
        await server.emit("events_appended", {"events": events}, room=rooms[sid], namespace=NAMESPACE)
        return {"ok": True, "seq": seq}

    server.on("connect", connect, namespace=NAMESPACE)
    server.on("disconnect", disconnect, namespace=NAMESPACE)
    server.on("message_post", message_post, namespace=NAMESPACE)
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
