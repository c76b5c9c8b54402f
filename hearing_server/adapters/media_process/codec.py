"""Plain data over a wire, driven by type hints: what the hint doesn't say is refused, in both directions.

Understood: None, bool, int, float, str, bytes, Path, StrEnum, NewType, `X | None`, `int | float`, tuple, list,
frozenset, Mapping with text keys, frozen dataclasses, and `object` for JSON as it is.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NewType, Union, get_args, get_origin, get_type_hints


class WireError(Exception):
    """What came, or what was to be sent, is not what the hint says; the text never holds the value."""


class _Pair(NamedTuple):
    """How values of one hint go out and come in."""

    out: Callable[[Any], Any]
    into: Callable[[Any], Any]


def to_plain(value: Any, hint: Any) -> Any:
    """The JSON form of `value`. Raises WireError when it isn't of this hint."""
    return _pair(hint).out(value)


def from_plain(raw: Any, hint: Any) -> Any:
    """The value of a JSON form. Raises WireError for unknown fields, missing fields and wrong types."""
    return _pair(hint).into(raw)


def described(hint: Any) -> str:
    """The hint as text with every field of every dataclass in it: two processes compare these before they talk."""
    return _described(hint, ())


@cache
def _pair(hint: Any) -> _Pair:
    if isinstance(hint, NewType):
        return _pair(hint.__supertype__)
    if hint is None or hint is types.NoneType:
        return _checked(types.NoneType)
    if hint is object or hint is Any:
        return _Pair(lambda value: value, lambda raw: raw)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return _union(inner)
    if origin in (tuple, list, frozenset):
        return _sequence(origin, inner)
    if origin in (dict, Mapping) or getattr(origin, "__name__", "") == "Mapping":
        return _mapping(inner)
    if isinstance(hint, type):
        return _plain_type(hint)
    raise TypeError(f"no wire form for {hint!r}")


def _plain_type(kind: type[Any]) -> _Pair:
    if dataclasses.is_dataclass(kind):
        return _record(kind)
    if issubclass(kind, Enum):
        return _Pair(_of(kind, lambda value: value.value), _into(kind))
    if kind is bytes:
        return _Pair(_of(bytes, lambda value: base64.b64encode(value).decode()), _bytes)
    if issubclass(kind, Path):
        return _Pair(_of(Path, str), lambda raw: Path(_text(raw)))
    if kind is float:
        return _Pair(_number, _number)
    if kind in (bool, int, str):
        return _checked(kind)
    raise TypeError(f"no wire form for {kind!r}")


def _checked(kind: type[Any]) -> _Pair:
    """Exactly this type: True is no number here."""

    def check(value: Any) -> Any:
        if type(value) is not kind and not (kind is str and isinstance(value, str)):
            raise WireError(f"expected {kind.__name__}, got {type(value).__name__}")
        return value

    return _Pair(check, check)


def _of(kind: type[Any], out: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def write(value: Any) -> Any:
        if not isinstance(value, kind):
            raise WireError(f"expected {kind.__name__}, got {type(value).__name__}")
        return out(value)

    return write


def _into(kind: type[Enum]) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        try:
            return kind(raw)
        except ValueError:
            raise WireError(f"not a {kind.__name__}") from None

    return read


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise WireError(f"expected text, got {type(raw).__name__}")
    return raw


def _bytes(raw: Any) -> bytes:
    try:
        return base64.b64decode(_text(raw), validate=True)
    except binascii.Error:
        raise WireError("expected base 64") from None


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise WireError(f"expected a number, got {type(value).__name__}")
    return float(value)


def _union(inner: tuple[Any, ...]) -> _Pair:
    """`X | None`, or numbers: anything else needs a tag, and nothing here has one."""
    rest = [each for each in inner if each is not types.NoneType]
    if set(rest) == {int, float}:
        rest = [float]
    if len(rest) != 1:
        raise TypeError(f"no wire form for a union of {inner!r}")
    pair = _pair(rest[0])
    if types.NoneType not in inner:
        return pair
    return _Pair(
        lambda value: None if value is None else pair.out(value),
        lambda raw: None if raw is None else pair.into(raw),
    )


def _sequence(kind: type[Any], inner: tuple[Any, ...]) -> _Pair:
    if kind is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return _fixed(inner)
    item = _pair(inner[0])

    def read(raw: Any) -> Any:
        if not isinstance(raw, list):
            raise WireError("expected a list")
        return kind(item.into(each) for each in raw)

    return _Pair(_of(kind, lambda value: [item.out(each) for each in value]), read)


def _fixed(inner: tuple[Any, ...]) -> _Pair:
    items = [_pair(each) for each in inner]

    def write(value: Any) -> Any:
        if len(value) != len(items):
            raise WireError(f"expected {len(items)} items")
        return [item.out(each) for item, each in zip(items, value, strict=True)]

    def read(raw: Any) -> Any:
        if not isinstance(raw, list) or len(raw) != len(items):
            raise WireError(f"expected {len(items)} items")
        return tuple(item.into(each) for item, each in zip(items, raw, strict=True))

    return _Pair(_of(tuple, write), read)


def _mapping(inner: tuple[Any, ...]) -> _Pair:
    keys, values = (_pair(each) for each in inner)

    def read(raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise WireError("expected an object")
        return {keys.into(key): values.into(value) for key, value in raw.items()}

    def write(value: Any) -> Any:
        return {_text(keys.out(key)): values.out(each) for key, each in value.items()}

    return _Pair(_of(Mapping, write), read)


def _record(kind: type[Any]) -> _Pair:
    """A dataclass, field by field; its hints are read at the first use, so records may hold each other."""

    @cache
    def fields() -> tuple[dict[str, _Pair], frozenset[str]]:
        hints = get_type_hints(kind)
        pairs = {each.name: _pair(hints[each.name]) for each in dataclasses.fields(kind)}
        needed = frozenset(
            each.name
            for each in dataclasses.fields(kind)
            if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        )
        return pairs, needed

    def read(raw: Any) -> Any:
        pairs, needed = fields()
        if not isinstance(raw, dict):
            raise WireError(f"expected an object for {kind.__name__}")
        if raw.keys() - pairs.keys() or needed - raw.keys():
            raise WireError(f"wrong fields for {kind.__name__}")
        return kind(**{name: pairs[name].into(value) for name, value in raw.items()})

    def write(value: Any) -> Any:
        return {name: pair.out(getattr(value, name)) for name, pair in fields()[0].items()}

    return _Pair(_of(kind, write), read)


def _described(hint: Any, above: tuple[Any, ...]) -> str:
    _pair(hint)  # a hint without a wire form is found here, when the table of calls is made
    if isinstance(hint, NewType):
        return _described(hint.__supertype__, above)
    inner = get_args(hint)
    if inner:
        name = getattr(get_origin(hint), "__name__", str(get_origin(hint)))
        return f"{name}[{','.join('...' if i is Ellipsis else _described(i, above) for i in inner)}]"
    name = getattr(hint, "__name__", str(hint))
    if not isinstance(hint, type) or hint in above:
        return name
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        told = (f"{f.name}:{_described(hints[f.name], (*above, hint))}" for f in dataclasses.fields(hint))
        return f"{name}({','.join(told)})"
    if issubclass(hint, Enum):
        return f"{name}({','.join(str(each.value) for each in hint)})"
    return name
