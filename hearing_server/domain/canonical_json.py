"""Canonical JSON after RFC 8785 (JCS), for the values we sign and chain.

Those are text, whole numbers, booleans, null, arrays and objects. Floating-point numbers are refused:
their text form is the one part of the RFC that implementations get wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hearing_server.errors import Invalid

# RFC 8785 3.2.2.3 takes numbers as IEEE doubles; beyond 2**53 - 1 two readers may see different numbers.
MAX_SAFE_INTEGER = 2**53 - 1
# Our deepest entry has four levels; a bound keeps hostile bodies from the recursion limit.
MAX_DEPTH = 8

_CODE = "json.value_not_canonical"

_ESCAPES = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
_ESCAPE_TABLE = {code: _ESCAPES.get(code, f"\\u{code:04x}") for code in (*range(0x20), 0x22, 0x5C)}

JsonValue = None | bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]


def canonical_json(value: object) -> bytes:
    """UTF-8 bytes that every conforming implementation writes for the same value.

    Errors: Invalid `json.value_not_canonical` for floats, lone surrogates, unsafe integers, other types, depth over 8.
    """
    return _write(value, 0).encode("utf-8")


def _write(value: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise _refused("too deep")
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _write_text(value)
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise _refused("integer beyond 2^53 - 1")
        return str(int(value))
    if isinstance(value, Mapping):
        return _write_object(value, depth)
    if isinstance(value, list | tuple):
        return f"[{','.join(_write(item, depth + 1) for item in value)}]"
    raise _refused(f"type {type(value).__name__}")


def _write_object(value: Mapping[object, object], depth: int) -> str:
    names = []
    for name in value:
        if not isinstance(name, str):
            raise _refused("a name that isn't text")
        names.append(str(name))
    # RFC 8785 3.2.3: names are ordered by their UTF-16 code units, not by code points. A lone surrogate fails below.
    names.sort(key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{_write_text(name)}:{_write(value[name], depth + 1)}" for name in names) + "}"


def _write_text(text: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _refused("a lone surrogate")
    return f'"{str(text).translate(_ESCAPE_TABLE)}"'


def _refused(what: str) -> Invalid:
    return Invalid(_CODE, zh="内容含有无法规范化的数据", en=f"The value can't be written canonically: {what}")
