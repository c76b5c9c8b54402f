"""The court's side of the wire to one media process: orders with answers, news in order, and how old the proofs are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hearing_server.adapters.media_process.calls import (
    NEWS,
    ORDERS,
    SCHEMA_ID,
    Call,
    error_in,
    media_restarting,
)
from hearing_server.adapters.media_process.codec import WireError, from_plain
from hearing_server.adapters.media_process.records import NodeFacts, NodeState
from hearing_server.adapters.media_process.wire import WIRE, Peer, open_socket, packed, read_frame
from hearing_server.errors import Unavailable
from hearing_server.kernel import RecordingId
from hearing_server.ports.media import Writing

_log = logging.getLogger(__name__)
_HELLO_S = 10.0
# News wait here for a court that writes each of them to its database. Overflow policy: newer ones are dropped, and as
# soon as the waiting ones are told the state of everything is asked for.
_NEWS_WAITING = 4096
_TELL_S = 10.0
# How everything stands, after news were missed: each person of each room is looked up and stored.
_CATCH_UP_S = 120.0
# A proof older than this proves nothing: the light must not shine on the word of a process that says nothing.
FRESH_S = 2.0
# Words to one browser go ahead of news the court writes down first: a picture must not wait for a database.
_WORDS = frozenset({"seat.offered", "seat.layers_wanted", "seat.pictures_changed"})
Told = Callable[[Call, Mapping[str, Any]], Awaitable[None]]


class Link:
    """One connection. `closed` is set when it ended, for whatever reason."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Peer,
        facts: NodeFacts,
        state: NodeState | None,
    ) -> None:
        self.facts = facts
        self.state = state
        self.pid = peer.pid
        self.closed = asyncio.Event()
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news: asyncio.Queue[tuple[Call, Mapping[str, Any]]] = asyncio.Queue(_NEWS_WAITING)
        self._words: asyncio.Queue[tuple[Call, Mapping[str, Any]]] = asyncio.Queue(_NEWS_WAITING)
        self._has_missed = False
        self._proofs: Mapping[RecordingId, Writing] = {}
        self._proved_s = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        # Even a process that is replaced by another of the same number can't be hit by a signal meant for this one.
        self._pidfd = os.pidfd_open(peer.pid)

    @classmethod
    async def open(cls, path: Path, *, role: str = "court") -> Link:
        """Connect and say hello; `state` is None when the process is of another version, or `role` is "look".

        OSError when nobody listens; EOFError or WireError when whoever listens doesn't answer properly.
        """
        reader, writer, peer = await open_socket(path)
        try:
            async with asyncio.timeout(_HELLO_S):
                writer.write(packed({"hello": {"wire": WIRE, "schema": SCHEMA_ID, "role": role}}))
                hello = (await read_frame(reader)).get("hello")
            if not isinstance(hello, dict):
                raise WireError("no hello")
            facts = from_plain(hello.get("facts"), NodeFacts)
            raw = hello.get("state") if hello.get("schema") == SCHEMA_ID else None
            return cls(reader, writer, peer, facts, from_plain(raw, NodeState | None))
        except TimeoutError:
            writer.close()
            raise WireError("it doesn't say hello") from None
        except BaseException:
            writer.close()
            raise

    def start(self, told: Told | None) -> None:
        """Begin to listen; None: there will be no news.

        `told` is awaited for each, one after the other; words to browsers (`_WORDS`) have a line of their own.
        """
        if self.state is not None:
            self._proofs = {each.recording_id: each.writing for each in self.state.recordings}
        listening = asyncio.create_task(self._listen(), name="media-link")
        listening.add_done_callback(self._over)
        self._tasks = [listening, asyncio.create_task(self._forgive_own_stalls(), name="media-beat")]
        if told is not None:
            for queue in (self._news, self._words):
                self._tasks.append(asyncio.create_task(self._tell(told, queue), name="media-news"))

    async def close(self) -> None:
        """Hang up; the process goes on without us."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        self.closed.set()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def kill(self) -> None:
        """End a process that doesn't answer any more."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def gone(self, *, within_s: float) -> bool:
        """Wait until the process has ended and its files are closed."""
        return await _ended(self._pidfd, within_s)

    # --- orders ----------------------------------------------------------------------------------

    async def order(self, name: str, **arguments: Any) -> Any:
        """Give an order and wait for its answer.

        Errors: the HearingError the process answered; Unavailable `media.restarting` when it is gone, `media.timeout`.
        """
        call = ORDERS[name]
        if self.closed.is_set():
            raise media_restarting()
        self._number += 1
        number = self._number
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(packed({"id": number, "call": name, "args": call.pack(arguments)}))
            async with asyncio.timeout(call.timeout_s):
                said = await answer
        except TimeoutError:
            raise Unavailable(
                "media.timeout",
                zh="媒体服务没有回应，请稍后重试",
                en="The media process didn't answer in time",
            ) from None
        finally:
            self._waiting.pop(number, None)
        if "error" in said:
            raise error_in(said["error"])
        return from_plain(said.get("ok"), call.answer)

    # --- proofs ----------------------------------------------------------------------------------

    def proof(self, recording_id: RecordingId) -> Writing | None:
        """The newest proof; one that is too old is of bytes that do not advance. None when it isn't recorded there."""
        writing = self._proofs.get(recording_id)
        if writing is not None and time.monotonic() - self._proved_s > FRESH_S:
            return replace(writing, is_advancing=False)
        return writing

    def note_proof(self, recording_id: RecordingId, writing: Writing | None) -> None:
        """What an order has just changed, before the next round of proofs says the same."""
        others = {each: proof for each, proof in self._proofs.items() if each != recording_id}
        self._proofs = others if writing is None else {**others, recording_id: writing}

    async def _forgive_own_stalls(self) -> None:
        """When it was us who stood still, proofs lie unread: they get a moment to be heard before they are too old."""
        last_s = time.monotonic()
        while True:
            await asyncio.sleep(FRESH_S / 8)
            now_s = time.monotonic()
            if now_s - last_s > FRESH_S / 2:
                self._proved_s = max(self._proved_s, now_s - FRESH_S / 2)
            last_s = now_s

    @property
    def silent_s(self) -> float:
        """Since the last round of proofs; they come several times a second, recordings or not."""
        return time.monotonic() - self._proved_s

    # --- listening -------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            message = await read_frame(self._reader)
            if "news" in message:
                self._hear(message)
                continue
            waiting = self._waiting.get(message.get("id", -1))
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    def _hear(self, message: Mapping[str, Any]) -> None:
        call = NEWS.get(str(message["news"]))
        if call is None:
            raise WireError("news of no kind we know")
        arguments = call.unpack(message.get("args"))
        if call.name == "node.proofs":
            self._proofs, self._proved_s = arguments["proofs"], time.monotonic()
            return
        queue = self._words if call.name in _WORDS else self._news
        if queue.full():
            self._has_missed = True
        elif not self._has_missed:
            queue.put_nowait((call, arguments))

    def _over(self, listening: asyncio.Task[None]) -> None:
        """The connection ended: whoever waits for an answer must not wait for ever."""
        error = None if listening.cancelled() else listening.exception()
        if isinstance(error, WireError):
            _log.error("a media process spoke nonsense: %s", error)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(media_restarting())
        self.closed.set()

    async def _tell(self, told: Told, queue: asyncio.Queue[tuple[Call, Mapping[str, Any]]]) -> None:
        """Hand news on, one after the other. A listener that fails or hangs is logged, and the next one is told."""
        while True:
            call, arguments = await queue.get()
            try:
                async with asyncio.timeout(_CATCH_UP_S if call.name == "node.missed" else _TELL_S):
                    await told(call, arguments)
                    if self._has_missed and self._news.empty() and self._words.empty():
                        self._has_missed = False
                        await self.order("node.catch_up")
            except Exception:
                _log.exception("news %s were not taken", call.name)


async def end_listener(path: Path, *, patience_s: float) -> None:
    """End whoever listens on a socket of ours and can't be talked to: it may be ending already, else it is killed."""
    try:
        _, writer, peer = await open_socket(path)
    except OSError:
        return
    writer.close()
    try:
        pidfd = os.pidfd_open(peer.pid)
    except ProcessLookupError:
        return
    try:
        if not await _ended(pidfd, patience_s):
            _log.error("a media process that can't be talked to is ended")
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            await _ended(pidfd, patience_s)
    finally:
        os.close(pidfd)


async def _ended(pidfd: int, within_s: float) -> bool:
    """A pidfd becomes readable when its process has ended (pidfd_open(2))."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        async with asyncio.timeout(within_s):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(pidfd)
    return True
