"""What waits to be said on one connection: answers always, news up to a bound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

# A hearing tells a few kilobytes a second; this is minutes of a full house that nobody reads.
NEWS_BYTES = 8 << 20
# A reader that takes nothing for so long is gone or hangs: the connection is closed, it may come again.
_DRAIN_S = 20.0


@dataclass(slots=True)
class Outbox:
    """Overflow policy: when more than NEWS_BYTES of news wait they are all thrown away, and instead of them the frame
    of `snapshot` is sent as soon as the reader reads again: nothing is missed silently. Answers are few (the reader
    bounds its orders) and never thrown away.
    """

    writer: asyncio.StreamWriter
    snapshot: Callable[[], Awaitable[bytes]]
    news_bytes: int = NEWS_BYTES
    overflows: int = 0
    _answers: deque[bytes] = field(default_factory=deque)
    _news: deque[bytes] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _has_missed: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, frame: bytes) -> None:
        self._answers.append(frame)
        self._wake.set()

    def tell(self, frame: bytes) -> None:
        """Queue news, or note that they are missed."""
        if self._has_missed:
            return
        if self._waiting_bytes + len(frame) > self.news_bytes:
            self._news.clear()
            self._waiting_bytes = 0
            self._has_missed = True
            self.overflows += 1
        else:
            self._news.append(frame)
            self._waiting_bytes += len(frame)
        self._wake.set()

    async def send_all(self) -> None:
        """Send until the connection ends (EOFError) or its reader hangs (TimeoutError). Never ends by itself."""
        while True:
            frame = await self._next()
            self.writer.write(frame)
            try:
                async with asyncio.timeout(_DRAIN_S):
                    await self.writer.drain()
            except ConnectionError as error:
                raise EOFError("the other side is gone") from error

    async def _next(self) -> bytes:
        while True:
            if self._answers:
                return self._answers.popleft()
            if self._news:
                frame = self._news.popleft()
                self._waiting_bytes -= len(frame)
                return frame
            if self._has_missed:
                # News from here on come after the snapshot, so it is taken first and sent first.
                self._has_missed = False
                return await self.snapshot()
            self._wake.clear()
            await self._wake.wait()
