"""A whole court for tests: the real server over real HTTP, seeded like the demo, on free ports, in its own folder."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import ric

from hearing_server.adapters.media_plane import LocalMedia
from hearing_server.app import CourtServer
from hearing_server.demo import demo_court
from hearing_server.demo_court import PASSWORD, DemoCourt
from hearing_server.robots.court_client import CourtClient
from hearing_server.settings import Settings, load_settings
from signaling.engine import MediaEngine
from tests.chosen_database import chosen


@dataclass(frozen=True, slots=True)
class RunningCourt:
    """What a test holds on to: the server's inside, and its address for everything that must go over the wire."""

    server: CourtServer
    demo: DemoCourt

    @property
    def url(self) -> str:
        return self.server.address.url

    @property
    def engine(self) -> MediaEngine:
        """The media engine of a court whose rooms live in its own process."""
        media = self.server.media
        assert isinstance(media, LocalMedia)
        return media.rooms.engine

    def client(self, *, language: str = "zh-CN") -> CourtClient:
        """A browser that isn't signed in; use it with `async with`."""
        return CourtClient(self.url, language=language)

    @asynccontextmanager
    async def staff(self, username: str) -> AsyncIterator[CourtClient]:
        """`judge`, `clerk`, `clerk2` or `president`, signed in."""
        async with self.client() as client:
            await client.sign_in_staff(username, PASSWORD)
            yield client

    @asynccontextmanager
    async def party(self, name: str) -> AsyncIterator[CourtClient]:
        """A party of the demo's cases by name, signed in by phone code."""
        async with self.client() as client:
            await client.sign_in_phone((await self.person(name))["sign_in"]["phone"])
            yield client

    async def person(self, name: str) -> dict[str, Any]:
        """How the demo page describes somebody: phone, last four of the ID, links."""
        people: Any = (await self.demo.describe())["people"]
        return next(person for person in people if person["name"] == name)

    async def join_token(self, name: str) -> str:
        """The token of the newest join link that was sent to this person."""
        link: str = (await self.person(name))["links"]["join"]
        return link.rsplit("/j/", 1)[1]

    async def messages(self, phone: str) -> list[str]:
        """What the simulator would have sent to this phone, newest first."""
        return [item.body for item in await self.server.services.outbox.newest(200) if item.to == phone]

    async def newest_code(self, phone: str) -> str:
        """The six digits of the newest code sent to this phone."""
        found = (re.search(r"验证码 (\d{6})", body) for body in await self.messages(phone))
        return next(match[1] for match in found if match)


def court_settings(folder: Path, **overrides: Any) -> Settings:
    """Settings of a demo court on free ports; whole sections may be overridden."""
    sections: dict[str, Any] = {
        "storage": {"data_dir": folder, "reserve_bytes": 0, "database_url": chosen.url(folder)},
        "server": {"port": 0},
        "media": {"udp_port": 0, "tcp_port": 0},
        "demo": True,
    }
    for name, value in overrides.items():
        sections[name] = {**sections.get(name, {}), **value} if isinstance(value, dict) else value
    return load_settings(**sections)


@asynccontextmanager
async def running_court(folder: Path, **overrides: Any) -> AsyncIterator[RunningCourt]:
    """The seeded court, serving."""
    async with demo_court(court_settings(folder, **overrides)) as (server, demo):
        yield RunningCourt(server, demo)


@pytest.fixture
async def court(tmp_path: Path) -> AsyncIterator[RunningCourt]:
    """A running court of this test's own."""
    async with running_court(tmp_path) as running:
        yield running


def invented_id(sequence: int, birth: str = "19900307") -> str:
    """A well-formed resident number that belongs to nobody: district 330199 was never assigned."""
    body = f"330199{birth}{sequence:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def new_case(judge_id: str, *, sequence: int = 1, **changes: Any) -> dict[str, Any]:
    """A body for `POST /cases`: one plaintiff, one defendant, who exist in no other case."""
    parties = [
        {"standing": standing, "kind": "natural", "name": name, "phone": f"137{sequence * 2 + place:08d}",
         "id_number": invented_id(sequence * 2 + place), "representatives": []}
        for place, (standing, name) in enumerate((("plaintiff", "甲某"), ("defendant", "乙某")))
    ]  # fmt: skip
    return {
        "cause": "买卖合同纠纷", "procedure": "summary", "openness": "open", "judge_id": judge_id, "parties": parties
    } | changes  # fmt: skip
