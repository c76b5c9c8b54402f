"""What a derived copy leaves out: voices, faces, regions, names, stretches; read from REDACTIONS.json.

Times in the file are seconds of the plain film, as somebody picks them in its player; they are widened by a frame at
both ends. Everything that hides is opaque or silent: what was blurred or pitched can be guessed back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recorder.clock import HearingClock
from recorder.film.labels import Labels
from recorder.film.timeline import TICK_NS, Timeline
from recorder.journal import compact_json
from recorder.withheld import NOTHING, Spans

MAX_REDACTIONS = 500
MAX_NAME_CHARACTERS = 60


class RedactionsError(ValueError):
    """The redactions file does not say what it must."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one second of the plain film to another; `person`: an identity, or empty."""

    from_s: float
    until_s: float
    person: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture in shares of its width and height, 0…1."""

    stretch: Stretch
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Redactions:
    """The list of one copy. `sealed_utc_ns`: the court's own account of sealed spans; None: to the end."""

    sealed_utc_ns: tuple[tuple[int, int | None], ...] = ()
    mutes: tuple[Stretch, ...] = ()
    masks: tuple[Stretch, ...] = ()
    regions: tuple[Region, ...] = ()
    cuts: tuple[Stretch, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    sha256: str = ""

    def sealed(self, clock: HearingClock, end_ns: int) -> Spans:
        """The sealed spans that the court's books name, on the hearing clock."""
        start_utc_ns = clock.utc_ns(0)
        return Spans.of(
            (
                max(from_ns - start_utc_ns, 0),
                end_ns if until_ns is None else until_ns - start_utc_ns,
            )
            for from_ns, until_ns in self.sealed_utc_ns
        )

    def shown(self, text: str) -> str:
        """A text with every replaced name replaced, the longest first."""
        for name, substitute in sorted(self.names, key=lambda pair: -len(pair[0])):
            text = text.replace(name, substitute)
        return text

    def labels(self, labels: Labels) -> Labels:
        """The film's labels with names replaced."""
        if not self.names:
            return labels
        people = {
            identity: replace(one, name=self.shown(one.name), role=self.shown(one.role))
            for identity, one in labels.people.items()
        }
        return replace(
            labels, case_number=self.shown(labels.case_number), title=self.shown(labels.title), people=people
        )

    def plan(self, plain: Timeline) -> RedactionPlan:
        """The list on the hearing clock of the plain film's timeline."""
        return RedactionPlan(
            cuts=Spans.of(_span(plain, one) for one in self.cuts),
            mutes=_by_person(plain, self.mutes),
            masks=_by_person(plain, self.masks),
            regions=tuple((_span(plain, one.stretch), one) for one in self.regions),
        )


@dataclass(frozen=True, slots=True)
class RedactionPlan:
    """Redactions on the hearing clock. `mutes` and `masks` by identity."""

    cuts: Spans = NOTHING
    mutes: Mapping[str, Spans] = field(default_factory=dict)
    masks: Mapping[str, Spans] = field(default_factory=dict)
    regions: tuple[tuple[tuple[int, int], Region], ...] = ()

    @property
    def silent(self) -> Spans:
        """When anybody is not heard."""
        return Spans.of(span for spans in self.mutes.values() for span in spans.spans)

    def muted(self, identity: str) -> Spans:
        """When this person is not heard."""
        return self.mutes.get(identity, NOTHING)

    def masked(self, identity: str) -> Spans:
        """When this person (and what they share) is not seen."""
        return self.masks.get(identity, NOTHING)

    def regions_at(self, at_ns: int) -> list[Region]:
        """Rectangles hidden in the film frame of a moment."""
        return [region for (first, last), region in self.regions if first < at_ns + TICK_NS and at_ns < last]


def load_redactions(path: Path) -> Redactions:
    """Read REDACTIONS.json. RedactionsError names what is wrong; OSError when it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RedactionsError(f"redactions are not JSON: {error}") from error
    return redactions_of(content)


def redactions_of(content: Any) -> Redactions:
    """Redactions from plain data; docs/RECORD.md "Redacted copies". `sha256`: of the compact JSON of a given `list`."""
    try:
        rows = list(content.get("list", ()))
        if len(rows) > MAX_REDACTIONS:
            raise RedactionsError(f"at most {MAX_REDACTIONS} redactions")
        by_kind: dict[str, list[Any]] = {"mute": [], "mask": [], "region": [], "cut": [], "name": []}
        for row in rows:
            by_kind[row["kind"]].append(_READERS[row["kind"]](row))
        sealed = tuple(
            (int(first), None if last is None else int(last))
            for first, last in content.get("sealed_utc_ns", ())
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RedactionsError(f"redactions: {error!r}") from error
    return Redactions(
        sealed_utc_ns=sealed,
        mutes=tuple(by_kind["mute"]),
        masks=tuple(by_kind["mask"]),
        regions=tuple(by_kind["region"]),
        cuts=tuple(by_kind["cut"]),
        names=tuple(by_kind["name"]),
        sha256=hashlib.sha256(compact_json({"list": rows})).hexdigest() if "list" in content else "",
    )


def _stretch(row: Mapping[str, Any]) -> Stretch:
    from_s, until_s = float(row["from_s"]), float(row["until_s"])
    if not 0 <= from_s < until_s < 1e6:
        raise RedactionsError(f"not a stretch: {from_s} to {until_s}")
    return Stretch(from_s, until_s, str(row.get("person_id") or ""))


def _of_person(row: Mapping[str, Any]) -> Stretch:
    stretch = _stretch(row)
    if not stretch.person:
        raise RedactionsError("whose voice or picture is not said")
    return stretch


def _region(row: Mapping[str, Any]) -> Region:
    x, y, width, height = (float(row[name]) for name in ("x", "y", "width", "height"))
    if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1):
        raise RedactionsError("a region lies in the picture, in shares of it")
    return Region(_stretch(row), x, y, width, height)


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    name, substitute = str(row["name"]).strip(), str(row["substitute"]).strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or len(substitute) > MAX_NAME_CHARACTERS:
        raise RedactionsError("a name has 1 to 60 characters")
    return name, substitute


_READERS = {"mute": _of_person, "mask": _of_person, "region": _region, "cut": _stretch, "name": _name}


def _span(plain: Timeline, stretch: Stretch) -> tuple[int, int]:
    return plain.hearing_ns(stretch.from_s) - TICK_NS, plain.hearing_ns(stretch.until_s) + TICK_NS


def _by_person(plain: Timeline, stretches: tuple[Stretch, ...]) -> dict[str, Spans]:
    people: dict[str, Spans] = {}
    for one in stretches:
        people[one.person] = people.get(one.person, NOTHING) | Spans.of((_span(plain, one),))
    return people
