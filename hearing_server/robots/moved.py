"""On another network a robot leads its links there by plain requests, as pages do (src/media/moved_links.ts)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.links import DownLink, UpLink
from hearing_server.robots.socket_link import NO_ANSWER

LIMIT_S: Final = 5.0


async def lead(
    client: CourtClient,
    hearing_id: str,
    seat: str,
    up: UpLink | None,
    down: DownLink,
    through: Callable[[str], str],
) -> tuple[bool, bool]:
    """Which ways the server has led: (up, down). Never raises: the socket's return mends what was not."""
    path, led_up, led_down = f"/hearings/{hearing_id}/seat/moved", False, False

    async def send_answer(version: int, sdp: str) -> None:
        await client.post(path + "/answer", {"seat": seat, "version": version, "sdp": sdp})

    try:
        async with asyncio.timeout(LIMIT_S):
            sdp, sources = up.offer if up is not None else ("", {})
            told = await client.post(path, {"seat": seat, "sources": sources} | ({"sdp": sdp} if sdp else {}))
            if up is not None and told["sdp"] is not None:
                led_up = True
                up.check_soon(through(told["sdp"]))
            if told["offer"] is not None:
                offer = told["offer"] | {"sdp": through(told["offer"]["sdp"])}
                await down.offered(offer, send_answer)
                led_down = True
    except (Problem, *NO_ANSWER):
        pass
    return led_up, led_down
