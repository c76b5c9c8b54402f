"""The log as the public may have it (C2SP tlog-tiles): checkpoint, hashes, keys; entries where the court wants it."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.domain.trust.merkle import HASH_BYTES
from hearing_server.domain.trust.signed_notes import Note, VerifierKey
from hearing_server.domain.trust.tiles import TILE_HASHES, TilePath, entry_bundle, tile_width
from hearing_server.errors import NotFound
from hearing_server.ports.act_log import ActLogStore
from hearing_server.ports.units import Units

# The tree of a log cannot be higher: 2^63 leaves.
_MOST_LEVELS = 8


@dataclass(frozen=True, slots=True)
class PublicLog:
    """Only what a checkpoint covers is given out: what is newer is nobody's word yet."""

    units: Units
    witnesses: tuple[VerifierKey, ...]
    shows_entries: bool

    async def checkpoint(self) -> str:
        """The newest signed checkpoint with its cosignatures. NotFound before the first."""
        async with self.units.read() as unit:
            head = await unit.log.newest_checkpoint()
            if head is None:
                raise NotFound
            lines = await unit.log.cosignatures(head.size)
        return Note.parse(head.note + "".join(lines)).whole()

    async def policy(self) -> str:
        """A tlog-policy file with our keys. Whoever relies on it compares it with the one published elsewhere."""
        async with self.units.read() as unit:
            head = await unit.log.newest_checkpoint()
        if head is None:
            raise NotFound
        lines = [f"log {head.log_key}"]
        lines += [f"witness w{place} {key.text()}" for place, key in enumerate(self.witnesses, 1)]
        if self.witnesses:
            lines.append(
                "group witnesses any " + " ".join(f"w{n}" for n in range(1, len(self.witnesses) + 1))
            )
        lines.append("quorum witnesses" if self.witnesses else "quorum none")
        return "\n".join([*lines, ""])

    async def tile(self, level: int, path: TilePath) -> bytes:
        """Hashes of a tile, as wide as asked for. NotFound: the log isn't so large yet."""
        async with self.units.read() as unit:
            await self._covered(unit.log, level, path)
            tiles = await unit.log.tiles([(level, path.number)])
        return tiles[level, path.number][: path.width * HASH_BYTES]

    async def entries(self, path: TilePath) -> bytes:
        """Entries of a tile at level 0. NotFound also where the court doesn't show them."""
        if not self.shows_entries:
            raise NotFound
        async with self.units.read() as unit:
            await self._covered(unit.log, 0, path)
            return entry_bundle(await unit.log.entries(path.number * TILE_HASHES, path.width))

    async def _covered(self, log: ActLogStore, level: int, path: TilePath) -> None:
        head = await log.newest_checkpoint()
        if head is None or not 0 <= level < _MOST_LEVELS:
            raise NotFound
        if path.width > tile_width((level, path.number), head.size):
            raise NotFound
