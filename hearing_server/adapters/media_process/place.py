"""One place for a media process: whoever is found there is taken over, whoever is missing is started, for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hearing_server.adapters.media_process.calls import Call
from hearing_server.adapters.media_process.codec import WireError
from hearing_server.adapters.media_process.link import Link, end_listener
from hearing_server.adapters.media_process.records import NodeOrder, NodeState, socket_path
from hearing_server.adapters.media_process.starter import other_version, start_process
from hearing_server.errors import HearingError

_log = logging.getLogger(__name__)
# Waits between two starts that failed or did not last; a process that lived longer than the last begins anew.
_BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_LASTED_S = 60.0
# A process that has said nothing for so long hangs: its rooms were silent as long, and are better off in a new one.
HUNG_S = 15.0
_END_S = 30.0


class Place:
    """`link` is None while nobody is there.

    `is_surplus`: more than the settings want; what runs there may end in peace. `is_closing`: its process was asked to
    end; no new rooms here, and unless it `comes_back` nobody is started again.
    """

    def __init__(
        self,
        order: NodeOrder,
        *,
        came: Callable[[Place, NodeState], Awaitable[None]],
        went: Callable[[Place], Awaitable[None]],
        told: Callable[[Place, Call, Mapping[str, Any]], Awaitable[None]],
        is_surplus: bool,
    ) -> None:
        self.order = order
        self.link: Link | None = None
        self.is_surplus = is_surplus
        self.is_closing = False
        self._comes_back = True
        self.starts = 0
        self._came, self._went, self._told = came, went, told
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def index(self) -> int:
        return self.order.index

    @property
    def is_outdated(self) -> bool:
        """It runs with settings of before; it gets the new ones when nobody is in it."""
        return self.link is not None and self.link.facts.settings_id != self.order.settings_id

    async def take(self, *, start_missing: bool) -> None:
        """Find the process of this place, or start one. Errors as `start_process`."""
        link = await self._find()
        if link is None and start_missing:
            self._child = await start_process(self.order)
            self.starts += 1
            link = await self._find()
            if link is None:
                self._child.kill()
                await self._reap(is_over=True)
                raise other_version(self.index)
        if link is None:
            return
        self.link = link
        await self._settle(link)

    async def keep(self) -> None:
        """Watch over the process; when it ends, tell so and start another. Ends when the place is closed and empty."""
        tries = 0
        while True:
            if self.link is not None:
                lived_s = await self._live(self.link)
                tries = 0 if lived_s > _LASTED_S else tries
            if self.link is None and (self.is_surplus or not self._comes_back):
                return
            self.is_closing = False
            await asyncio.sleep(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)])
            tries += 1
            try:
                if self.link is None:
                    await self.take(start_missing=True)
            except (HearingError, OSError, EOFError, TimeoutError, WireError) as error:
                _log.error("media process %d is not there: %s", self.index, error)

    async def end(self, *, even_if_busy: bool, comes_back: bool) -> bool:
        """Ask the process to end; False when it is needed. With `comes_back` another is started in its place."""
        if self.link is None:
            return True
        try:
            if not await self.link.order("node.end", even_if_busy=even_if_busy):
                return False
        except HearingError as error:
            _log.info("media process %d was asked to end: %s", self.index, error.code)
        self.is_closing, self._comes_back = True, comes_back
        return True

    async def leave(self) -> None:
        """Hang up. A process that was asked to end is waited for, any other goes on without us."""
        link, self.link = self.link, None
        if link is not None:
            if self.is_closing and not await link.gone(within_s=_END_S):
                _log.error("media process %d does not end", self.index)
            await link.close()
        await self._reap(is_over=self.is_closing)

    async def _live(self, link: Link) -> float:
        """Until the process is gone, by itself or because it hangs; how long it lived, seconds."""
        since_s = time.monotonic()
        while True:
            await self._watch(link)
            self.link = None
            # Its ports, locks and files are free when it is dead, a moment after its socket said so.
            try:
                is_dead = await link.gone(within_s=1.0)
            finally:
                await link.close()
            found = None if is_dead or self.is_closing else await self._find()
            if found is None or found.pid != link.pid:
                break
            # Only the connection broke, on a machine that stood still: what was missed is asked for.
            self.link = link = found
            self._listen(link)
            with contextlib.suppress(HearingError):
                await link.order("node.catch_up")
        if not self.is_closing:
            _log.error("media process %d is gone", self.index)
        await self._reap(is_over=True)
        await self._went(self)
        if found is not None:
            self.link = found
            await self._settle(found)
        return time.monotonic() - since_s

    async def _watch(self, link: Link) -> None:
        while not link.closed.is_set():
            try:
                async with asyncio.timeout(HUNG_S / 3):
                    await link.closed.wait()
            except TimeoutError:
                if link.silent_s > HUNG_S:
                    _log.error("media process %d hangs and is ended", self.index)
                    link.kill()

    async def _settle(self, link: Link) -> None:
        if link.state is not None:
            await self._came(self, link.state)
        self._listen(link)

    def _listen(self, link: Link) -> None:
        link.start(lambda call, arguments: self._told(self, call, arguments))

    async def _find(self) -> Link | None:
        """Whoever listens here and can be talked to; who can't be is ended, and its rooms open anew."""
        path = socket_path(self.order.folder, self.index)
        try:
            link = await Link.open(path)
        except OSError:
            return None
        except (EOFError, WireError):
            await end_listener(path, patience_s=_END_S)
            return None
        if link.state is not None:
            return link
        _log.warning("media process %d is of another version and ends", self.index)
        link.start(None)
        with contextlib.suppress(HearingError):
            await link.order("node.end", even_if_busy=True)
        if not await link.gone(within_s=_END_S):
            link.kill()
            await link.gone(within_s=_END_S)
        await link.close()
        return None

    async def _reap(self, *, is_over: bool) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if is_over:
            await asyncio.to_thread(child.wait)
        else:
            # It outlives us on purpose: nobody shall wait for it or complain that nobody did.
            child.returncode = 0
