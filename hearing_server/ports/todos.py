"""Sources of 我的待办: each theme that can ask something of a person registers one with the composition root."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hearing_server.domain.progress.todos import Todo
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor
from hearing_server.ports.units import Unit


class TodoSource(Protocol):
    """What one theme wants of a person.

    `assembly.py` hands a tuple of sources to `services.progress.todos.Todos`; a source reads in the given unit, for all
    the cases at once (no query per case), and answers only what is this person's to do.
    """

    async def todos(
        self, unit: Unit, actor: Actor, cases: Sequence[Case], *, now: datetime
    ) -> list[Todo]: ...
