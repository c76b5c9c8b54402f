"""The main of the second recorder: `python -m recorder.second.second_process FD`, FD being its end of a socket pair.

It writes what it is fed, into its own folders, in the journal's own format, and knows nothing else: no room, no
network, no database. No signal of a terminal or a service manager ends it; it ends when its feeder hangs up or dies,
and then drains, syncs and seals first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from recorder.durable import Disk
from recorder.second.fed_session import FedSession, seen_at_end
from recorder.second.feed_wire import FeedError, Frame, FrameKind, pack_json, read_frame, unpack_batch
from recorder.writing.session import QUEUE_BYTES, RecordingFailure, RecordingSession
from recorder.writing.writer import SEAL_S

STATUS_S = 0.2  # the feeder lets go of what is durable this often, and knows within it that we live
# The feeder keeps at most as much as one session may hold, until it is durable here: our own bound is never reached.
_QUEUE_BYTES = 2 * QUEUE_BYTES
_READ_AHEAD_BYTES = 1 << 20

log = logging.getLogger(__name__)


class SecondProcess:
    """All recordings of one feeder."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sessions: dict[int, FedSession] = {}
        self._beginning: set[int] = set()
        self._over: dict[int, bool] = {}  # ended before they had begun: whether to keep what is written
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the feeder is gone; everything it sent is on the disk and sealed then, as far as the disk takes it."""
        telling = asyncio.create_task(self._tell())
        try:
            while True:
                self._take(await read_frame(self._reader))
        except EOFError:
            log.info("the feeder is gone")
        except FeedError as error:
            log.error("the feeder spoke nonsense: %s", error)
        finally:
            telling.cancel()
            await asyncio.gather(telling, *self._tasks, return_exceptions=True)
            await asyncio.gather(*(asyncio.to_thread(_leave, fed) for fed in self._sessions.values()))
            self._writer.close()

    def _take(self, frame: Frame) -> None:
        if frame.kind == FrameKind.BATCH:
            fed = self._sessions.get(frame.recording)
            if fed is not None:  # else its folder refused, and it will be sent again
                fed.take(*unpack_batch(frame.body))
        elif frame.kind == FrameKind.BEGIN:
            self._spawn(self._begin(frame.recording, frame.json()))
        elif frame.kind == FrameKind.END:
            self._spawn(self._end(frame.recording, is_close=frame.json()["how"] == "close"))

    async def _begin(self, number: int, order: dict[str, Any]) -> None:
        """Batches come only after the feeder was told that this is done."""
        said = {"code": "", "title": ""}
        self._beginning.add(number)
        if number not in self._sessions:
            try:
                self._sessions[number] = await asyncio.to_thread(_create, order)
            except RecordingFailure as error:
                said = {"code": error.code, "title": error.title}
            except OSError as error:
                said = {"code": "disk.refused", "title": str(error.strerror)}
        self._beginning.discard(number)
        self._say(FrameKind.BEGUN, number, said)
        if number in self._over:
            await self._end(number, is_close=self._over.pop(number))

    async def _end(self, number: int, *, is_close: bool) -> None:
        if number in self._beginning:
            self._over[number] = is_close
            return
        fed = self._sessions.get(number)
        said = {"code": "", "title": ""}
        if fed is not None:
            try:
                await fed.session.close()
                if not is_close:
                    await asyncio.to_thread(Disk().discard_folder, fed.session.folder)
            except RecordingFailure as error:
                said = {"code": error.code, "title": error.title}
            self._sessions.pop(number, None)
        self._say(FrameKind.ENDED, number, said)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            for number, fed in tuple(self._sessions.items()):
                self._say(FrameKind.STATUS, number, _status(fed))
            self._say(FrameKind.STATUS, 0, {})

    def _say(self, kind: FrameKind, number: int, content: dict[str, Any]) -> None:
        # A feeder that stands still is told later: a status waits for no one and the newest says all.
        if kind is FrameKind.STATUS and self._writer.transport.get_write_buffer_size() > _READ_AHEAD_BYTES:
            return
        self._writer.write(pack_json(kind, number, content))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _create(order: dict[str, Any]) -> FedSession:
    folder = Path(order["folder"])
    session = RecordingSession.create(
        folder,
        recording_id=order["recording_id"],
        queue_bytes=_QUEUE_BYTES,
        seal_s=order.get("seal_s", SEAL_S),
        from_ns=order["from_ns"],
    )
    resent_until = order["resent_until"]
    # The new run's own first records stand there by now too; nobody feeds anything that equals them.
    seen = seen_at_end(folder, order["from_ns"]) if resent_until else frozenset[tuple[int, int, int]]()
    return FedSession(session, seen=seen, resent_until=resent_until)


def _status(fed: FedSession) -> dict[str, Any]:
    proof = fed.session.proof()
    return {
        "settled": fed.settled,
        "synced_bytes": proof.synced_bytes,
        "tracks": len(proof.tracks),
        "advancing": proof.advancing,
        "failure": proof.failure,
        "free_bytes": proof.free_bytes,
    }


def _leave(fed: FedSession) -> None:
    try:
        fed.leave()
    except RecordingFailure as error:
        log.error("the end of a recording is not on disk: %s", error.code)


async def _main(descriptor: int) -> None:
    reader, writer = await asyncio.open_unix_connection(
        sock=socket.socket(fileno=descriptor), limit=_READ_AHEAD_BYTES
    )
    await SecondProcess(reader, writer).run()


def main() -> None:
    """Run until the feeder hangs up."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s second recorder %(process)d %(levelname)s: %(message)s"
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1])))


if __name__ == "__main__":
    main()
