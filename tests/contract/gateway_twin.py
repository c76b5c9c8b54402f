"""A provider's gateway on loopback, with a script: slow, failing, silent, reporting late, twice or out of order."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from hearing_server.domain.reminding.signed_calls import (
    NONCE,
    SIGNATURE,
    TIMESTAMP,
    Direction,
    is_signed,
    signature,
)

SECRET = b"a shared secret of the tests"


@dataclass
class GatewayTwin:
    """`script`: what to do with the next calls: an HTTP status, "hang", or nothing left: 202."""

    url: str = ""
    script: list[int | str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    unsigned: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def by_key(self) -> Counter[str]:
        return Counter(call["key"] for call in self.calls)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        given = request.headers
        if not is_signed(
            SECRET, Direction.SEND, timestamp=given.get(TIMESTAMP, ""), nonce=given.get(NONCE, ""), body=body,
            given=given.get(SIGNATURE, ""), now_s=time.time(),
        ):  # fmt: skip
            self.unsigned += 1
            return web.json_response({"error": "signature"}, status=401)
        said = json.loads(body)
        assert given["Idempotency-Key"] == said["key"]
        self.calls.append(said)
        self.called.set()
        what = self.script.pop(0) if self.script else 202
        if what == "hang":
            await asyncio.sleep(3600)
        if what == "redirect":
            raise web.HTTPFound("http://127.0.0.1:9/elsewhere")
        status = what if isinstance(what, int) else 202
        return web.json_response({"id": f"msg-{len(self.calls)}"}, status=status)

    async def report(self, court_url: str, channel: str, said: dict[str, Any] | bytes, **changes: str) -> int:
        """One delivery report to the court; `changes` spoil parts of it. The HTTP status."""
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        stamp = changes.get("timestamp", str(int(time.time())))
        nonce = changes.get("nonce", secrets.token_hex(8))
        direction = Direction(changes.get("direction", "report"))
        signed = changes.get("signature") or signature(
            changes.get("secret", SECRET.decode()).encode(),
            direction,
            timestamp=stamp,
            nonce=nonce,
            body=body,
        )
        headers = {"Content-Type": "application/json", TIMESTAMP: stamp, NONCE: nonce, SIGNATURE: signed}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{court_url}/api/v1/channels/{channel}/reports", data=body, headers=headers
            ) as answer,
        ):
            return answer.status


@asynccontextmanager
async def gateway_twin() -> AsyncIterator[GatewayTwin]:
    twin = GatewayTwin()
    app = web.Application()
    app.router.add_post("/send", twin.take)
    async with TestServer(app) as server:
        twin.url = str(server.make_url("/send"))
        yield twin
