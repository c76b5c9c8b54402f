"""Checks a whole record: each recorder's folder by itself, and that `union.json` says of both what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from recorder.folder import SECOND_NAME, UNION_NAME, segment_files
from recorder.reading.recording import RecordingError
from recorder.reading.verify import Problem, verify
from recorder.union.union import Side, open_union, second_folder


@dataclass(frozen=True, slots=True)
class WholeCheck:
    """`checked`: whose folders were there. `is_alone`: another recorder wrote too, and its folder isn't there."""

    problems: tuple[Problem, ...]
    checked: tuple[Side, ...]
    is_alone: bool


def verify_whole(folder: Path, second: Path | None = None) -> WholeCheck:
    """The first recorder's `folder` with the second's (by default where the pointer says), or either alone. OSError.

    Problems of the second's files carry its name in front: second/journal/… Beside those of `verify` there are
    union.differs (both are intact, and union.json tells something else of them) and union.missing (both were closed).
    """
    second = second if second is not None else second_folder(folder)
    has_second = second is not None and bool(segment_files(second))
    has_first = bool(segment_files(folder)) or not has_second
    problems = verify(folder) if has_first else []
    if second is not None and has_second:
        problems += [replace(each, file=f"{Side.SECOND}/{each.file}") for each in verify(second)]
    checked = tuple(
        side for side, is_there in ((Side.FIRST, has_first), (Side.SECOND, has_second)) if is_there
    )
    if second is not None and len(checked) == 2 and not problems:
        problems += _union(folder, second)
    is_alone = len(checked) == 1 and ((folder / SECOND_NAME).is_file() or (folder / UNION_NAME).is_file())
    return WholeCheck(tuple(problems), checked, is_alone)


def _union(folder: Path, second: Path) -> list[Problem]:
    places = [place / UNION_NAME for place in (folder, second) if (place / UNION_NAME).is_file()]
    if not places:
        title = "both recorders were closed, and nothing says what they hold together"
        return [Problem("union.missing", UNION_NAME, 0, 0, title)]
    try:
        told = open_union(folder, second).union.to_json()
    except RecordingError as error:
        return [Problem("union.differs", UNION_NAME, 0, 0, str(error))]
    stated = places[0].read_bytes()
    if stated == told.encode():
        return []
    title = "the two recorders' folders hold something else than it says"
    return [Problem("union.differs", UNION_NAME, 0, len(stated), title)]
