"""A Merkle tree cut into tiles of 256 hashes, as C2SP tlog-tiles lays them out.

Tile n of level l holds the hashes of complete subtrees of 256^l leaves, from subtree n * 256 on. A partial tile is the
beginning of the full one, so only the longest form of each tile is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hearing_server.domain.trust.merkle import HASH_BYTES, Span, leaf_hash, node_hash, span_nodes

TILE_HASHES = 256
_TILE_LEVELS = 8  # 2^8 hashes: eight levels of the tree are inside one tile

# (level, number)
TileId = tuple[int, int]
_PATH = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TilePath:
    """A tile as it is asked for: its number in its level, and how many hashes (or entries) of it."""

    number: int
    width: int

    @classmethod
    def parse(cls, text: str) -> TilePath | None:
        """`<N>[.p/<W>]` of a tile's address; None when it is none."""
        found = _PATH.fullmatch(text)
        if found is None:
            return None
        path = cls(int(found[1].replace("x", "").replace("/", "")), int(found[2] or TILE_HASHES))
        # One name per tile: no needless zeros, no partial tile of full width.
        return path if path.text() == text else None

    def text(self) -> str:
        digits = f"{self.number:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        whole = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return whole if self.width == TILE_HASHES else f"{whole}.p/{self.width}"


def tile_width(tile: TileId, size: int) -> int:
    """How many hashes a tile has in a tree of `size` leaves."""
    level, number = tile
    return max(0, min(TILE_HASHES, (size >> (_TILE_LEVELS * level)) - number * TILE_HASHES))


def right_edge(size: int) -> list[TileId]:
    """The partial tiles of a tree of `size` leaves."""
    found, level, width = [], 0, size
    while width:
        if width % TILE_HASHES:
            found.append((level, width // TILE_HASHES))
        level, width = level + 1, width // TILE_HASHES
    return found


def grown(size: int, edge: Mapping[TileId, bytes], entries: Iterable[bytes]) -> dict[TileId, bytes]:
    """The tiles that change when entries are appended to a tree of `size`; `edge` holds its partial tiles.

    ValueError: a tile of the edge is missing or has another length than this size gives it.
    """
    open_tiles: dict[int, bytearray] = {}
    for tile in right_edge(size):
        if len(edge.get(tile, b"")) != tile_width(tile, size) * HASH_BYTES:
            raise ValueError(f"tile {tile} is not that of a tree of {size} leaves")
        open_tiles[tile[0]] = bytearray(edge[tile])
    changed: dict[TileId, bytes] = {}
    touched: set[int] = set()
    for entry in entries:
        value, level = leaf_hash(entry), 0
        while True:
            tile_bytes = open_tiles.setdefault(level, bytearray())
            tile_bytes += value
            touched.add(level)
            if len(tile_bytes) < TILE_HASHES * HASH_BYTES:
                break
            number = size >> (_TILE_LEVELS * (level + 1))
            changed[level, number] = bytes(tile_bytes)
            value, level = tile_node(tile_bytes, _TILE_LEVELS, 0), level + 1
            tile_bytes.clear()
        size += 1
    for level in touched:
        if open_tiles[level]:
            changed[level, size >> (_TILE_LEVELS * (level + 1))] = bytes(open_tiles[level])
    return changed


def tile_node(hashes: bytes | bytearray, level: int, index: int) -> bytes:
    """The hash of subtree `index` of 2^level hashes inside one tile. ValueError: the tile is too short for it."""
    first, count = (index << level) * HASH_BYTES, HASH_BYTES << level
    piece = bytes(hashes[first : first + count])
    if len(piece) != count:
        raise ValueError("the tile doesn't reach so far")
    row = [piece[i : i + HASH_BYTES] for i in range(0, count, HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def tiles_of(spans: Sequence[Span]) -> set[TileId]:
    """The tiles from which all hashes of these spans can be computed."""
    return {_place(level, index)[0] for span in spans for level, index in span_nodes(span)}


class TileReader:
    """`merkle.ReadNode` over tiles that were fetched before. KeyError: a tile is missing."""

    def __init__(self, tiles: Mapping[TileId, bytes]) -> None:
        self._tiles = tiles

    def __call__(self, level: int, index: int) -> bytes:
        tile, inner_level, inner_index = _place(level, index)
        return tile_node(self._tiles[tile], inner_level, inner_index)


def _place(level: int, index: int) -> tuple[TileId, int, int]:
    """In which tile a node lies: the tile, and (level, index) inside it."""
    tile_level, inner_level = divmod(level, _TILE_LEVELS)
    per_tile = TILE_HASHES >> inner_level
    return (tile_level, index // per_tile), inner_level, index % per_tile


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries with their lengths before them, as tlog-tiles serves them (big-endian, 16 bits)."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(data: bytes) -> Iterator[bytes]:
    """The entries of a bundle. ValueError: it is cut off."""
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if end > len(data) or place + 2 > len(data):
            raise ValueError("the bundle is cut off")
        yield data[place + 2 : end]
        place = end
