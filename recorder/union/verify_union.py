"""Checks a whole record: each recorder's folder by itself, and that `union.json` says of both what they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recorder.folder import SECOND_NAME, UNION_NAME, segment_files
from recorder.journal import compact_json
from recorder.reading.recording import RecordingError
from recorder.reading.verify import Problem, check_folder
from recorder.union.union import MERGED_FOLDER, Side, open_union, second_folder


@dataclass(frozen=True, slots=True)
class WholeCheck:
    """`checked`: whose folders were there. `is_alone`: another recorder wrote too, and its folder isn't there.

    `digests`: by recorder, the SHA-256 of whole files by their names in its folder.
    """

    problems: tuple[Problem, ...]
    checked: tuple[Side, ...]
    is_alone: bool
    digests: Mapping[Side, Mapping[str, str]] = field(default_factory=dict)


def verify_whole(
    folder: Path, second: Path | None = None, *, root_sha256: str = "", is_believed: bool = True
) -> WholeCheck:
    """The first recorder's `folder` with the second's (by default where the pointer says), or either alone. OSError.

    `root_sha256`: the root of the whole record as something outside says it. Where it is believed, files are hashed
    and no account is drawn up anew, as in `reading.verify.check_folder`.
    Problems of the second's files carry its name in front: second/journal/… Beside those of `verify` there are
    union.differs (`union.json` tells something else than both, or than is vouched for) and union.missing (both were
    closed, or it is vouched for).
    """
    second = second if second is not None else second_folder(folder)
    has_second = second is not None and bool(segment_files(second))
    has_first = bool(segment_files(folder)) or not has_second
    places = {Side.FIRST: folder} if has_first else {}
    if second is not None and has_second:
        places[Side.SECOND] = second
    roots, problems = _vouched(folder, second, root_sha256) if root_sha256 else ({}, [])
    digests = {}
    for side, place in places.items():
        found = check_folder(place, root_sha256=roots.get(side, ""), is_believed=is_believed)
        digests[side] = found.digests
        problems += [_named(problem, side) for problem in found.problems]
    problems += _merged(folder, roots.get(None, ""), is_believed=is_believed)
    if second is not None and len(places) == 2 and not problems and not (roots and is_believed):
        problems += _union(folder, second)
    is_alone = len(places) == 1 and ((folder / SECOND_NAME).is_file() or (folder / UNION_NAME).is_file())
    return WholeCheck(tuple(problems), tuple(places), is_alone, digests)


def _named(problem: Problem, side: Side) -> Problem:
    return replace(problem, file=f"{side}/{problem.file}") if side is Side.SECOND else problem


# -- what is vouched for --------------------------------------------------------------------------------------


def _vouched(
    folder: Path, second: Path | None, root_sha256: str
) -> tuple[dict[Side | None, str], list[Problem]]:
    """(the roots that the record's root binds: each recorder's, under None that of the merged journal; problems)."""
    place = _stated(folder, second)
    if place is None:
        if second is None:
            return {Side.FIRST: root_sha256}, []  # recorded once: the record's root is its manifest's
        title = (
            "the root that is vouched for is of both recorders, and nothing here says what they hold together"
        )
        return {}, [Problem("union.missing", UNION_NAME, 0, 0, title)]
    text = place.read_bytes()
    union = _union_of(text)
    if union is None or hashlib.sha256(compact_json(union)).hexdigest() != root_sha256:
        title = "this is another record than the one vouched for"
        return {}, [Problem("union.differs", UNION_NAME, 0, len(text), title)]
    roots: dict[Side | None, str] = {}
    for each in union["recorders"]:
        roots[Side(each["side"])] = each["root_sha256"]
    return {**roots, None: union["merged_sha256"] or ""}, []


def _union_of(text: bytes) -> dict[str, Any] | None:
    """What `union.json` says but for its root; None where it is not as it is written."""
    try:
        union = json.loads(text)
        again = json.dumps(union, indent=1, sort_keys=True) + "\n"
        root_sha256 = union.pop("root_sha256")
        is_whole = hashlib.sha256(compact_json(union)).hexdigest() == root_sha256
        return union if is_whole and again.encode() == text and _has_roots(union) else None
    except (ValueError, AttributeError, KeyError, TypeError):
        return None


def _has_roots(union: dict[str, Any]) -> bool:
    sides = [Side(each["side"]) for each in union["recorders"] if isinstance(each["root_sha256"], str)]
    return len(set(sides)) == len(union["recorders"]) and "merged_sha256" in union


def _stated(folder: Path, second: Path | None) -> Path | None:
    places = [place / UNION_NAME for place in (folder, second) if place is not None]
    return next((place for place in places if place.is_file()), None)


def _merged(folder: Path, root_sha256: str, *, is_believed: bool) -> list[Problem]:
    """The journal merged from both, where it lies here: derived, but it is what a film is made from."""
    place = folder / MERGED_FOLDER
    if not segment_files(place):
        return []
    found = check_folder(place, root_sha256=root_sha256, is_believed=is_believed)
    return [replace(problem, file=f"{MERGED_FOLDER}/{problem.file}") for problem in found.problems]


# -- nothing is -----------------------------------------------------------------------------------------------


def _union(folder: Path, second: Path) -> list[Problem]:
    place = _stated(folder, second)
    if place is None:
        title = "both recorders were closed, and nothing says what they hold together"
        return [Problem("union.missing", UNION_NAME, 0, 0, title)]
    try:
        told = open_union(folder, second).union.to_json()
    except RecordingError as error:
        return [Problem("union.differs", UNION_NAME, 0, 0, str(error))]
    stated = place.read_bytes()
    if stated == told.encode():
        return []
    title = "the two recorders' folders hold something else than it says"
    return [Problem("union.differs", UNION_NAME, 0, len(stated), title)]
