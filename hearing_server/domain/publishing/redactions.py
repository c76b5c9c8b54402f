"""What a public copy leaves out (技术处理): voices, pictures of a person, regions, names, stretches.

The list belongs to one publication and is bound to its copy by hash; the original never changes.
Source: 直播录播规定 art 5 (technical masking for minors, victims, witnesses).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hearing_server.domain.canonical_json import JsonObject, JsonValue, canonical_json
from hearing_server.errors import Invalid
from hearing_server.kernel import PersonId

MAX_REDACTIONS = 200
MAX_NAME_CHARS = 60


class RedactionKind(StrEnum):
    MUTE = "mute"  # a person's voice
    MASK = "mask"  # a person's picture and shared screen
    REGION = "region"  # a rectangle of the film
    CUT = "cut"  # everything
    NAME = "name"  # a name, wherever the film writes it


@dataclass(frozen=True, slots=True)
class Redaction:
    """One row. Times in seconds of the plain film; the rectangle in shares of the picture, 0…1."""

    kind: RedactionKind
    from_s: float | None = None
    until_s: float | None = None
    person_id: PersonId | None = None
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None
    name: str | None = None
    substitute: str | None = None

    def row(self) -> JsonObject:
        """As the composer reads it: what the kind needs and nothing else. Numbers with at most 3 decimals."""
        fields = {
            RedactionKind.MUTE: ("person_id", "from_s", "until_s"),
            RedactionKind.MASK: ("person_id", "from_s", "until_s"),
            RedactionKind.REGION: ("x", "y", "width", "height", "from_s", "until_s"),
            RedactionKind.CUT: ("from_s", "until_s"),
            RedactionKind.NAME: ("name", "substitute"),
        }[self.kind]
        row: dict[str, JsonValue] = {"kind": self.kind.value}
        for field in fields:
            value = getattr(self, field)
            # Milliseconds and permille as text, because canonical JSON of floats is a trap of its own.
            row[field] = f"{value:.3f}" if isinstance(value, float | int) else str(value)
        return row


def check_redactions(
    rows: Iterable[Redaction], *, duration_s: float, people: Iterable[PersonId]
) -> tuple[Redaction, ...]:
    """The list as it may be stored. Errors: Invalid `redaction.time`, `.person`, `.region`, `.name`, `.too_many`."""
    known, checked = set(people), tuple(rows)
    if len(checked) > MAX_REDACTIONS:
        raise Invalid("redaction.too_many", zh="处理项过多", en="There are too many redactions")
    for row in checked:
        if row.kind is RedactionKind.NAME:
            _check_name(row)
            continue
        if row.from_s is None or row.until_s is None or not 0 <= row.from_s < row.until_s <= duration_s + 1:
            raise Invalid("redaction.time", zh="起止时间不正确", en="The times aren't right")
        if row.kind in (RedactionKind.MUTE, RedactionKind.MASK) and row.person_id not in known:
            raise Invalid("redaction.person", zh="请选择人员", en="Choose the person")
        if row.kind is RedactionKind.REGION:
            _check_region(row)
    return checked


def redacted_title(text: str, rows: Iterable[Redaction]) -> str:
    """A title or cause with every replaced name replaced, the longest first."""
    names = [(row.name, row.substitute or "") for row in rows if row.kind is RedactionKind.NAME and row.name]
    for name, substitute in sorted(names, key=lambda pair: -len(pair[0])):
        text = text.replace(name, substitute)
    return text


def redactions_sha256(rows: Iterable[Redaction]) -> str:
    """What a copy carries of its list: SHA-256 of the canonical JSON {"list": rows}."""
    return hashlib.sha256(canonical_json({"list": [row.row() for row in rows]})).hexdigest()


def _check_name(row: Redaction) -> None:
    name, substitute = (row.name or "").strip(), (row.substitute or "").strip()
    if (
        not 1 <= len(name) <= MAX_NAME_CHARS
        or not 1 <= len(substitute) <= MAX_NAME_CHARS
        or name in substitute
    ):
        raise Invalid("redaction.name", zh="请填写原名和替代名", en="A name and its substitute are needed")


def _check_region(row: Redaction) -> None:
    sides = (row.x, row.y, row.width, row.height)
    if any(side is None for side in sides):
        raise _region()
    x, y, width, height = (float(side or 0) for side in sides)
    if not (0 <= x < 1 and 0 <= y < 1 and 0.005 <= width <= 1 and 0.005 <= height <= 1):
        raise _region()


def _region() -> Invalid:
    return Invalid("redaction.region", zh="遮挡区域不正确", en="The region isn't right")
