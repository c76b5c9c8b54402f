"""A court's profile: its names, its numbering scheme, its time zone, as read from `config/courts/*.toml`.

Reading the file is the settings' work; `court_profile` turns the mapping into checked values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hearing_server.errors import Invalid
from hearing_server.filing.case_number import (
    FIRST_YEAR,
    PROVINCE_MARKS,
    SUPREME_COURT_CODE,
    CaseNumberScheme,
    CaseType,
)
from hearing_server.filing.cases import Court
from hearing_server.filing.exhibit_numbers import ExhibitScheme, exhibit_scheme
from hearing_server.kernel import CourtId

_COURT_ID = re.compile(r"crt_[a-z0-9_]{1,40}")
_COURT_CODE = re.compile(rf"{SUPREME_COURT_CODE}|[{PROVINCE_MARKS}](?:[0-9]{{4}}|[0-9]{{2}})?")
_TYPE_CODE = re.compile(r"[\u4e00-\u9fa5]{1,3}")
_TOP = frozenset(
    {
        "id",
        "name",
        "name_en",
        "time_zone",
        "case_number",
        "reminder_ladder",
        "reminding",
        "publication_objection_h",
        "retention",
        "exhibits",
    }
)
# Periods of 诉讼档案: for ever, 60 years, 30 years.
RETENTION_CLASSES = ("permanent", "long", "short")
_NUMBERING = frozenset({"court_code", "first_year", "specialities", "types"})


# How long parties may object to a publication: three days, so that a weekend doesn't swallow it.
DEFAULT_OBJECTION_H = 72
MAX_OBJECTION_H = 60 * 24


@dataclass(frozen=True, slots=True)
class CourtProfile:
    """One court. `reminder_ladder` and `reminding` are handed on as data: the reminders' floor reads them."""

    court: Court
    scheme: CaseNumberScheme
    time_zone: ZoneInfo
    reminder_ladder: tuple[Mapping[str, object], ...] = ()
    retention: Mapping[str, str] = field(default_factory=dict)
    publication_objection_h: int = DEFAULT_OBJECTION_H
    exhibits: ExhibitScheme = field(default_factory=ExhibitScheme)
    reminding: Mapping[str, object] = field(default_factory=dict)

    def local_day(self, moment: datetime) -> date:
        """The court's calendar day of an aware moment; its year is the year of a case number (收案年度)."""
        return moment.astimezone(self.time_zone).date()

    def retention_of(self, type_code: str) -> str:
        """How long records of a type of case are kept: one of RETENTION_CLASSES; a type not named is kept for ever."""
        return self.retention.get(type_code) or self.retention.get("default", RETENTION_CLASSES[0])


def court_profile(data: Mapping[str, object]) -> CourtProfile:
    """Errors: Invalid `court.profile`, which names the key; an unknown key is an error too."""
    _only(data, _TOP, "")
    numbering = data.get("case_number")
    if not isinstance(numbering, Mapping):
        raise _wrong("case_number")
    _only(numbering, _NUMBERING, "case_number.")
    code = _text(numbering, "court_code", _COURT_CODE)
    zone_name = _text(data, "time_zone")
    try:
        zone = ZoneInfo(zone_name)
    except (KeyError, ValueError, OSError):
        raise _wrong("time_zone") from None
    court = Court(
        CourtId(_text(data, "id", _COURT_ID)), _text(data, "name"), _text(data, "name_en"), code, zone_name
    )
    ladder = data.get("reminder_ladder", [])
    if not isinstance(ladder, list) or not all(isinstance(step, Mapping) for step in ladder):
        raise _wrong("reminder_ladder")
    scheme = _scheme(numbering, code)
    hours = data.get("publication_objection_h", DEFAULT_OBJECTION_H)
    if type(hours) is not int or not 1 <= hours <= MAX_OBJECTION_H:
        raise _wrong("publication_objection_h")
    reminding = data.get("reminding", {})
    if not isinstance(reminding, Mapping):
        raise _wrong("reminding")
    retention = _retention(data.get("retention", {}), scheme)
    exhibits = exhibit_scheme(data.get("exhibits", {}))
    return CourtProfile(court, scheme, zone, tuple(ladder), retention, hours, exhibits, dict(reminding))


def _retention(data: object, scheme: CaseNumberScheme) -> Mapping[str, str]:
    if not isinstance(data, Mapping):
        raise _wrong("retention")
    known = {"default", *(kind.code for kind in scheme.types)}
    for name, word in data.items():
        if name not in known or word not in RETENTION_CLASSES:
            raise _wrong(f"retention.{name}")
    return dict(data)


def _scheme(numbering: Mapping[str, object], code: str) -> CaseNumberScheme:
    first_year = numbering.get("first_year", FIRST_YEAR)
    if not isinstance(first_year, int) or not FIRST_YEAR <= first_year <= 9999:
        raise _wrong("case_number.first_year")
    marks = numbering.get("specialities", [])
    if not isinstance(marks, list) or not all(isinstance(mark, str) and len(mark) == 1 for mark in marks):
        raise _wrong("case_number.specialities")
    rows = numbering.get("types")
    if not isinstance(rows, list) or not rows:
        raise _wrong("case_number.types")
    types = tuple(_case_type(row) for row in rows)
    if len({kind.code for kind in types}) != len(types):
        raise _wrong("case_number.types")
    return CaseNumberScheme(code, types, tuple(marks), first_year)


def _case_type(row: object) -> CaseType:
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != 3:
        raise _wrong("case_number.types")
    code, name, name_en = row
    if not all(isinstance(text, str) and text for text in row) or not _TYPE_CODE.fullmatch(code):
        raise _wrong("case_number.types")
    return CaseType(code, name, name_en)


def _text(data: Mapping[str, object], key: str, shape: re.Pattern[str] | None = None) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip() or (shape is not None and not shape.fullmatch(value)):
        raise _wrong(key)
    return value.strip()


def _only(data: Mapping[str, object], known: frozenset[str], prefix: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        raise _wrong(prefix + unknown[0])


def _wrong(key: str) -> Invalid:
    return Invalid(
        "court.profile",
        zh=f"法院配置项“{key}”缺失或有误",
        en=f"The court's setting {key} is missing or wrong",
    )
