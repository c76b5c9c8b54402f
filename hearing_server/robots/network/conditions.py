"""What a network does to packets, as values and as one line of text.

`loss=0.1,burst=300ms,every=10s,delay=50ms` means both directions; `up.` and `down.` in front of a name mean one (up is
towards the server). Durations take `ms` or `s`, rates `k` or `M` (bit/s), shares are 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

_DURATION_UNITS: Final = {"ms": 1.0, "s": 1000.0}
_RATE_UNITS: Final = {"k": 1e3, "M": 1e6}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """One direction of a line. Everything off by default; `_share` is a probability per packet."""

    loss_share: float = 0.0
    # Bursts in time: everything is lost for `burst_ms`, about every `burst_every_ms` (half to one and a half of it).
    burst_ms: float = 0.0
    burst_every_ms: float = 10_000.0
    # Bursts in packets (Gilbert): chance to fall into the bad state, and to leave it; the bad state loses everything.
    gilbert_enter_share: float = 0.0
    gilbert_leave_share: float = 0.5
    delay_ms: float = 0.0
    jitter_ms: float = 0.0  # 0..this on top, order is kept
    reorder_share: float = 0.0
    reorder_ms: float = 30.0  # how much later a packet comes that was overtaken
    duplicate_share: float = 0.0
    rate_bps: float = 0.0  # 0: no cap
    buffer_ms: float = 200.0  # what the narrow place holds; beyond it packets are dropped at the tail
    mtu_bytes: int = 0  # whole IP packets; 0: no limit
    is_media_only: bool = (
        False  # loss, bursts and reordering spare STUN and DTLS: a call lives, only its media suffer
    )


TRANSPARENT: Final = OneWay()


@dataclass(frozen=True, slots=True)
class Conditions:
    """Both directions of one person's line, and what happens to it at given moments after its start."""

    up: OneWay = TRANSPARENT
    down: OneWay = TRANSPARENT
    blackouts_s: tuple[tuple[float, float], ...] = ()  # (length, when)
    moves_s: tuple[float, ...] = ()  # a new address towards the server

    @classmethod
    def both(cls, way: OneWay) -> Conditions:
        return cls(way, way)


def parse(text: str) -> Conditions:
    """Conditions from one line; "" and "none" are a perfect line. Raises ValueError that names the wrong word."""
    found = Conditions()
    for word in filter(None, (each.strip() for each in text.split(","))):
        if word == "none":
            continue
        name, sign, value = word.partition("=")
        if not sign:
            raise ValueError(f"{word!r}: expected name=value")
        try:
            found = _with(found, name, value)
        except (ValueError, KeyError):
            raise ValueError(f"{word!r} is not a condition; known: {', '.join(sorted(_WORDS))}") from None
    return found


def _with(so_far: Conditions, name: str, value: str) -> Conditions:
    if name == "blackout":  # length@when
        length, _, at = value.partition("@")
        return replace(so_far, blackouts_s=(*so_far.blackouts_s, (_ms(length) / 1000, _ms(at) / 1000)))
    if name == "move":
        return replace(so_far, moves_s=(*so_far.moves_s, _ms(value) / 1000))
    side, dot, rest = name.partition(".")
    word = rest if dot else name
    changes: dict[str, Any] = _changes(word, value)
    if not dot:
        return replace(so_far, up=replace(so_far.up, **changes), down=replace(so_far.down, **changes))
    if side not in ("up", "down"):
        raise ValueError(side)
    return replace(so_far, **{side: replace(getattr(so_far, side), **changes)})


def _changes(word: str, value: str) -> dict[str, float | int | bool]:
    if word == "gilbert":  # enter:leave
        enter, _, leave = value.partition(":")
        return {"gilbert_enter_share": _share(enter), "gilbert_leave_share": _share(leave or "0.5")}
    field_name = _WORDS[word]
    if field_name == "is_media_only":
        if value not in ("media", "all"):
            raise ValueError(value)
        return {field_name: value == "media"}
    if field_name.endswith("_share"):
        return {field_name: _share(value)}
    if field_name.endswith("_bps"):
        return {field_name: _scaled(value, _RATE_UNITS, 1.0)}
    if field_name.endswith("_bytes"):
        return {field_name: int(value)}
    return {field_name: _ms(value)}


_WORDS: Final[Mapping[str, str]] = {
    "loss": "loss_share",
    "burst": "burst_ms",
    "every": "burst_every_ms",
    "gilbert": "gilbert_enter_share",
    "delay": "delay_ms",
    "jitter": "jitter_ms",
    "reorder": "reorder_share",
    "late": "reorder_ms",
    "duplicate": "duplicate_share",
    "rate": "rate_bps",
    "buffer": "buffer_ms",
    "mtu": "mtu_bytes",
    "only": "is_media_only",
}
assert set(_WORDS.values()) <= {each.name for each in fields(OneWay)}


def _share(text: str) -> float:
    share = float(text)
    if not 0.0 <= share <= 1.0:
        raise ValueError(text)
    return share


def _ms(text: str) -> float:
    return _scaled(text, _DURATION_UNITS, None)


def _scaled(text: str, units: Mapping[str, float], bare: float | None) -> float:
    for unit, factor in sorted(units.items(), key=lambda each: -len(each[0])):
        if text.endswith(unit):
            return _positive(float(text.removesuffix(unit)) * factor)
    if bare is None and float(text) != 0:
        raise ValueError(f"{text}: a unit is missing")
    return _positive(float(text) * (bare or 0.0))


def _positive(number: float) -> float:
    if not 0 <= number < float("inf"):
        raise ValueError(number)
    return number
