"""Imports: whole or not at all, every bad line named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.errors import HearingError, Invalid, Malformed, TooLarge
from hearing_server.filing import imports
from hearing_server.filing.cases import Authority, Openness, PartyKind, Procedure, Standing
from hearing_server.filing.closed_doors import Ground
from hearing_server.filing.imports import COLUMNS, ImportedCase
from tests.unit.court_pieces import profile, resident_number

SCHEME = profile().scheme
# The columns of closed doors may be left out, and are in most files.
HEADER = ",".join(zh for key, zh in COLUMNS.items() if not key.startswith("closed_"))
ONE = f"（2026）浙0199民初1号,买卖合同纠纷,简易程序,公开,judge,原告,自然人,张三,13800000001,{resident_number(1)},,,,"
TWO = "(2026)浙0199民初1号,,,,,被告,法人,某某公司,13800000002,91110000600037341L" + (
    f",李律师,13800000003,{resident_number(3)},特别授权"
)
NEXT = f"（2026）浙0199执9号,借款合同纠纷,,,,申请人,,王五,13800000001,{resident_number(1)},,,,"


def from_csv(*lines: str, encoding: str = "utf-8") -> tuple[ImportedCase, ...]:
    return imports.parse_csv("\n".join(lines).encode(encoding), scheme=SCHEME, latest_year=2026)


def from_json(text: str) -> tuple[ImportedCase, ...]:
    return imports.parse_json(text.encode(), scheme=SCHEME, latest_year=2026)


def case_object(number: str = "（2026）浙0199民初1号", **changes: object) -> dict[str, object]:
    return {
        "number": number, "cause": "买卖合同纠纷", "procedure": "summary", "openness": "open", "judge": "judge",
        "parties": [
            {"standing": "plaintiff", "kind": "natural", "name": "张三", "phone": "13800000001",
             "id_number": resident_number(1), "representatives": []},
        ],
    } | changes  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv__rows_of_one_number__become_one_case(encoding: str) -> None:
    first, second = from_csv(HEADER, ONE, TWO, "", NEXT, encoding=encoding)
    assert (first.line, str(first.number), first.judge) == (2, "（2026）浙0199民初1号", "judge")
    assert (first.terms.procedure, first.terms.openness) == (Procedure.SUMMARY, Openness.OPEN)
    plaintiff, defendant = first.parties
    assert (plaintiff.standing, defendant.kind) == (Standing.PLAINTIFF, PartyKind.LEGAL)
    assert [(agent.name, agent.authority) for agent in defendant.representatives] == [
        ("李律师", Authority.SPECIAL)
    ]
    assert (second.line, second.terms.procedure) == (5, Procedure.ORDINARY)


def test_csv__many_faults__are_all_named_by_line_and_nothing_comes() -> None:
    broken_id = ONE.replace(resident_number(1), "330199199003070012")
    with pytest.raises(Invalid) as refused:
        from_csv(HEADER, broken_id, TWO.replace("13800000002", "12"), NEXT.replace("执9", "商9"), "只有,两列")
    assert refused.value.code == "import.faulty"
    found = [(fault.line, fault.field, fault.code) for fault in refused.value.errors]
    assert found == [
        (2, "id_number", "id_number.check_digit"),
        (3, "phone", "phone.malformed"),
        (4, "number", "case_number.unknown_type"),
        (5, "", "import.columns"),
    ]
    assert all(fault.zh and fault.en for fault in refused.value.errors)


def test_csv__lines_of_one_case_contradict__is_named() -> None:
    with pytest.raises(Invalid) as refused:
        from_csv(HEADER, ONE, TWO.replace(",,,,,被告", ",借款合同纠纷,,,,被告"))
    assert [(fault.line, fault.field, fault.code) for fault in refused.value.errors] == [
        (3, "cause", "import.contradiction")
    ]


def test_csv__one_person_on_both_sides__is_named() -> None:
    twin = ONE.replace("原告", "被告").replace("买卖合同纠纷,简易程序,公开,judge", ",,,")
    with pytest.raises(Invalid) as refused:
        from_csv(HEADER, ONE, twin)
    assert "case.person_already_on_case" in {fault.code for fault in refused.value.errors}


def test_csv__line_break_inside_quotes__keeps_the_count() -> None:
    with pytest.raises(Invalid) as refused:
        from_csv(HEADER, ONE.replace("张三", '"张\n三"'), NEXT.replace("王五", ""))
    assert [(fault.line, fault.field) for fault in refused.value.errors] == [(2, "name"), (4, "name")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import.empty"),
        (HEADER.encode(), "import.empty"),
        ("案号,案由\n1,2".encode(), "import.header"),
        ((HEADER + ",颜色\n").encode(), "import.header"),
        ((HEADER.replace("程序", "案号") + "\n").encode(), "import.header"),
        (f'{HEADER}\n"（2026'.encode(), "import.csv"),
        (HEADER.encode("utf-16"), "import.encoding"),
        (b"\x00\x01", "import.encoding"),
    ],
)
def test_csv__unreadable__says_why(content: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        imports.parse_csv(content, scheme=SCHEME, latest_year=2026)
    assert refused.value.code == code


def test_csv__too_large__is_refused() -> None:
    with pytest.raises(TooLarge):
        imports.parse_csv(b"x" * (imports.MAX_BYTES + 1), scheme=SCHEME, latest_year=2026)


def test_json__list_of_cases__is_read_with_lines() -> None:
    cases = from_json(
        json.dumps([case_object(), case_object("（2026）浙0199民初2号")], ensure_ascii=False, indent=1)
    )
    assert [str(case.number) for case in cases] == ["（2026）浙0199民初1号", "（2026）浙0199民初2号"]
    assert cases[0].line == 2
    assert cases[1].line > 10


def test_json__faults_everywhere__are_all_named() -> None:
    bad_party = {"standing": "king", "kind": "natural", "name": "", "phone": 1, "id_number": "x", "hat": 1}
    lines = [
        json.dumps(case_object(parties=[bad_party]), ensure_ascii=False),
        json.dumps(case_object(cause="", colour=1), ensure_ascii=False),
        "3",
        json.dumps(case_object("（2026）浙0199民初2号", parties=[]), ensure_ascii=False),
    ]
    with pytest.raises(Invalid) as refused:
        from_json("[\n" + ",\n".join(lines) + "\n]")
    found = [(fault.line, fault.field) for fault in refused.value.errors]
    assert found == [
        (2, "parties[0].hat"), (2, "parties[0].id_number"), (2, "parties[0].name"), (2, "parties[0].phone"),
        (2, "parties[0].standing"), (3, "cause"), (3, "colour"), (3, "number"), (4, ""), (5, "parties"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[", "[1", "[1 2]", "[{]", "[1.5]", "[NaN]", '[{"a":1,"a":2}]', "[" * 100_000, "[{}] x", "[]"],
)
def test_json__not_a_list_of_cases__is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="import"):
        from_json(text)


@given(st.binary(max_size=300))
def test_imports__any_bytes__read_or_refuse_in_our_words(content: bytes) -> None:
    for read in (imports.parse_csv, imports.parse_json):
        with pytest.raises(HearingError):
            read(content, scheme=SCHEME, latest_year=2026)


def test_csv__case_that_is_not_open__needs_its_ground() -> None:
    closed = ONE.replace("公开", "不公开", 1) if "公开" in ONE else ONE.replace(",,,", ",,不公开,", 1)
    header = f"{HEADER},不公开事由,不公开理由"
    (case,) = from_csv(header, f"{closed},未成年人,被告系未成年人")
    assert case.terms.doors is not None
    assert (case.terms.doors.ground, case.terms.doors.reason) == (Ground.MINOR, "被告系未成年人")
    with pytest.raises(Invalid) as refused:
        from_csv(header, f"{closed},,")
    assert {fault.field for fault in refused.value.errors} == {"closed_ground", "closed_reason"}
