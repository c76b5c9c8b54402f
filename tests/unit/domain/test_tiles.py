"""Tiles of the log: the specification's own examples, and proofs from tiles that equal brute force."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearing_server.domain.trust.merkle import consistency_spans, inclusion_spans, span_hash
from hearing_server.domain.trust.tiles import (
    TileId,
    TilePath,
    TileReader,
    entry_bundle,
    grown,
    read_bundle,
    right_edge,
    tile_width,
    tiles_of,
)
from tests.unit.domain.test_merkle import path, some, subproof


def tree(sizes: list[int]) -> tuple[dict[TileId, bytes], list[bytes]]:
    """Tiles after appending batches that end at these sizes."""
    tiles: dict[TileId, bytes] = {}
    entries, size = some(sizes[-1]), 0
    for end in sizes:
        edge = {tile: tiles[tile] for tile in right_edge(size)}
        tiles.update(grown(size, edge, entries[size:end]))
        size = end
    return tiles, entries


def test_tiles_of_a_size__as_in_the_specification__have_its_widths() -> None:
    # tlog-tiles: 70 000 leaves are 273 full tiles, one of 112, one full above, one of 17, one of 1.
    assert [tile_width((0, n), 70_000) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tile_width((1, n), 70_000) for n in (0, 1, 2)] == [256, 17, 0]
    assert [tile_width((2, n), 70_000) for n in (0, 1)] == [1, 0]
    assert right_edge(70_000) == [(0, 273), (1, 1), (2, 0)]
    assert right_edge(256) == [(1, 0)]
    assert right_edge(0) == []


@pytest.mark.parametrize(
    ("text", "number", "width"),
    [
        ("x001/x234/067", 1234067, 256), ("000", 0, 256), ("273.p/112", 273, 112), ("x001/000.p/1", 1000, 1),
    ],
)  # fmt: skip
def test_tile_path__read_and_written__is_the_same(text: str, number: int, width: int) -> None:
    assert TilePath.parse(text) == TilePath(number, width)
    assert TilePath(number, width).text() == text


@pytest.mark.parametrize(
    "text",
    ["", "1", "x000/001", "001/002", "000.p/0", "000.p/256", "000.p/01", "000/", "x001", "-01", "../1"],
)
def test_tile_path__in_another_form__is_none(text: str) -> None:
    assert TilePath.parse(text) is None


@settings(max_examples=25)
@given(st.lists(st.integers(1, 1100), min_size=1, max_size=6, unique=True).map(sorted), st.data())
def test_proofs__from_tiles_of_any_batches__are_the_brute_force_ones(
    sizes: list[int], data: st.DataObject
) -> None:
    tiles, entries = tree(sizes)
    for tile, hashes in tiles.items():
        assert len(hashes) == 32 * tile_width(tile, sizes[-1])
    size = data.draw(st.sampled_from(sizes))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    for spans, proof in (
        (inclusion_spans(index, size), path(index, entries[:size])),
        (consistency_spans(old, size), subproof(old, entries[:size], True)),
    ):
        read = TileReader({tile: tiles[tile] for tile in tiles_of(spans)})
        assert [span_hash(span, read) for span in spans] == proof


def test_tiles__over_two_levels__hold_the_tree() -> None:
    tiles, entries = tree([65_536, 65_540])
    assert set(tiles) == {*((0, n) for n in range(257)), (1, 0), (2, 0)}
    spans = inclusion_spans(70, 65_540)
    read = TileReader({tile: tiles[tile] for tile in tiles_of(spans)})
    assert [span_hash(span, read) for span in spans] == path(70, entries)


def test_grown__with_a_tile_of_another_size__refuses() -> None:
    with pytest.raises(ValueError, match="not that of a tree"):
        grown(3, {(0, 0): b"\0" * 64}, [b"x"])
    with pytest.raises(ValueError, match="not that of a tree"):
        grown(3, {}, [b"x"])


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundle__read_back__holds_the_entries(entries: list[bytes]) -> None:
    data = entry_bundle(entries)
    assert list(read_bundle(data)) == entries
    if data:
        with pytest.raises(ValueError, match="cut off"):
            list(read_bundle(data[:-1] if entries[-1] else data + b"\0"))
