"""Import of cases from another case system: CSV or JSON in, checked cases out, or every bad line by number.

Nothing is imported by halves: one fault anywhere and the answer is the list of all faults.
CSV: a header line, then one line per party; lines with the same case number are one case and repeat or leave empty
the case's own columns. Headers may be the English or the Chinese words of `COLUMNS`. JSON: a list of cases shaped like
the body of `POST /cases`, with `judge` as the judge's sign-in name. `line` is the line of the file where a row or a
case begins. Text may be UTF-8 (with or without mark) or GB 18030, which Chinese desktop programs still write.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hearing_server.errors import FieldError, Invalid, Malformed, TooLarge
from hearing_server.filing.case_number import CaseNumber, CaseNumberScheme, check, parse
from hearing_server.filing.intake import (
    CaseTerms,
    Faults,
    PartyIntake,
    check_people,
    read_parties,
    read_party,
    read_terms,
)

# A court's whole year fits; parsing and checking that much takes about a second.
MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 20_000
MAX_FIELD_CHARS = 2000
MAX_JUDGE_CHARS = 64

COLUMNS: dict[str, str] = {
    "number": "案号", "cause": "案由", "procedure": "程序", "openness": "公开", "judge": "承办法官",
    "standing": "诉讼地位", "kind": "当事人类型", "name": "姓名或名称", "phone": "手机号", "id_number": "证件号码",
    "representative_name": "代理人姓名", "representative_phone": "代理人手机号",
    "representative_id_number": "代理人证件号码", "representative_authority": "代理权限",
    "closed_ground": "不公开事由", "closed_reason": "不公开理由", "closed_request": "不公开申请",
}  # fmt: skip
_REQUIRED = ("number", "cause", "standing", "name", "phone", "id_number")
_TERMS = ("cause", "procedure", "openness", "closed_ground", "closed_reason", "closed_request", "judge")
_CASE_FIELDS = frozenset({"number", "parties", *_TERMS})
# The mark of a row that has more or fewer cells than the header.
_WRONG_WIDTH = "*"
_BY_HEADER = {zh: key for key, zh in COLUMNS.items()} | {key: key for key in COLUMNS}


@dataclass(frozen=True, slots=True)
class ImportedCase:
    """One case ready to be filed; `judge` is a sign-in name or empty, `line` where it begins in the file.

    `places` says for each party where it stands: its line, and the path before its fields (`parties[0].` in JSON).
    """

    line: int
    number: CaseNumber
    terms: CaseTerms
    judge: str
    parties: tuple[PartyIntake, ...]
    places: tuple[tuple[int, str], ...]


def parse_csv(content: bytes, *, scheme: CaseNumberScheme, latest_year: int) -> tuple[ImportedCase, ...]:
    """All cases of the file.

    Errors: TooLarge `import.too_large`; Malformed `import.encoding`, `.header`, `.csv`, `.empty`;
    Invalid `import.faulty`.
    """
    rows = _rows(_decoded(content))
    groups: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    numbers: dict[str, CaseNumber] = {}
    found: list[FieldError] = []
    for line, row in rows:
        faults = Faults(line)
        if _WRONG_WIDTH in row:
            faults.add(
                "",
                "import.columns",
                f"列数不符（{row[_WRONG_WIDTH]}）",
                f"Wrong number of columns ({row[_WRONG_WIDTH]})",
            )
            found += faults.found
            continue
        number = _number(row.get("number"), faults, scheme, latest_year)
        found += faults.found
        # Rows of a number that can't be read are still checked, each for itself.
        key = str(number) if number is not None else f"line {line}"
        groups.setdefault(key, []).append((line, row))
        if number is not None:
            numbers[key] = number
    cases = []
    for key, lines in groups.items():
        case, faulty = _case_of_rows(numbers.get(key), lines)
        found += faulty
        if case is not None:
            cases.append(case)
    return _all_or_nothing(cases, found)


def parse_json(content: bytes, *, scheme: CaseNumberScheme, latest_year: int) -> tuple[ImportedCase, ...]:
    """All cases of the file.

    Errors: TooLarge `import.too_large`; Malformed `import.encoding`, `.json`, `.empty`; Invalid `import.faulty`.
    """
    cases: list[ImportedCase] = []
    found: list[FieldError] = []
    seen: set[CaseNumber] = set()
    for line, item in _items(_decoded(content)):
        faults = Faults(line)
        if not isinstance(item, Mapping):
            faults.add("", "input.not_an_object", "每个案件应为一个对象", "Each case must be an object")
            found += faults.found
            continue
        for field in sorted(set(item) - _CASE_FIELDS):
            faults.add(field[:40], "input.unknown_field", "未知的字段", "Unknown field")
        number = _number(item.get("number"), faults, scheme, latest_year)
        if number in seen:
            faults.add(
                "number", "import.repeated_number", "文件中案号重复", "The number occurs twice in this file"
            )
        terms = read_terms(item, faults)
        judge = _judge(item.get("judge"), faults)
        parties = read_parties(item.get("parties"), faults)
        found += faults.found
        if number is not None:
            seen.add(number)
        if not faults.found and number is not None and terms is not None:
            places = tuple((line, f"parties[{index}].") for index in range(len(parties)))
            cases.append(ImportedCase(line, number, terms, judge, parties, places))
    return _all_or_nothing(cases, found)


def _case_of_rows(
    number: CaseNumber | None, lines: list[tuple[int, Mapping[str, str]]]
) -> tuple[ImportedCase | None, list[FieldError]]:
    """One case of its lines: the first line carries the case's words, later ones may repeat but not contradict them."""
    first_line, first = lines[0]
    faults = Faults(first_line)
    terms = read_terms(first, faults)
    judge = _judge(first.get("judge") or None, faults)
    parties: list[PartyIntake] = []
    for line, row in lines:
        faults.line = line
        for column in _TERMS:
            if row.get(column) and row[column] != first.get(column):
                faults.add(
                    column, "import.contradiction",
                    f"与第 {first_line} 行的同一案件不一致", f"This differs from line {first_line} of the same case",
                )  # fmt: skip
        party = read_party(_party_mapping(row), faults)
        if party is not None:
            parties.append(party)
    if len(parties) == len(lines):
        faults.line = first_line
        check_people(tuple(parties), faults)
    if faults.found or number is None or terms is None:
        return None, faults.found
    places = tuple((line, "") for line, _ in lines)
    return ImportedCase(first_line, number, terms, judge, tuple(parties), places), []


def _party_mapping(row: Mapping[str, str]) -> dict[str, object]:
    party: dict[str, object] = {
        key: row.get(key, "") for key in ("standing", "kind", "name", "phone", "id_number")
    }
    agent = {key: row.get(f"representative_{key}", "") for key in ("name", "phone", "id_number", "authority")}
    if any(agent.values()):
        party["representatives"] = [agent]
    return party


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(first line of the row, columns). Empty lines are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    before, count = 0, 0
    keys: list[str] | None = None
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if keys is None:
                keys = _header(cells)
                continue
            count += 1
            if count > MAX_ROWS or any(len(cell) > MAX_FIELD_CHARS for cell in cells):
                raise TooLarge(
                    "import.too_large",
                    zh=f"行数或单元格过大（最多 {MAX_ROWS} 行）",
                    en="Too many rows or too long a cell",
                )
            if len(cells) != len(keys):
                yield line, {_WRONG_WIDTH: f"{len(cells)}/{len(keys)}"}
                continue
            yield line, {key: cell.strip() for key, cell in zip(keys, cells, strict=True)}
    except csv.Error:
        raise _malformed(
            "csv", f"第 {reader.line_num} 行引号不完整", f"Line {reader.line_num} has broken quotes"
        ) from None
    if keys is None or count == 0:
        raise _malformed("empty", "文件中没有案件", "The file holds no cases")


def _header(cells: list[str]) -> list[str]:
    keys = [_BY_HEADER.get(cell.strip(), "") for cell in cells]
    missing = [COLUMNS[key] for key in _REQUIRED if key not in keys]
    unknown = [cell.strip()[:20] for cell, key in zip(cells, keys, strict=True) if not key]
    if missing or unknown or len(set(keys)) != len(keys):
        zh = f"表头有误：缺少：{'、'.join(missing) or '无'}；不认识：{'、'.join(unknown) or '无'}；列不得重复"
        en = f"Wrong header; missing: {', '.join(missing) or '-'}; unknown: {', '.join(unknown) or '-'}; no repeats"
        raise _malformed("header", zh, en)
    return keys


def _items(text: str) -> Iterator[tuple[int, object]]:
    """(line, value) of each item of the top-level list, read one by one so that each knows its line."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_no_twins, parse_constant=_no_constants, parse_float=_no_floats
    )
    place, count = _skip_blanks(text, 0), 0
    if text[place : place + 1] != "[":
        raise _malformed("json", "文件应为案件列表", "The file must be a list of cases")
    place = _skip_blanks(text, place + 1)
    line, counted = 1, 0
    while text[place : place + 1] != "]":
        # Counted onwards from the last case: counting from the start each time is quadratic.
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            raise _malformed(
                "json", f"第 {line} 行起的内容不是有效的 JSON", f"What begins at line {line} isn't valid JSON"
            ) from None
        count += 1
        if count > MAX_ROWS:
            raise TooLarge("import.too_large", zh=f"最多 {MAX_ROWS} 个案件", en=f"At most {MAX_ROWS} cases")
        yield line, value
        place = _skip_blanks(text, place)
        if text[place : place + 1] == ",":
            place = _skip_blanks(text, place + 1)
        elif text[place : place + 1] != "]":
            raise _malformed("json", "列表未正确结束", "The list doesn't end properly")
    if count == 0 or text[place + 1 :].strip():
        raise _malformed(
            "empty" if count == 0 else "json", "文件内容为空或结尾多余", "The file is empty or has a tail"
        )


def _skip_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated name")
    return found


def _no_constants(text: str) -> object:
    raise ValueError(text)


def _no_floats(text: str) -> object:
    raise ValueError(text)


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise TooLarge("import.too_large", zh="文件超过 8 MB", en="The file is larger than 8 MB")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _malformed(
        "encoding", "文件编码应为 UTF-8 或 GB18030", "The file must be encoded in UTF-8 or GB 18030"
    )


def _number(value: object, faults: Faults, scheme: CaseNumberScheme, latest_year: int) -> CaseNumber | None:
    def read() -> CaseNumber:
        number = parse(value if isinstance(value, str) else "")
        check(number, scheme, latest_year=latest_year)
        return number

    return faults.take("number", read)


def _judge(value: object, faults: Faults) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_JUDGE_CHARS:
        faults.add("judge", "import.judge", "承办法官应为登录名", "The judge must be a sign-in name")
        return ""
    return value.strip()


def _all_or_nothing(cases: list[ImportedCase], found: list[FieldError]) -> tuple[ImportedCase, ...]:
    if found:
        raise faulty(found)
    return tuple(cases)


def faulty(found: list[FieldError]) -> Invalid:
    """The one answer to a file with faults, by line and field."""
    return Invalid(
        "import.faulty",
        zh=f"共有 {len(found)} 处错误，未导入任何案件",
        en=f"{len(found)} faults; nothing was imported",
        errors=tuple(sorted(found, key=lambda fault: (fault.line or 0, fault.field or ""))),
    )


def _malformed(what: str, zh: str, en: str) -> Malformed:
    return Malformed(f"import.{what}", zh=zh, en=en)
