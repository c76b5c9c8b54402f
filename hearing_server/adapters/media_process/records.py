"""What a media process is told at its start, what it says of itself, and two protocols that only this wire knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hearing_server.kernel import RecordingId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import RecordingStanding, RoomStanding, Writing
from signaling.settings import MediaSettings

# Proofs are told this often; they are also the pulse: a court that hears none is told so by its own clock.
PROOF_S = 0.3


@dataclass(frozen=True, slots=True)
class NodeOrder:
    """Goes in through the new process's standard input, never through its arguments: there are keys in it.

    `folder` holds the sockets and locks. `orphan_s`: with nobody seated and nothing recorded the process ends when no
    court has spoken to it for so long. `settings_id` names the settings, so that a court sees when they are outdated.
    """

    index: int
    folder: Path
    settings: MediaSettings
    settings_id: str
    orphan_s: float


@dataclass(frozen=True, slots=True)
class Started:
    """The one line a new process prints: no error, or why it isn't there."""

    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Part of every hello, understood by every version."""

    index: int
    pid: int
    seats: int
    recordings: int
    udp_port: int
    tcp_port: int
    settings_id: str


@dataclass(frozen=True, slots=True)
class NodeState:
    """Everything that stands in a process at one moment."""

    rooms: tuple[RoomStanding, ...]
    recordings: tuple[RecordingStanding, ...]


class NodeControl(Protocol):
    """Orders to the process itself."""

    async def state(self) -> NodeState: ...
    async def proof(self, recording_id: RecordingId) -> Writing | None: ...
    async def catch_up(self) -> None:
        """The court has missed news: tell it how everything stands (`missed`), and offer every seat anew."""
        ...

    async def measures(self, *, per_hearing: bool) -> list[Measure]: ...
    async def end(self, *, even_if_busy: bool) -> bool:
        """End after syncing everything; False when people sit or recordings run and `even_if_busy` isn't said."""
        ...


class NodeNews(Protocol):
    """What the process tells by itself."""

    async def proofs(self, proofs: Mapping[RecordingId, Writing]) -> None:
        """All recordings of now, several times a second."""
        ...

    async def missed(self, state: NodeState) -> None:
        """News were thrown away because nobody took them; this is how everything stands instead."""
        ...


def socket_path(folder: Path, index: int) -> Path:
    return folder / f"{index}.sock"
