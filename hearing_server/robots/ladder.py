"""What a robot does when a link breaks: the same rungs and waits as the pages' `web_client/src/media/link_ladder.ts`.

Keep both alike: what a drill with robots measures is only worth something when pages behave the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DOUBT_S: Final = 1.5  # a hole this short closes by itself
ICE_RESTART_S: Final = 4.0
FRESH_S: Final = 6.0
FIRST_CONNECT_S: Final = 12.0  # a slow TCP fallback included
ASK_AGAIN_S: Final = 1.0  # between two restarts that the server never heard of


class LinkState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class Rung(StrEnum):
    """`steady` all well · `doubtful` a short hole · the rest: the step that is being tried."""

    STEADY = "steady"
    DOUBTFUL = "doubtful"
    ICE_RESTART = "ice_restart"
    FRESH = "fresh"
    REJOIN = "rejoin"


class Unheard(Exception):
    """A step got no answer from the server at all: the line is down, which says nothing about the transport."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What the ladder may try. Each raises `Unheard` when nobody answered, anything else when the answer was no."""

    restart_ice: Callable[[], Awaitable[None]]
    fresh: Callable[[], Awaitable[None]]
    rejoin: Callable[[], None]


class LinkLadder:
    """Hears states of one link, tries steps. Owns at most one timer and one step; `stop` ends both."""

    def __init__(self, steps: Steps) -> None:
        self.rung = Rung.STEADY
        self.history: list[Rung] = []  # rungs climbed since the last `stop`, for drills
        self._steps = steps
        self._state = LinkState.NEW
        self._is_signalling_up = True
        self._is_suspect = (
            False  # the network changed and the server has not heard of it: the link may only look well
        )
        self._is_heard = False
        self._timer: asyncio.TimerHandle | None = None
        self._step: asyncio.Task[None] | None = None

    def link_changed(self, state: LinkState) -> None:
        self._state = state
        if state is LinkState.CONNECTED:
            self._settle()
        elif state is LinkState.CLOSED:
            self.stop()
        elif not self._is_signalling_up:
            return
        elif state is LinkState.FAILED:
            self._climb_from(Rung.DOUBTFUL)
        elif state is LinkState.DISCONNECTED and self.rung is Rung.STEADY:
            self._enter(Rung.DOUBTFUL, DOUBT_S)
        elif state is LinkState.CONNECTING and self.rung is Rung.STEADY:
            self._wait(FIRST_CONNECT_S)

    def network_changed(self) -> None:
        """The phone left Wi-Fi, came online or woke up: do not wait for ICE to notice."""
        if self._state in (LinkState.NEW, LinkState.CLOSED):
            return
        self._is_suspect = True
        if self._is_signalling_up and self.rung in (Rung.STEADY, Rung.DOUBTFUL):
            self._climb_from(Rung.DOUBTFUL)

    def told(self) -> None:
        """The server heard of the change by another door: what looks well may be believed again."""
        self._heard()

    def signalling_changed(self, is_up: bool, *, is_restarting: bool = False) -> None:
        """Nothing can be negotiated while the socket is down. `is_restarting`: the server restarts ICE by itself."""
        self._is_signalling_up = is_up
        if not is_up:
            self._cancel_timer()
            return
        if self._state is LinkState.CONNECTED and not self._is_suspect:
            self._settle()
        elif self._state in (LinkState.NEW, LinkState.CLOSED):
            return
        elif is_restarting:
            self._heard()
            self._enter(Rung.ICE_RESTART, ICE_RESTART_S)
        else:
            self._climb_from(Rung.DOUBTFUL)

    def stop(self) -> None:
        self._cancel_timer()
        if self._step is not None:
            self._step.cancel()
            self._step = None
        self.rung = Rung.STEADY
        self.history.clear()

    def _settle(self) -> None:
        self._cancel_timer()
        self.rung = Rung.STEADY

    def _climb_from(self, rung: Rung) -> None:
        if rung in (Rung.STEADY, Rung.DOUBTFUL):
            self._attempt(Rung.ICE_RESTART, ICE_RESTART_S, self._steps.restart_ice)
        elif rung is Rung.ICE_RESTART and self._is_heard:
            self._attempt(Rung.FRESH, FRESH_S, self._steps.fresh)
        elif rung is Rung.ICE_RESTART and self._step is not None:
            self._wait(ASK_AGAIN_S)
        elif rung is Rung.ICE_RESTART:
            self._attempt(Rung.ICE_RESTART, ICE_RESTART_S, self._steps.restart_ice)
        else:
            self._cancel_timer()
            self._note(Rung.REJOIN)
            self._steps.rejoin()

    def _attempt(self, rung: Rung, limit_s: float, step: Callable[[], Awaitable[None]]) -> None:
        self._is_heard = False
        self._enter(rung, limit_s)
        self._step = asyncio.ensure_future(self._try(rung, step))

    async def _try(self, rung: Rung, step: Callable[[], Awaitable[None]]) -> None:
        this = asyncio.current_task()
        try:
            await step()
        except Unheard:
            if self._finished(this, rung):
                if rung is Rung.ICE_RESTART:
                    self._wait(ASK_AGAIN_S)
                else:
                    self._climb_from(rung)
        except Exception:
            if self._finished(this, rung):
                self._heard()
                self._climb_from(rung)
        else:
            if self._finished(this, rung):
                self._heard()

    def _heard(self) -> None:
        self._is_heard = True
        self._is_suspect = False

    def _finished(self, step: asyncio.Task[None] | None, rung: Rung) -> bool:
        """Whether the step that ended is still the one that counts."""
        if step is not self._step:
            return False
        self._step = None
        return self.rung is rung and self._is_signalling_up

    def _enter(self, rung: Rung, limit_s: float) -> None:
        self._note(rung)
        self._wait(limit_s)

    def _note(self, rung: Rung) -> None:
        self.rung = rung
        self.history.append(rung)
        del self.history[:-64]

    def _wait(self, limit_s: float) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(limit_s, self._waited)

    def _waited(self) -> None:
        self._timer = None
        if self._state is LinkState.CONNECTED and not self._is_suspect:
            self._settle()
        elif self._is_signalling_up:
            self._climb_from(self.rung)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
