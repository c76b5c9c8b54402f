"""The demo court in a process of its own, for measurements that need a whole court: started, killed, started again."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from typing import Any

from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.network.relay import Line
from hearing_server.robots.party import RobotParty, parties_of

START_TIMEOUT_S = 40.0
SIZE, RATE_HZ = (320, 240), 15


def free_port() -> int:
    """A port that TCP and UDP may have."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Court:
    """`about` is what `demo --json` said; `judge` is signed in after `sign_in`."""

    def __init__(
        self, process: asyncio.subprocess.Process, about: dict[str, Any], folder: str, media: int
    ) -> None:
        self.process = process
        self.about = about
        self.url = str(about["url"])
        self.media_port = media
        self.judge = CourtClient(self.url)
        self.party: RobotParty | None = None
        self.hearing_id = ""
        self._folder = folder

    @classmethod
    async def start(cls, folder: str, *, program: str = "hearing_server") -> Court:
        """On free ports, which it keeps over a restart."""
        media = free_port()
        process, about = await _serve(folder, free_port(), media, program)
        return cls(process, about, folder, media)

    async def sign_in(self) -> None:
        """Let the judge sign in; the hearing is the one that comes first."""
        sign_in = self.sign_in_of("judge")
        await self.judge.sign_in_staff(sign_in["username"], sign_in["password"])
        first = min(self.about["hearings"], key=lambda hearing: hearing["starts_at"])
        self.hearing_id = str(first["id"])

    async def seat_party(self, network: Line | None = None) -> str:
        """Sign the judge in, let one party come in and sit down; the party's id."""
        await self.sign_in()
        people = await parties_of(self.judge)
        self.party = RobotParty(self.url, people[0], 1, rate_hz=RATE_HZ, network=network)
        self.hearing_id = (await self.party.arrive()).hearing_id
        await self.judge.post(f"/hearings/{self.hearing_id}/admissions", {"all": True})
        await self.party.sit_down()
        return str(self.party.client.me["id"])

    def sign_in_of(self, role: str) -> dict[str, str]:
        found: dict[str, str] = next(p for p in self.about["people"] if p["role"] == role)["sign_in"]
        return found

    async def kill(self) -> None:
        """As a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def start_again(self) -> None:
        """On the same folder and ports; returns when it serves."""
        port = int(self.url.rsplit(":", 1)[1])
        self.process, _ = await _serve(self._folder, port, self.media_port)

    async def stop(self) -> None:
        if self.party is not None:
            await self.party.close()
        await self.judge.http.close()
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 15)
            except TimeoutError:
                self.process.kill()


async def _serve(
    folder: str, port: int, media_port: int, program: str = "hearing_server"
) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", program, "demo", "--json", "--data", folder),
        *("--port", str(port), "--media-port", str(media_port)),
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert process.stdout is not None
    try:
        first = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        return process, json.loads(first)
    except (TimeoutError, ValueError):
        process.kill()
        raise
