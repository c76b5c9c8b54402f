"""Merkle hashing and proofs: the published vectors, an independent brute-force tree, and lies that must be refused."""

from __future__ import annotations

import hashlib

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.trust.merkle import (
    EMPTY_ROOT,
    CompactRange,
    TreeHead,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    root_of,
    span_hash,
    verify_consistency,
    verify_inclusion,
)

# The eight-leaf vectors of Certificate Transparency, in the reference implementation's own tests.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
CONSISTENCY = {
    (1, 8): INCLUSION[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def mth(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 word for word; shares no line with the code under test."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + mth(entries[:split]) + mth(entries[split:])).digest()


def path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(entries) == 1:
        return []
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if index < split:
        return [*path(index, entries[:split]), mth(entries[split:])]
    return [*path(index - split, entries[split:]), mth(entries[:split])]


def subproof(old: int, entries: list[bytes], is_whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if old == len(entries):
        return [] if is_whole else [mth(entries)]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if old <= split:
        return [*subproof(old, entries[:split], is_whole), mth(entries[split:])]
    return [*subproof(old - split, entries[split:], False), mth(entries[:split])]


def reader(entries: list[bytes]):  # type: ignore[no-untyped-def]
    return lambda level, index: mth(entries[index << level : (index + 1) << level])


def head(entries: list[bytes]) -> TreeHead:
    return TreeHead(len(entries), mth(entries))


def some(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_root__of_the_published_leaves__is_the_published_root(size: int) -> None:
    assert root_of(leaf_hash(entry) for entry in ENTRIES[:size]).hex() == ROOTS[size]
    assert mth(ENTRIES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("case", INCLUSION)
def test_inclusion__published_cases__have_the_published_path(case: tuple[int, int]) -> None:
    index, size = case
    proof = [span_hash(span, reader(ENTRIES)) for span in inclusion_spans(index, size)]
    assert tuple(step.hex() for step in proof) == INCLUSION[case]
    assert verify_inclusion(leaf_hash(ENTRIES[index]), index, head(ENTRIES[:size]), proof)


@pytest.mark.parametrize("case", CONSISTENCY)
def test_consistency__published_cases__have_the_published_proof(case: tuple[int, int]) -> None:
    old, new = case
    proof = [span_hash(span, reader(ENTRIES)) for span in consistency_spans(old, new)]
    assert tuple(step.hex() for step in proof) == CONSISTENCY[case]
    assert verify_consistency(head(ENTRIES[:old]), head(ENTRIES[:new]), proof)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_root__compared_with_an_unrelated_library__agrees(size: int) -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in some(size):
        tree.append_entry(entry)
    assert tree.get_root() == root_of(leaf_hash(entry) for entry in some(size))


def test_every_proof__of_every_tree_up_to_40__is_the_brute_force_one_and_verifies() -> None:
    for size in range(1, 41):
        entries = some(size)
        for index in range(size):
            proof = [span_hash(span, reader(entries)) for span in inclusion_spans(index, size)]
            assert proof == path(index, entries)
            assert verify_inclusion(leaf_hash(entries[index]), index, head(entries), proof)
        for old in range(1, size + 1):
            proof = [span_hash(span, reader(entries)) for span in consistency_spans(old, size)]
            assert proof == subproof(old, entries, True)
            assert verify_consistency(head(entries[:old]), head(entries), proof)


@given(st.integers(1, 300), st.data())
def test_inclusion__any_bit_place_or_size_changed__is_refused(size: int, data: st.DataObject) -> None:
    entries = some(size)
    index = data.draw(st.integers(0, size - 1))
    proof = path(index, entries)
    leaf, root = leaf_hash(entries[index]), mth(entries)
    everything = [leaf, root, *proof]
    which, bit = data.draw(st.integers(0, len(everything) - 1)), data.draw(st.integers(0, 255))
    everything[which] = (int.from_bytes(everything[which], "big") ^ (1 << bit)).to_bytes(32, "big")
    assert not verify_inclusion(everything[0], index, TreeHead(size, everything[1]), everything[2:])
    other = data.draw(st.integers(0, size + 3).filter(lambda place: place != index))
    assert not verify_inclusion(leaf, other, TreeHead(size, root), proof)
    assert not verify_inclusion(leaf, index, TreeHead(size, root), [*proof, root])
    assert not proof or not verify_inclusion(leaf, index, TreeHead(size, root), proof[:-1])
    assert not verify_inclusion(leaf, index, TreeHead(size, root), [*proof[:-1], b"short"])


@given(st.integers(2, 200), st.data())
def test_consistency__of_a_tree_with_another_past__is_refused(size: int, data: st.DataObject) -> None:
    entries = some(size)
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    lying = [*entries]
    lying[changed] = b"another past"
    # The best that a liar can do: a true proof of the false tree.
    proof = subproof(old, lying, True)
    assert not verify_consistency(head(entries[:old]), head(lying), proof)
    assert verify_consistency(head(lying[:old]), head(lying), proof)


@given(st.integers(1, 200), st.data())
def test_consistency__any_bit_changed__is_refused(size: int, data: st.DataObject) -> None:
    entries = some(size)
    old = data.draw(st.integers(1, size))
    everything = [mth(entries[:old]), mth(entries), *subproof(old, entries, True)]
    which, bit = data.draw(st.integers(0, len(everything) - 1)), data.draw(st.integers(0, 255))
    everything[which] = (int.from_bytes(everything[which], "big") ^ (1 << bit)).to_bytes(32, "big")
    first, last = TreeHead(old, everything[0]), TreeHead(size, everything[1])
    assert not verify_consistency(first, last, everything[2:])


def test_consistency__from_nothing_and_backwards__is_told_apart() -> None:
    assert verify_consistency(TreeHead(0, EMPTY_ROOT), head(some(5)), [])
    assert not verify_consistency(TreeHead(0, EMPTY_ROOT), head(some(5)), [EMPTY_ROOT])
    assert not verify_consistency(TreeHead(0, b"\1" * 32), head(some(5)), [])
    assert not verify_consistency(TreeHead(0, EMPTY_ROOT), TreeHead(0, b"\1" * 32), [])
    assert not verify_consistency(head(some(5)), head(some(4)), [])
    with pytest.raises(ValueError, match="shrinks"):
        consistency_spans(5, 4)
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_spans(5, 5)


def test_compact_range__appended_to__holds_no_more_than_log2_hashes() -> None:
    tree = CompactRange()
    for number, entry in enumerate(some(1000), 1):
        tree = tree.append(leaf_hash(entry))
        assert len(tree.peaks) == number.bit_count()
    assert tree.head() == head(some(1000))
