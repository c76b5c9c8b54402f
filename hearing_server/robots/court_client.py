"""A person at the court's HTTP door: cookies, problems, the simulator's outbox."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import Any

import aiohttp

_CODE = re.compile(r"验证码 (\d{6})")
# How long a robot waits for its SMS; the simulator delivers within a second.
_SMS_WAIT_S = 20.0


class Problem(Exception):
    """An error answer of the court."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('code')}: {body.get('title')}")
        self.status = status
        self.code = str(body.get("code", ""))
        self.body = body


class CourtClient:
    """One browser's worth of HTTP: its own cookies, JSON in and out."""

    def __init__(self, url: str, *, language: str = "zh-CN") -> None:
        self.url = url.rstrip("/")
        self.me: dict[str, Any] = {}
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Accept-Language": language},
            timeout=aiohttp.ClientTimeout(total=60),
            # A demo on the network has a certificate of its own making; robots run beside the server.
            connector=aiohttp.TCPConnector(ssl=False),
        )

    @property
    def http(self) -> aiohttp.ClientSession:
        """The session itself, for films and uploads."""
        return self._http

    async def __aenter__(self) -> CourtClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """One request under /api/v1; the JSON answer, None for 204. Raises Problem."""
        json = body if body is not None else ({} if method in ("POST", "PUT") else None)
        async with self._http.request(method, f"{self.url}/api/v1{path}", json=json) as answer:
            content = await answer.json(content_type=None) if answer.status != 204 else None
            if answer.status >= 400:
                raise Problem(answer.status, content or {})
            return content

    async def get(self, path: str) -> Any:
        return await self.call("GET", path)

    async def post(self, path: str, body: object = None) -> Any:
        return await self.call("POST", path, body)

    async def put(self, path: str, body: object = None) -> Any:
        return await self.call("PUT", path, body)

    async def sign_in_staff(self, username: str, password: str) -> dict[str, Any]:
        self.me = await self.post("/sign-in/staff", {"username": username, "password": password})
        return self.me

    async def sign_in_phone(self, phone: str) -> dict[str, Any]:
        """By phone code, read from the simulator's outbox."""
        seen = await self._seen(phone)
        await self.post("/sign-in/codes", {"phone": phone})
        self.me = await self.post("/sign-in/phone", {"phone": phone, "code": await self._code(phone, seen)})
        return self.me

    async def enter_by_link(self, token: str, phone: str, id_last4: str) -> str:
        """By join link, code and ID ending; the hearing's id."""
        seen = await self._seen(phone)
        await self.post(f"/join-links/{token}/codes")
        entered = await self.post(
            f"/join-links/{token}/sessions",
            {"code": await self._code(phone, seen), "id_last4": id_last4},
        )
        self.me = entered["me"]
        return str(entered["hearing_id"])

    async def ticket(self) -> str:
        """A ticket for one socket."""
        return str((await self.post("/socket-tickets"))["ticket"])

    async def _seen(self, phone: str) -> set[str]:
        outbox = await self.get("/demo/outbox")
        return {item["id"] for item in outbox["items"] if item["to"] == phone}

    async def _code(self, phone: str, seen: set[str]) -> str:
        """The code of the newest SMS to this phone that was not there before."""
        async with asyncio.timeout(_SMS_WAIT_S):
            while True:
                for item in (await self.get("/demo/outbox"))["items"]:
                    found = _CODE.search(item["body"])
                    if item["to"] == phone and item["id"] not in seen and found:
                        return found.group(1)
                await asyncio.sleep(0.1)
