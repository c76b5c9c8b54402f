"""Calling back from the writer thread: on the event loop, where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_Told = TypeVar("_Told")


def on_loop(callback: Callable[[_Told], None] | None) -> Callable[[_Told], None]:
    """`callback` brought to the loop that runs now; called directly without one; nothing for None."""
    if callback is None:
        return lambda told: None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return callback

    def tell(told: _Told) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            loop.call_soon_threadsafe(callback, told)

    return tell
