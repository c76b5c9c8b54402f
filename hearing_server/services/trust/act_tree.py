"""The tree over the log of acts: it follows the acts in batches, and answers with proofs."""

from __future__ import annotations

from collections.abc import Sequence

from hearing_server.domain.trust.merkle import (
    CompactRange,
    Span,
    TreeHead,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    span_hash,
)
from hearing_server.domain.trust.tiles import TileReader, grown, right_edge, tiles_of
from hearing_server.ports.act_log import ActLogStore
from hearing_server.ports.units import Units

# A thousand entries are a few milliseconds of hashing and one short transaction; a backlog takes several.
_BATCH = 1000


async def grow_tree(units: Units) -> TreeHead:
    """Let the tree take in every act that has a place; the head it then has."""
    async with units.read() as unit:
        tree = await unit.log.tree()
        waiting = await unit.log.next_index() > tree.size
    while waiting:
        async with units.write() as unit:
            tree = await unit.log.lock_tree()
            entries = await unit.log.entries(tree.size, _BATCH)
            if entries:
                tree = await _grow(unit.log, tree, entries)
        waiting = len(entries) == _BATCH
    return tree.head()


async def _grow(log: ActLogStore, tree: CompactRange, entries: Sequence[bytes]) -> CompactRange:
    edge = await log.tiles(right_edge(tree.size))
    tiles = grown(tree.size, edge, entries)
    for entry in entries:
        tree = tree.append(leaf_hash(entry))
    await log.save_tree(tree, tiles)
    return tree


async def inclusion_proof(log: ActLogStore, index: int, size: int) -> tuple[bytes, ...]:
    """That leaf `index` stands in the tree of `size`. ValueError: it doesn't."""
    return await _hashes(log, inclusion_spans(index, size))


async def consistency_proof(log: ActLogStore, old: int, new: int) -> tuple[bytes, ...]:
    """That the tree of `new` leaves is that of `old`, grown. ValueError: a tree never shrinks."""
    return await _hashes(log, consistency_spans(old, new))


async def _hashes(log: ActLogStore, spans: Sequence[Span]) -> tuple[bytes, ...]:
    read = TileReader(await log.tiles(tiles_of(spans)))
    return tuple(span_hash(span, read) for span in spans)
