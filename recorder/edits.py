"""What a derived film must not show or say: the list of edits a composition takes, applied to the copy only.

The seam for redaction and publication. All times are on the hearing clock (ns since the recording began, as the
manifest has them), all people are the recorder's identities. An edit never changes the sealed original; it changes
the keys of just those pieces whose time it touches, so everything else of the film is taken from the shelf
(`recorder.pieces`). `Edits()` is the court's own film.

JSON (the composer's --edits file): {"blanks": [{"from_ns", "until_ns", "word"}], "cuts": [{"from_ns", "until_ns"}],
"mutes": [{"identity", "from_ns", "until_ns"}], "blurs": [{"identity", "screen", "from_ns", "until_ns", "area"}],
"renames": [{"identity", "name", "role"}], "case_number", "title"}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recorder.labels import Labels, Person

# A list longer than this was not made by a person who looked at the film.
MAX_EDITS = 10_000
# Everybody's voice, or every tile.
EVERYBODY = "*"
# A blur reaches this far beyond its span on both sides: a film frame shows the picture nearest to it, and sound
# leaks over the edge of an encoder's window.
EDGE_NS = 100_000_000


class EditsError(ValueError):
    """The list of edits does not say what it must; the text names the field."""


@dataclass(frozen=True, slots=True)
class Blank:
    """The span keeps its length and shows a card, without sound. `word`: a key of the film's words ("sealed")."""

    from_ns: int
    until_ns: int
    word: str = "sealed"


@dataclass(frozen=True, slots=True)
class Cut:
    """The span is taken out; a card of three seconds stands in its place and names no times."""

    from_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Mute:
    """A voice is silence in the span; `EVERYBODY` mutes all."""

    identity: str
    from_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Blur:
    """A tile is made unrecognisable in the span: `area` (left, top, width, height as shares of the picture, 0…1).

    `screen`: the person's shared screen instead of the camera. `EVERYBODY` blurs all tiles.
    """

    identity: str
    from_ns: int
    until_ns: int
    screen: bool = False
    area: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name and role on plates and captions, for the whole film ("原告某甲")."""

    identity: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Edits:
    """Everything asked of one derived film. `case_number`/`title`: None keeps what the labels say."""

    blanks: tuple[Blank, ...] = ()
    cuts: tuple[Cut, ...] = ()
    mutes: tuple[Mute, ...] = ()
    blurs: tuple[Blur, ...] = ()
    renames: tuple[Rename, ...] = ()
    case_number: str | None = None
    title: str | None = None

    def touching(self, from_ns: int, until_ns: int) -> Edits:
        """Only what changes this stretch; renames and cuts have their effect on labels and timeline instead."""
        near = (from_ns - EDGE_NS, until_ns + EDGE_NS)
        return Edits(
            blanks=tuple(one for one in self.blanks if _meets(one, near)),
            mutes=tuple(one for one in self.mutes if _meets(one, near)),
            blurs=tuple(one for one in self.blurs if _meets(one, near)),
        )

    def relabelled(self, labels: Labels) -> Labels:
        """The labels with names replaced."""
        named = {one.identity: Person(name=one.name, role=one.role) for one in self.renames}
        return replace(
            labels,
            people={**labels.people, **named},
            case_number=labels.case_number if self.case_number is None else self.case_number,
            title=labels.title if self.title is None else self.title,
        )

    def blank_at(self, from_ns: int, until_ns: int) -> Blank | None:
        """The blank that covers any part of a film frame."""
        return next((one for one in self.blanks if one.from_ns < until_ns and from_ns < one.until_ns), None)

    def is_mute(self, identity: str, from_ns: int, until_ns: int) -> bool:
        """Whether a voice is silent in any part of a chunk."""
        return any(
            one.identity in (identity, EVERYBODY)
            and one.from_ns - EDGE_NS < until_ns
            and from_ns < one.until_ns + EDGE_NS
            for one in self.mutes
        )

    def blurred(
        self, identity: str, at_ns: int, *, screen: bool
    ) -> tuple[tuple[float, float, float, float], ...]:
        """The areas of a tile to blur at a moment."""
        return tuple(
            one.area
            for one in self.blurs
            if one.identity in (identity, EVERYBODY)
            and (one.screen == screen or one.identity == EVERYBODY)
            and one.from_ns - EDGE_NS <= at_ns < one.until_ns + EDGE_NS
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data, as `edits_of` reads it."""
        return asdict(self)


def _meets(one: Blank | Mute | Blur, near: tuple[int, int]) -> bool:
    return one.from_ns < near[1] and near[0] < one.until_ns


def load_edits(path: Path) -> Edits:
    """Read EDITS.json. EditsError, OSError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EditsError(f"edits are not JSON: {error}") from error
    return edits_of(content)


def edits_of(content: Any) -> Edits:
    """Edits from plain data. EditsError names what is wrong; nothing unknown is passed over in silence."""
    if not isinstance(content, Mapping):
        raise EditsError("edits must be an object")
    unknown = set(content) - set(Edits.__dataclass_fields__)
    if unknown:
        raise EditsError(f"unknown edits: {', '.join(sorted(map(str, unknown)))}")
    try:
        edits = Edits(
            blanks=tuple(Blank(**one) for one in content.get("blanks", ())),
            cuts=tuple(Cut(**one) for one in content.get("cuts", ())),
            mutes=tuple(Mute(**one) for one in content.get("mutes", ())),
            blurs=tuple(_blur(one) for one in content.get("blurs", ())),
            renames=tuple(Rename(**one) for one in content.get("renames", ())),
            case_number=content.get("case_number"),
            title=content.get("title"),
        )
    except (TypeError, ValueError) as error:
        raise EditsError(f"edits: {error}") from error
    _check(edits)
    return edits


def _blur(content: Mapping[str, Any]) -> Blur:
    area = tuple(float(share) for share in content.get("area", (0, 0, 1, 1)))
    if len(area) != 4 or not all(0 <= share <= 1 for share in area):
        raise EditsError("area must be four shares between 0 and 1")
    return Blur(**{**content, "area": area})


def _check(edits: Edits) -> None:
    spans = (*edits.blanks, *edits.cuts, *edits.mutes, *edits.blurs)
    if len(spans) + len(edits.renames) > MAX_EDITS:
        raise EditsError(f"more than {MAX_EDITS} edits")
    for one in spans:
        if type(one.from_ns) is not int or type(one.until_ns) is not int or one.from_ns >= one.until_ns:
            raise EditsError("from_ns must be before until_ns, both whole nanoseconds")
    for named in (*edits.mutes, *edits.blurs, *edits.renames):
        if not isinstance(named.identity, str) or not named.identity:
            raise EditsError("identity must be text")
    for text in (edits.case_number, edits.title, *(one.name for one in edits.renames)):
        if text is not None and not isinstance(text, str):
            raise EditsError("names must be text")
