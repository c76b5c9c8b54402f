"""Breaks well-formed inputs the way attackers do: bits, lengths, cuts, splices. Seeded, so that every input repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

MAX_BYTES: Final = 2048  # what one datagram can bring
UNTOUCHED: Final = 1 / 32  # so many inputs pass as they are: the state behind must stay alive
_BYTES: Final = (0x00, 0x01, 0x7F, 0x80, 0xBE, 0xFE, 0xFF, 0x40)
_WORDS: Final = tuple(
    number.to_bytes(2, "big")
    for number in (
        0, 1, 2, 3, 4, 0x10, 0x7F, 0xFF, 0x100, 0x1FFF, 0x2001, 0x7FFF, 0x8000, 0xBEDE, 0xFFFE, 0xFFFF,
    )
)  # fmt: skip

Mutate = Callable[[Random], bytes]
Finish = Callable[[Random, bytearray], None]


def byte_mutator(
    seeds: Sequence[bytes], tokens: Sequence[bytes] = (), finish: Finish | None = None
) -> Mutate:
    """Makes one hostile input per call out of a corpus.

    `tokens` are pieces worth inserting; `finish` repairs what would be refused at the door (numbers, signatures), so
    that the mutation reaches what lies behind.
    """
    pieces = [*tokens, *_WORDS]

    def mutate(chance: Random) -> bytes:
        random, bits = chance.random, chance.getrandbits
        data = bytearray(seeds[int(random() * len(seeds))])
        if random() >= UNTOUCHED:
            for _ in range(1 + bits(1) + (bits(4) == 0) * 3):
                _mutate_once(data, chance, seeds, pieces)
        del data[MAX_BYTES:]
        if finish is not None:
            finish(chance, data)
        return bytes(data)

    return mutate


def _mutate_once(data: bytearray, chance: Random, seeds: Sequence[bytes], pieces: Sequence[bytes]) -> None:
    random, bits = chance.random, chance.getrandbits
    size = len(data)
    if not size:
        data += pieces[int(random() * len(pieces))]
        return
    at = int(random() * size)
    kind = bits(4)
    if kind < 4:
        data[at] ^= 1 << bits(3)
    elif kind < 6:
        data[at] = _BYTES[bits(3)]
    elif kind < 9:
        at &= ~1
        data[at : at + 2] = _WORDS[bits(4)]
    elif kind == 9:
        del data[at:]
    elif kind == 10:
        del data[at : at + 1 + bits(4)]
    elif kind == 11:
        data[at:at] = data[at : at + 1 + bits(5)] * (1 + bits(2))
    elif kind == 12:
        other = seeds[int(random() * len(seeds))]
        data[at:] = other[int(random() * (len(other) + 1)) :]
    elif kind == 13:
        data[at:at] = pieces[int(random() * len(pieces))]
    elif kind == 14:
        _set_length(data, at & ~1, bits(2))
    else:
        data += seeds[int(random() * len(seeds))]


def _set_length(data: bytearray, at: int, way: int) -> None:
    """A length field that fits, or just does not: in bytes or in words, behind the field."""
    left = max(0, len(data) - at - 2)
    length = (left, left + 1, left >> 2, (left >> 2) + 1)[way]
    data[at : at + 2] = length.to_bytes(2, "big")


_TEXT_EXTREMES: Final = (
    "", "0", "-1", "65535", "65536", "4294967296", "9" * 400, "1e308", "\x00", "\r", "\u2028", "汉", "²",
    " ", ":", ";", "=", "/", ",", "\ud7ff", "x" * 3000, "null", "[", "{}", '"',
)  # fmt: skip


def line_mutator(seeds: Sequence[str], separator: str = "\n") -> Mutate:
    """The same for texts of lines: lines vanish, repeat, move, and their words are exchanged. UTF-8 out."""

    def mutate(chance: Random) -> bytes:
        random = chance.random
        lines = seeds[int(random() * len(seeds))].split(separator)
        if random() >= UNTOUCHED:
            for _ in range(1 + chance.getrandbits(2)):
                _mutate_lines(lines, chance, seeds, separator)
        return separator.join(lines).encode("utf-8", "surrogatepass")

    return mutate


def _mutate_lines(lines: list[str], chance: Random, seeds: Sequence[str], separator: str) -> None:
    if not lines:
        lines.append("")
    at, kind = chance.randrange(len(lines)), chance.getrandbits(3)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines[at:at] = [lines[at]] * (1 + chance.getrandbits(chance.choice((1, 1, 1, 8))))
    elif kind == 2:
        lines.insert(chance.randrange(len(lines)), lines.pop(at))
    elif kind == 3:
        other = chance.choice(seeds).split(separator)
        lines[at:at] = other[chance.randrange(len(other)) :][: 1 + chance.getrandbits(4)]
    else:
        lines[at] = _mutate_text(lines[at], chance)


def _mutate_text(text: str, chance: Random) -> str:
    start = chance.randrange(len(text) + 1)
    if chance.getrandbits(1):  # a whole word
        ends = [at for at in (text.find(mark, start) for mark in ' :/;=,"') if at >= 0]
        return text[:start] + chance.choice(_TEXT_EXTREMES) + text[min(ends, default=len(text)) :]
    if chance.getrandbits(1):
        return (
            text[:start] + chr(chance.choice((0, 10, 13, 32, 58, 47, 255, 0x4E2D, 0x661))) + text[start + 1 :]
        )
    return text[:start] + text[start + chance.getrandbits(4) :]
