"""The case number (案号): parse, normalise, format, and check against what a court may issue.

Form: `（收案年度）法院代字［专门审判代字］类型代字 案件编号 号`, e.g. `（2026）浙0199民初12号`.
Source: 最高人民法院《关于人民法院案件案号的若干规定》法〔2015〕137号, arts 2-10, as changed by 法〔2018〕335号.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from hearing_server.errors import Invalid

# Art 4: the short names of the provinces, the three special ones (内 stands for 内蒙古) and 兵 for the Corps' courts.
PROVINCE_MARKS = "京津冀晋内辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新军兵"
SUPREME_COURT_CODE = "最高法"
# Art 5 gives no other mark for specialised adjudication than 知 (intellectual property, 2018).
SPECIALITIES = ("知",)
# The present form of the number begins with the year 2016 (法〔2015〕137号 in force 2016-01-01).
FIRST_YEAR = 2016
# Longer than any number a court can reach in a year, and safely below 2**53 for every client.
MAX_SERIAL_DIGITS = 9
# The longest legal form has 27 characters; twice that leaves room for blanks, and nothing for abuse.
MAX_TEXT_CHARS = 64

# NFKC makes brackets and digits of full width half-width; the tortoise-shell and lenticular ones need a table.
_BRACKETS = str.maketrans("〔【[﹝", "((((") | str.maketrans("〕】]﹞", "))))")
_COURT_CODE = re.compile(rf"{SUPREME_COURT_CODE}|[{PROVINCE_MARKS}](?:[0-9]{{4}}|[0-9]{{2}})?")
_TYPE_CODE = re.compile(r"[\u4e00-\u9fa5]{1,3}")
_SHAPE = re.compile(
    r"\((?P<year>[^()]*)\)(?P<court>[^0-9()]+?[0-9]*)(?P<kind>[\u4e00-\u9fa5]+)(?P<serial>[0-9]+)号"
)


@dataclass(frozen=True, slots=True, order=True)
class CaseNumber:
    """One case number, e.g. (2026, "浙0199", "", "民初", 12). `str()` is the stored form with full-width brackets."""

    year: int
    court_code: str
    speciality: str
    type_code: str
    serial: int

    def __str__(self) -> str:
        return f"（{self.year}）{self.court_code}{self.speciality}{self.type_code}{self.serial}号"

    @property
    def series(self) -> tuple[int, str, str]:
        """(year, court code, speciality + type): the counter this serial belongs to."""
        return self.year, self.court_code, self.speciality + self.type_code


@dataclass(frozen=True, slots=True)
class CaseType:
    """One type code (类型代字) with its names and the procedures' family it belongs to."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class CaseNumberScheme:
    """What one court may write into a number: its code, its types, its specialities."""

    court_code: str
    types: tuple[CaseType, ...]
    specialities: tuple[str, ...] = ()
    first_year: int = FIRST_YEAR

    def type_of(self, number: CaseNumber) -> CaseType | None:
        return next((kind for kind in self.types if kind.code == number.type_code), None)

    def compose(self, *, year: int, type_code: str, serial: int, speciality: str = "") -> CaseNumber:
        """The number for an allocated `serial`; raises Invalid when the court may not issue it."""
        number = CaseNumber(year, self.court_code, speciality, type_code, serial)
        check(number, self, latest_year=year)
        return number


def normalise(text: str) -> str:
    """The text with half-width brackets and digits, other bracket shapes made round, and all white space gone."""
    folded = unicodedata.normalize("NFKC", text).translate(_BRACKETS)
    return "".join(char for char in folded if not char.isspace() and char not in "\u200b\u200c\u200d\ufeff")


def parse(text: str) -> CaseNumber:
    """Read a number in any usual writing.

    Errors: Invalid `case_number.*`, which names the part that is wrong.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise _wrong("too_long", f"案号过长（最多 {MAX_TEXT_CHARS} 个字符）", "The case number is too long")
    plain = normalise(text)
    if not plain:
        raise _wrong("empty", "案号不能为空", "The case number is empty")
    shape = _SHAPE.fullmatch(plain)
    if shape is None:
        raise _shapeless(plain)
    year, court, kind, serial = shape.group("year", "court", "kind", "serial")
    if not re.fullmatch(r"[0-9]{4}", year):
        raise _wrong("year", "案号中的年度应为四位数字", "The year in the case number must have four digits")
    court_code, tail = _split_court(court + kind)
    speciality = next((mark for mark in SPECIALITIES if tail.startswith(mark) and len(tail) > len(mark)), "")
    type_code = tail[len(speciality) :]
    if not _TYPE_CODE.fullmatch(type_code):
        raise _wrong(
            "type_code",
            "案件类型代字应为一至三个汉字，如“民初”",
            "The type code must be one to three characters, e.g. 民初",
        )
    return CaseNumber(int(year), court_code, speciality, type_code, _serial(serial))


def check(number: CaseNumber, scheme: CaseNumberScheme, *, latest_year: int) -> None:
    """Raise Invalid unless this court may have issued `number` up to `latest_year` (court-local)."""
    if number.court_code != scheme.court_code:
        raise _wrong(
            "other_court",
            f"案号的法院代字“{number.court_code}”不是本院代字“{scheme.court_code}”",
            f"The court code {number.court_code} isn't this court's, {scheme.court_code}",
        )
    if not scheme.first_year <= number.year <= latest_year:
        raise _wrong(
            "year",
            f"案号年度应在 {scheme.first_year} 至 {latest_year} 之间",
            f"The year must lie between {scheme.first_year} and {latest_year}",
        )
    if number.speciality and number.speciality not in scheme.specialities:
        raise _wrong(
            "speciality", f"本院不使用专门审判代字“{number.speciality}”", "This court has no such speciality"
        )
    if scheme.type_of(number) is None:
        raise _wrong(
            "unknown_type",
            f"本院没有类型代字“{number.type_code}”；可用：{_listed(scheme.types)}",
            f"This court has no type code {number.type_code}; it has: {_listed(scheme.types)}",
        )
    if not 1 <= number.serial < 10**MAX_SERIAL_DIGITS:
        raise _wrong("serial", "案件编号应为正整数", "The serial must be a positive whole number")


def _split_court(text: str) -> tuple[str, str]:
    """`浙0199民初` → (`浙0199`, `民初`): no digits for a high, two for an intermediate, four for a basic court."""
    if text.startswith(SUPREME_COURT_CODE):
        return SUPREME_COURT_CODE, text[len(SUPREME_COURT_CODE) :]
    matched = _COURT_CODE.match(text)
    tail = "" if matched is None else text[matched.end() :]
    if matched is None or tail[:1].isdigit() or not tail:
        raise _wrong(
            "court_code",
            "法院代字应为省份简称加零、二或四位数字，如“浙0199”",
            "The court code must be a province mark and no, two or four digits, e.g. 浙0199",
        )
    return matched.group(), tail


def _serial(text: str) -> int:
    if text.startswith("0"):
        raise _wrong(
            "serial", "案件编号从 1 起，前面不加零", "The serial starts at 1 and has no leading zero"
        )
    if len(text) > MAX_SERIAL_DIGITS:
        raise _wrong(
            "serial",
            f"案件编号最多 {MAX_SERIAL_DIGITS} 位",
            f"The serial has at most {MAX_SERIAL_DIGITS} digits",
        )
    return int(text)


def _shapeless(plain: str) -> Invalid:
    """Name the first part that is missing, so that the clerk needn't guess."""
    if not plain.startswith("("):
        return _wrong(
            "brackets",
            "案号应以括号括起的年度开头，如“（2026）”",
            "It must begin with the year in brackets, e.g. （2026）",
        )
    if ")" not in plain:
        return _wrong("brackets", "年度后面缺少右括号", "The closing bracket after the year is missing")
    if not plain.endswith("号"):
        return _wrong("ending", "案号应以“号”字结尾", "It must end with 号")
    if not re.search(r"[0-9]+号$", plain):
        return _wrong("serial", "“号”字前缺少案件编号", "The serial before 号 is missing")
    return _wrong(
        "malformed", "案号格式应如“（2026）浙0199民初12号”", "It must look like （2026）浙0199民初12号"
    )


def _wrong(what: str, zh: str, en: str) -> Invalid:
    return Invalid(f"case_number.{what}", zh=zh, en=en)


def _listed(types: Iterable[CaseType]) -> str:
    return "、".join(kind.code for kind in types)
