"""The log over all acts as the use-cases see it: leaves, tree, checkpoints, and the words of others about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.domain.trust.checkpoints import Checkpoint
from hearing_server.domain.trust.merkle import CompactRange, TreeHead
from hearing_server.domain.trust.signed_notes import VerifierKey
from hearing_server.domain.trust.tiles import TileId


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint we signed; `note` holds the signature of the log alone, `log_key` is its verifier key."""

    size: int
    note: str
    log_key: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A wished or granted RFC 3161 stamp on the text of the checkpoint of this size. `token`: the DER answer."""

    size: int
    state: str
    tries: int
    asked_at: datetime
    next_at: datetime | None
    at: datetime | None = None
    token: bytes | None = None
    result: str = ""


class ActLogStore(Protocol):
    """Repository of the log. Leaves are placed by the unit itself, in the commit of their acts."""

    async def next_index(self) -> int:
        """How many acts have a place: the size that the tree must reach."""
        ...

    async def index_of(self, act_id: str) -> int | None: ...
    async def entries(self, first: int, limit: int) -> list[bytes]:
        """Entries from leaf `first` on, in order."""
        ...

    async def tree(self) -> CompactRange: ...
    async def lock_tree(self) -> CompactRange:
        """As `tree`, locked until the commit: one process at a time lets it grow."""
        ...

    async def tiles(self, wanted: Collection[TileId]) -> dict[TileId, bytes]: ...
    async def save_tree(self, tree: CompactRange, tiles: Mapping[TileId, bytes]) -> None: ...

    async def add_checkpoint(self, head: SignedHead) -> None:
        """Keep a checkpoint; one of this size that is there already stays."""
        ...

    async def newest_checkpoint(self) -> SignedHead | None: ...
    async def checkpoint(self, size: int) -> SignedHead | None: ...
    async def best_checkpoint(self, index: int) -> SignedHead | None:
        """The checkpoint to prove leaf `index` with: the oldest time-stamped one that covers it, else the newest."""
        ...

    async def add_cosignature(self, size: int, witness: str, line: str, at: datetime) -> None: ...
    async def cosignatures(self, size: int) -> list[str]:
        """The signature lines of witnesses on this checkpoint, by name."""
        ...

    async def wish_time_stamp(self, size: int, now: datetime) -> bool:
        """Put a checkpoint into the outbox of time stamps; False when it is there."""
        ...

    async def newest_time_stamp(self) -> TimeStamp | None:
        """The newest wish, whatever became of it."""
        ...

    async def time_stamp(self, size: int) -> TimeStamp | None: ...
    async def due_time_stamps(self, now: datetime, lease_until: datetime, limit: int) -> list[TimeStamp]:
        """Claim wishes that are due, newest first, until the lease ends."""
        ...

    async def save_time_stamp(self, stamp: TimeStamp) -> None: ...

    async def last_segment(self, recording_id: str, recorder: str) -> int:
        """The newest segment of this recorder that is an act; 0 before the first."""
        ...

    async def lock_segment(self, recording_id: str, recorder: str) -> int:
        """As `last_segment`, locked until the commit; to be taken before the chain of the act."""
        ...

    async def note_segment(self, recording_id: str, recorder: str, number: int) -> None:
        """Move the mark that this unit locked."""
        ...


class Signer(Protocol):
    """The process that holds the log's key and remembers what it signed. Errors: Unavailable `signer.…`."""

    async def state(self) -> tuple[VerifierKey, TreeHead]:
        """The log's key, and the newest head it signed (size 0 before the first)."""
        ...

    async def sign(self, old: int, proof: tuple[bytes, ...], checkpoint: Checkpoint) -> str:
        """The signed note. Unavailable `signer.refused` when it isn't the growth of what was signed last."""
        ...


@dataclass(frozen=True, slots=True)
class WitnessSize:
    """A witness answers that it is at this size: our idea of it was another."""

    size: int


class Witness(Protocol):
    """A second organisation's witness. Errors: Unavailable `witness.…`."""

    @property
    def key(self) -> VerifierKey: ...

    async def add_checkpoint(self, old: int, proof: tuple[bytes, ...], note: str) -> str | WitnessSize:
        """Its signature lines, or the size it is at."""
        ...


@dataclass(frozen=True, slots=True)
class Stamped:
    """An authority's answer, verified: its time and the whole answer."""

    at: datetime
    token: bytes


class TimeStampAuthority(Protocol):
    """RFC 3161. Errors: Unavailable `time_stamp.…` (down, refused, or lying: the code says which)."""

    async def stamp(self, message: bytes) -> Stamped:
        """A stamp on SHA-256(message), checked against the configured roots before it is believed."""
        ...
