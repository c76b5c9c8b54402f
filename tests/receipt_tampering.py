"""Ways to change a receipt, drawn from a seed: single bytes, values, lines of the proof, pieces of other receipts."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from hearing_server.domain.canonical_json import canonical_json

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def flipped(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _flip(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return flipped(draw, data)


def _cut(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: draw.randrange(len(data))]


def _insert(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + draw.choice([b" ", b"\n", b"0", b'"', b"\\", b"=", b"\xff"]) + data[at:]


def _drop(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.randrange(1, 20) :]


def _swap(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    a, b = sorted(draw.sample(range(len(data)), 2))
    return data[:a] + data[b : b + 1] + data[a + 1 : b] + data[a : a + 1] + data[b + 1 :]


# Any change of these leaves a file that no receipt is, or another receipt than the log's: none may pass.
BLUNT: tuple[Change, ...] = (_flip, _cut, _insert, _drop, _swap)


def _text(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text) + 1)
    letter = draw.choice("0123456789abcdefABCDEFxyz+/= \n\t—判\x00\x7f")
    return draw.choice(
        [text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + letter + text[at:]]
    )


def _value(draw: random.Random, value: Any) -> Any:
    """Another value in place of this one, or of something inside it."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        name = draw.choice(sorted(value))
        kept = {key: each for key, each in value.items() if key != name}
        if draw.random() < 0.1:
            return kept
        return {**kept, name: _value(draw, value[name])}
    if isinstance(value, list) and value and draw.random() < 0.8:
        at = draw.randrange(len(value))
        return [*value[:at], _value(draw, value[at]), *value[at + 1 :]]
    if isinstance(value, str) and draw.random() < 0.9:
        return _text(draw, value)
    return draw.choice([None, True, 0, -1, (1 << 53) - 1, "", [], {}, {"x": 1}, "0" * 64])


def _json(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return canonical_json(_value(draw, json.loads(data))) + b"\n"


def _entry(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """The entry says something else and is written well."""
    receipt = json.loads(data)
    receipt["entry"] = canonical_json(_value(draw, json.loads(receipt["entry"]))).decode()
    return canonical_json(receipt) + b"\n"


def _lines(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Lines of the proof are exchanged, doubled, taken away; a line comes in."""
    receipt = json.loads(data)
    lines = receipt["proof"].split("\n")
    a, b = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randrange(4):
        case 0:
            lines[a], lines[b] = lines[b], lines[a]
        case 1:
            lines.insert(a, lines[b])
        case 2:
            del lines[a]
        case _:
            lines.insert(a, draw.choice(["extra aGVsbG8=", "extension", "", "index 2", "= x y", "0"]))
    receipt["proof"] = "\n".join(lines)
    return canonical_json(receipt) + b"\n"


def _graft(draw: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A field of another receipt of the same log."""
    receipt, other = json.loads(data), json.loads(draw.choice(others))
    name = draw.choice(sorted(receipt))
    if name == "disclosed" and draw.random() < 0.5:
        name = draw.choice(sorted(receipt["disclosed"]))
        receipt["disclosed"][name] = other["disclosed"][name]
    else:
        receipt[name] = other[name]
    return canonical_json(receipt) + b"\n"


def _token(draw: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """A changed time stamp whose digest is made to fit."""
    receipt = json.loads(data)
    if receipt["time_stamp"] is None:
        return flipped(draw, data)
    token = flipped(draw, base64.b64decode(receipt["time_stamp"]["token"]))
    receipt["time_stamp"]["token"] = base64.b64encode(token).decode()
    receipt["time_stamp"]["sha256"] = hashlib.sha256(token).hexdigest()
    return canonical_json(receipt) + b"\n"


# Whoever knows the format: some of these leave a receipt that says less and still holds (a field not disclosed).
KNOWING: tuple[Change, ...] = (_json, _entry, _lines, _graft, _token)
