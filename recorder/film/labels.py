"""What the film says in words: the labels of one hearing, and the film's own words in both languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

from recorder.film.single_track import Shown, SingleTrack

# Longer texts are cut by the drawing; this only keeps a wrong file from filling memory.
MAX_LABEL_CHARACTERS = 200
MAX_PEOPLE = 200


class LabelsError(ValueError):
    """The labels file does not say what it must."""


class Language(StrEnum):
    """Languages the film's own words exist in."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Layout(StrEnum):
    """How people are arranged. AUTO: the grid as long as it is large enough, else the judge and who speaks."""

    AUTO = "auto"
    GRID = "grid"
    FOCUS = "focus"


@dataclass(frozen=True, slots=True)
class Person:
    """Name and role (诉讼地位 or office) as burnt into the film. `presides`: leads the hearing."""

    name: str
    role: str
    presides: bool = False


@dataclass(frozen=True, slots=True)
class Labels:
    """Everything the film writes that is not in the recording. `people` keeps the order of the file.

    `single`: this track alone instead of everybody.
    """

    case_number: str
    title: str
    utc_offset_minutes: int
    people: Mapping[str, Person]
    language: Language
    layout: Layout = Layout.AUTO
    single: SingleTrack | None = None

    @property
    def presiding(self) -> tuple[str, ...]:
        """Who leads the hearing, as listed."""
        return tuple(identity for identity, one in self.people.items() if one.presides)

    def person(self, identity: str) -> Person:
        """The person behind an identity; somebody unknown to the court's list is shown as that."""
        return self.people.get(identity) or Person(name=WORDS[self.language]["unknown"], role="")

    def local_time(self, utc: datetime) -> datetime:
        """The court's wall clock."""
        return utc.astimezone(timezone(timedelta(minutes=self.utc_offset_minutes)))

    def zone_text(self) -> str:
        """The court's zone as "UTC+8" or "UTC+5:30"."""
        hours, minutes = divmod(abs(self.utc_offset_minutes), 60)
        sign = "-" if self.utc_offset_minutes < 0 else "+"
        return f"UTC{sign}{hours}" + (f":{minutes:02d}" if minutes else "")


WORDS: Mapping[Language, Mapping[str, str]] = {
    Language.CHINESE: {
        "unknown": "未登记人员",
        "camera_off": "未开启摄像头",
        "camera_muted": "摄像头已关闭",
        "no_picture": "画面中断",
        "microphone_off": "未开启麦克风",
        "microphone_muted": "已静音",
        "no_sound": "无声音信号",
        "screen": "共享画面",
        "more": "另有 {count} 人在庭",
        "nobody": "暂无人员在庭",
        "not_there": "此人此时不在庭",
        "not_shared": "此人此时未共享画面",
        "voice_only": "仅播放声音",
        "opened": "开庭",
        "closed": "闭庭",
        "resumed": "继续开庭",
        "recess": "休庭",
        "closed_exhibit": "不公开质证",
        "mediation": "调解，不录制",
        "pause": "暂停录制",
        "sealed": "封闭时段",
        "sealed_note": "此时段依法不公开，记录由法院保存",
        "cut": "不予公开",
        "cut_note": "此段内容依法不予公开，原始记录由法院保存",
        "masked": "画面已作技术处理",
        "crash": "记录中断",
        "crash_note": "此时段没有记录",
        "pause_note": "此时段不在庭审记录之内",
    },
    Language.ENGLISH: {
        "unknown": "Unregistered person",
        "camera_off": "Camera not on",
        "camera_muted": "Camera turned off",
        "no_picture": "No picture",
        "microphone_off": "No microphone",
        "microphone_muted": "Muted",
        "no_sound": "No sound",
        "screen": "Shared screen",
        "more": "{count} more present",
        "nobody": "Nobody is present",
        "not_there": "Not in the hearing at this time",
        "not_shared": "No shared screen at this time",
        "voice_only": "Voice only",
        "opened": "Opening",
        "closed": "Closing",
        "resumed": "Hearing resumed",
        "recess": "Recess",
        "closed_exhibit": "Exhibit examined in private",
        "mediation": "Mediation, not recorded",
        "pause": "Recording paused",
        "sealed": "Sealed",
        "sealed_note": "This time is not shown by order of the court, which keeps the record of it",
        "cut": "Not public",
        "cut_note": "This part is not public by law; the court keeps the original record",
        "masked": "Picture withheld",
        "crash": "Record interrupted",
        "crash_note": "Nothing was recorded in this time",
        "pause_note": "This time is not part of the record",
    },
}


def load_labels(path: Path) -> Labels:
    """Read LABELS.json. LabelsError names the field that is wrong; OSError when it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LabelsError(f"labels are not JSON: {error}") from error
    return labels_of(content)


def labels_of(content: Any) -> Labels:
    """Labels from plain data: case_number, title, utc_offset_minutes, language, layout,
    people {identity: {name, role, presides}}, single {identity, shown}.
    """
    if not isinstance(content, dict):
        raise LabelsError("labels must be an object")
    people = content.get("people", {})
    if not isinstance(people, dict) or len(people) > MAX_PEOPLE:
        raise LabelsError(f"people must be an object of at most {MAX_PEOPLE}")
    offset_minutes = content.get("utc_offset_minutes", 480)
    if type(offset_minutes) is not int or abs(offset_minutes) > 14 * 60:
        raise LabelsError("utc_offset_minutes must be minutes between -840 and 840")
    try:
        language = Language(content.get("language", Language.CHINESE))
    except ValueError as error:
        raise LabelsError(f"language must be one of {', '.join(Language)}") from error
    try:
        layout = Layout(content.get("layout", Layout.AUTO))
    except ValueError as error:
        raise LabelsError(f"layout must be one of {', '.join(Layout)}") from error
    return Labels(
        case_number=_text(content, "case_number"),
        title=_text(content, "title"),
        utc_offset_minutes=offset_minutes,
        people={identity: _person(identity, one) for identity, one in people.items()},
        language=language,
        layout=layout,
        single=_single(content.get("single")),
    )


def _person(identity: str, content: Any) -> Person:
    if not isinstance(content, dict):
        raise LabelsError(f"people.{identity} must be an object")
    return Person(_text(content, "name"), _text(content, "role"), content.get("presides") is True)


def _single(content: Any) -> SingleTrack | None:
    if content is None:
        return None
    try:
        return SingleTrack(_text(content, "identity"), Shown(content["shown"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LabelsError(f"single must name an identity and one of {', '.join(Shown)}") from error


def _text(content: dict[str, Any], field: str) -> str:
    value = content.get(field, "")
    if not isinstance(value, str) or len(value) > MAX_LABEL_CHARACTERS:
        raise LabelsError(f"{field} must be text of at most {MAX_LABEL_CHARACTERS} characters")
    return " ".join(value.split())
