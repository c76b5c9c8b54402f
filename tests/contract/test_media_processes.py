"""Media processes without a court: whose they are, when they end, what becomes of their rooms."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from hearing_server.adapters.media_process import calls, link
from hearing_server.adapters.media_process.look import end_media_processes, media_processes
from hearing_server.adapters.media_process.supervisor import MediaProcesses
from hearing_server.adapters.media_process.wire import open_socket, packed, read_frame
from hearing_server.errors import Unavailable
from hearing_server.kernel import HearingId, RecordingId
from hearing_server.ports.media import NodeListener, RoomListener, SeatListener
from recorder.reading.verify import verify
from tests.contract.test_media_plane import LIN, REC, ROOM, Heard, proven, seat, settings

OTHER = HearingId("hrg_2")


@asynccontextmanager
async def court(
    folder: Path, heard: Heard | None = None, *, count: int = 1, orphan_s: float = 60.0
) -> AsyncIterator[MediaProcesses]:
    """A court's side, gone at the end; processes that are needed stay."""
    processes = MediaProcesses(folder, settings(), count=count, orphan_s=orphan_s)
    async with processes.running():
        listener = heard or Heard()
        processes.tell(rooms=cast(RoomListener, listener), nodes=cast(NodeListener, listener))
        processes.tell_seats(cast(SeatListener, listener))
        yield processes


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """Longer than the address of a socket may be."""
    deep = tmp_path / ("很" * 20) / ("deep" * 20) / "media"
    yield deep
    await end_media_processes(deep, even_if_busy=True)


async def until(folder: Path, *, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await media_processes(folder)) != count:  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(0.1)


def said_at_start(pid: int, where: str) -> bytes:
    return Path(f"/proc/{pid}/{where}").read_bytes()


async def test_process__while_a_recording_runs__outlives_its_court_and_is_found_again(
    folder: Path, tmp_path: Path
) -> None:
    async with court(folder) as first:
        await first.rooms.open_room(ROOM)
        taken = await seat(first, LIN)
        await first.recorders.start(REC, tmp_path / "rec_1", second=None, room=ROOM)
        await first.recorders.listen(REC, ROOM)
        (facts,) = await media_processes(folder)
        assert os.getsid(facts.pid) == facts.pid != os.getsid(0), "our Ctrl-C would reach it"
        assert stat.S_IMODE((folder / "0.sock").stat().st_mode) == 0o600
        assert not any(b"kkkk" in said_at_start(facts.pid, where) for where in ("cmdline", "environ"))
    heard = Heard()
    async with court(folder, heard) as second:
        assert [each.pid for each in await media_processes(folder)] == [facts.pid]
        (room,) = await second.rooms.standing()
        assert [(person.identity, person.seat) for person in room.people] == [(LIN, taken.seat)]
        assert second.recorders.writing(REC) is not None
        # Orders find the room, and its news find the new court.
        await second.rooms.leave(taken.seat, reason="left")
        await heard.until("seat_left", ROOM, LIN, "left")
        await second.recorders.seal(REC)
        assert verify(tmp_path / "rec_1") == []
        await second.rooms.close_room(ROOM, reason="closed")
    await until(folder, count=0)


async def test_processes__one_killed__only_its_rooms_are_lost_and_it_comes_back(folder: Path) -> None:
    heard = Heard()
    async with court(folder, heard, count=2) as two:
        await two.rooms.open_room(ROOM)
        taken = await seat(two, LIN)
        await two.rooms.open_room(OTHER)
        by_index = {facts.index: facts for facts in await media_processes(folder)}
        assert {index: facts.seats for index, facts in by_index.items()} == {0: 1, 1: 0}
        os.kill(by_index[0].pid, signal.SIGKILL)
        await heard.until("rooms_lost", (ROOM,))
        await heard.until("seat_ended", taken.seat, "media_lost")
        with pytest.raises(Unavailable):
            await two.rooms.hold_room(ROOM, held=True)
        # The other room never noticed; the lost one opens again at once, where there is place.
        assert [room.room for room in await two.rooms.standing()] == [OTHER]
        await two.rooms.open_room(ROOM)
        assert {room.room for room in await two.rooms.standing()} == {ROOM, OTHER}
        await until(folder, count=2)
        measures = {(m.name, m.part): m.value for m in await two.measures(per_hearing=False)}
        assert measures["hearing_media_process_up", ("process", "0")] == 1
        assert measures["hearing_media_process_starts", ("process", "0")] == 2
        assert measures["hearing_rooms", None] == 2


async def test_process__that_says_nothing__proves_nothing(folder: Path, tmp_path: Path) -> None:
    async with court(folder) as one:
        await one.recorders.start(REC, tmp_path / "rec_1", second=None, room=ROOM)
        await proven(one)
        (facts,) = await media_processes(folder)
        os.kill(facts.pid, signal.SIGSTOP)
        try:
            await proven(one, advancing=False)
        finally:
            os.kill(facts.pid, signal.SIGCONT)
        await proven(one)
        await one.recorders.abandon(REC)


async def test_process__without_court_and_people__ends_itself_but_never_while_recording(
    folder: Path, tmp_path: Path
) -> None:
    async with court(folder, orphan_s=1.0) as one:
        await one.recorders.start(RecordingId("rec_2"), tmp_path / "rec_2", second=None, room=ROOM)
    await asyncio.sleep(2.5)
    assert len(await media_processes(folder)) == 1
    kept = await end_media_processes(folder, even_if_busy=False)
    assert [facts.recordings for facts in kept] == [1]
    # The recorder lets go, and nobody is told to end: it is the process's own decision.
    found = await link.Link.open(folder / "0.sock")
    found.start(None)
    await found.order("recorder.let_go", recording_id="rec_2")
    await found.close()
    await until(folder, count=0)
    assert verify(tmp_path / "rec_2") == []


async def test_visitor__of_another_version_or_with_nonsense__changes_nothing(
    folder: Path,
) -> None:
    async with court(folder) as one:
        await one.rooms.open_room(ROOM)
        reader, writer, _ = await open_socket(folder / "0.sock")
        writer.write(packed({"hello": {"wire": 1, "schema": "of another version", "role": "court"}}))
        hello = (await read_frame(reader))["hello"]
        assert "state" not in hello
        writer.write(packed({"id": 1, "call": "rooms.close_room", "args": {"room": ROOM, "reason": "x"}}))
        with pytest.raises(EOFError):
            await read_frame(reader)
        writer.close()
        _, writer, _ = await open_socket(folder / "0.sock")
        writer.write(b"\xff" * 64)
        writer.close()
        assert [room.room for room in await one.rooms.standing()] == [ROOM]


async def test_process__of_another_version__is_ended_and_replaced(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with court(folder) as old:
        await old.recorders.start(REC, tmp_path / "rec_1", second=None, room=ROOM)
        (before,) = await media_processes(folder)
    for module in (calls, link):
        monkeypatch.setattr(module, "SCHEMA_ID", "of another version")
    # Every process of this machine is of the version before now, so the new one is no match either.
    found = await link.Link.open(folder / "0.sock")
    assert (found.state, found.facts) == (None, before)
    await found.close()
    with pytest.raises(Unavailable) as refused:
        async with court(folder):
            pytest.fail("it was taken over")
    assert refused.value.code == "media.other_version"
    assert verify(tmp_path / "rec_1") == [], "synced and closed before it ended"
