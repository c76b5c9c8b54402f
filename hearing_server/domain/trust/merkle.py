"""Merkle tree hashing, proofs and their verification: RFC 6962 section 2.1, verification as RFC 9162 section 2.1.

Hashes are 32-byte SHA-256 values. A proof is described by the spans of leaves whose hashes it holds (`inclusion_spans`,
`consistency_spans`), so that a store can fetch what it needs first; `span_hash` then folds complete subtrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# C2SP tlog-witness: no proof is longer, since no tree has more than 2^63 leaves.
MAX_PROOF_HASHES = 63

# [first, end): leaves of one subtree of the proof's tree; its first leaf is aligned to its size.
Span = tuple[int, int]
# The hash of a complete subtree: (level, index) covers leaves [index * 2^level, (index + 1) * 2^level).
ReadNode = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """MTH of one entry: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A tree's size in leaves and its root hash."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class CompactRange:
    """All that must be kept to append to a tree: the roots of its complete subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> CompactRange:
        """The tree with one leaf hash more: one node hash on average, log2(size) at most."""
        peaks = list(self.peaks)
        carried, rest = leaf, self.size
        while rest & 1:
            carried, rest = node_hash(peaks.pop(), carried), rest >> 1
        return CompactRange(self.size + 1, (*peaks, carried))

    def root(self) -> bytes:
        """The tree's root hash."""
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT

    def head(self) -> TreeHead:
        return TreeHead(self.size, self.root())


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree = tree.append(leaf)
    return tree.root()


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """What an inclusion proof of leaf `index` in a tree of `size` holds, the leaf's sibling first.

    ValueError: no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in this tree")
    spans: list[Span] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((first, middle))
            first = middle
    return tuple(reversed(spans))


def consistency_spans(old: int, new: int) -> tuple[Span, ...]:
    """What a consistency proof between two sizes holds; nothing for equal sizes and from the empty tree.

    ValueError: `old` is larger.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree never shrinks")
    if old in (0, new):
        return ()
    spans: list[Span] = []
    first, end, is_whole = 0, new, True
    # RFC 6962 SUBPROOF(m, D[n], b), without the recursion.
    while old - first != end - first:
        middle = first + _split(end - first)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((first, middle))
            first, is_whole = middle, False
    if not is_whole:
        spans.append((first, end))
    return tuple(reversed(spans))


def span_nodes(span: Span) -> tuple[tuple[int, int], ...]:
    """The complete subtrees (level, index) that make up a span, largest first."""
    first, end = span
    nodes = []
    while first < end:
        level = (end - first).bit_length() - 1
        nodes.append((level, first >> level))
        first += 1 << level
    return tuple(nodes)


def span_hash(span: Span, read: ReadNode) -> bytes:
    """The Merkle tree hash of a span."""
    return _fold([read(level, index) for level, index in span_nodes(span)])


def verify_inclusion(leaf: bytes, index: int, head: TreeHead, proof: Sequence[bytes]) -> bool:
    """Whether the leaf hash stands at `index` in the tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < head.size or not _is_proof(proof):
        return False
    place, last, value = index, head.size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node_hash(step, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, step)
        place, last = place >> 1, last >> 1
    return last == 0 and value == head.root


def verify_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> bool:
    """Whether `new` is `old` with leaves appended (RFC 9162 section 2.1.4.2). From the empty tree all is."""
    if old.size > new.size or not _is_proof(proof):
        return False
    if old.size == 0:
        return not proof and old.root == EMPTY_ROOT and (new.size > 0 or new.root == EMPTY_ROOT)
    if old.size == new.size:
        return not proof and old.root == new.root
    steps = list(proof)
    if old.size & (old.size - 1) == 0:
        # A complete tree is a node of the larger one: the proof doesn't repeat its root.
        steps.insert(0, old.root)
    if not steps:
        return False
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_value = new_value = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_value, new_value = node_hash(step, old_value), node_hash(step, new_value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_value = node_hash(new_value, step)
        place, last = place >> 1, last >> 1
    return last == 0 and old_value == old.root and new_value == new.root


def _is_proof(proof: Sequence[bytes]) -> bool:
    return len(proof) <= MAX_PROOF_HASHES and all(len(step) == HASH_BYTES for step in proof)


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _fold(peaks: Sequence[bytes]) -> bytes:
    value = peaks[-1]
    for left in reversed(peaks[:-1]):
        value = node_hash(left, value)
    return value
