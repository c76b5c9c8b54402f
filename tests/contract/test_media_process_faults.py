"""What goes wrong between a court and its media processes: hangs, broken connections, too much news, taken ports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hearing_server.adapters.media_process import link as links
from hearing_server.adapters.media_process import place as places
from hearing_server.adapters.media_process.link import Link
from hearing_server.adapters.media_process.look import end_media_processes, media_processes
from hearing_server.adapters.media_process.supervisor import MediaProcesses
from hearing_server.errors import Unavailable
from tests.contract.test_media_plane import LIN, REC, ROOM, ZHAO, Heard, proven, seat, settings
from tests.contract.test_media_processes import court


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    yield tmp_path / "media"
    await end_media_processes(tmp_path / "media", even_if_busy=True)


async def test_process__that_hangs__is_ended_and_its_room_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "HUNG_S", 1.5)
    heard = Heard()
    async with court(folder, heard) as one:
        await one.rooms.open_room(ROOM)
        await seat(one, LIN)
        (facts,) = await media_processes(folder)
        os.kill(facts.pid, signal.SIGSTOP)
        await heard.until("rooms_lost", (ROOM,))
        await one.rooms.open_room(ROOM)
        (again,) = await media_processes(folder)
        assert again.pid != facts.pid


async def test_connection__broken_while_the_process_lives__loses_nothing(
    folder: Path, tmp_path: Path
) -> None:
    heard = Heard()
    async with court(folder, heard) as one:
        await one.rooms.open_room(ROOM)
        taken = await seat(one, LIN)
        await one.recorders.start(REC, tmp_path / "rec_1", second=None, room=ROOM)
        (before,) = await media_processes(folder)
        # Somebody else says hello as the court: ours is shown out, and comes again for what it missed.
        thief = await Link.open(folder / "0.sock")
        thief.start(None)
        await thief.order("rooms.leave", seat=taken.seat, reason="left")
        await heard.until("seat_ended", taken.seat)
        (rooms,) = await heard.until("rooms_seen")
        assert [(room.room, room.people) for room in rooms] == [(ROOM, ())]
        await thief.close()
        await proven(one)
        assert await media_processes(folder) == [before.__class__(**{**_fields(before), "seats": 0})]
        assert "rooms_lost" not in {name for name, _ in heard.news}
        await one.recorders.abandon(REC)


def _fields(facts: Any) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts.__slots__}


async def test_news__more_than_the_court_can_take__are_caught_up_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "_NEWS_WAITING", 2)
    slow = asyncio.Event()

    class Slow(Heard):
        async def seat_taken(self, *words: Any, **more: Any) -> None:
            await slow.wait()

    heard = Slow()
    async with court(folder, heard) as one:
        await one.rooms.open_room(ROOM)
        await seat(one, LIN)
        for _ in range(4):
            zhao = await seat(one, ZHAO)
            await one.rooms.leave(zhao.seat, reason="left")
        zhao = await seat(one, ZHAO)
        await asyncio.sleep(0.3)
        slow.set()
        (rooms,) = await heard.until("rooms_seen")
        assert {person.seat for person in rooms[0].people if person.identity == ZHAO} == {zhao.seat}
        # And from there on news are heard again.
        await one.rooms.leave(zhao.seat, reason="left")
        await heard.until("seat_ended", zhao.seat)


async def test_start__on_a_port_that_is_taken__says_which_and_leaves_nobody_behind(folder: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        wanted = settings().__class__(
            announced_addresses=("127.0.0.1",), grant_keys=(b"k" * 32,), host="127.0.0.1", udp_port=port
        )
        one = MediaProcesses(folder, wanted, count=1, orphan_s=5.0)
        with pytest.raises(Unavailable) as refused:
            async with one.running():
                pytest.fail("it started")
    assert refused.value.code == "media.port_taken"
    assert str(port) in refused.value.zh
    assert await media_processes(folder) == []


async def test_settings__changed__reach_an_empty_process_and_wait_for_a_full_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hearing_server.adapters.media_process.supervisor._TIDY_S", 0.2)
    async with court(folder) as old:
        await old.rooms.open_room(ROOM)
        taken = await seat(old, LIN)
        (before,) = await media_processes(folder)
    changed = settings().__class__(
        announced_addresses=("127.0.0.2",), grant_keys=(b"k" * 32,), host="127.0.0.1", last_n=3
    )
    new = MediaProcesses(folder, changed, count=1, orphan_s=5.0)
    async with new.running():
        await asyncio.sleep(0.6)
        assert [facts.pid for facts in await media_processes(folder)] == [before.pid]
        await new.rooms.leave(taken.seat, reason="left")
        async with asyncio.timeout(20):
            while True:
                found = await media_processes(folder)
                if found and found[0].pid != before.pid:
                    break
                await asyncio.sleep(0.1)
        assert found[0].settings_id != before.settings_id


async def test_command__media__lists_and_ends(folder: Path, tmp_path: Path) -> None:
    async with court(folder) as one:
        await one.rooms.open_room(ROOM)
        await one.recorders.start(REC, tmp_path / "rec_1", second=None, room=ROOM)
    code, said = await asyncio.to_thread(_command, tmp_path)
    assert code == 0
    assert "1 recordings" in said
    code, said = await asyncio.to_thread(_command, tmp_path, "--stop")
    assert code == 1, "it is needed, and stays"
    code, said = await asyncio.to_thread(_command, tmp_path, "--stop", "--force")
    assert (code, said.splitlines()[-1].split()[0]) == (0, "0")
    assert (tmp_path / "rec_1" / "manifest.json").is_file()


def _command(data: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "hearing_server", "media", "--data", str(data), *options],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout
