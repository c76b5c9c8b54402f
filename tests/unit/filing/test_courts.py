"""The court's profile: the shipped file is right, every wrong key is named."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hearing_server.domain.reminding.grounds import DEFAULT_LADDER, ladder_from_mapping
from hearing_server.errors import Invalid
from hearing_server.filing.courts import court_profile
from tests.unit.court_pieces import profile


def data(**changes: object) -> dict[str, object]:
    base: dict[str, object] = {
        "id": "crt_x", "name": "甲法院", "name_en": "Court A", "time_zone": "Asia/Shanghai",
        "case_number": {"court_code": "浙0199", "types": [["民初", "民事一审", "Civil"]]},
    }  # fmt: skip
    return base | changes


def test_shipped_court__is_read_whole() -> None:
    court = profile()
    assert court.court.code == court.scheme.court_code == "浙0199"
    assert {"民初", "民终", "刑初", "行初", "执"} <= {kind.code for kind in court.scheme.types}
    assert ladder_from_mapping(court.reminder_ladder) == DEFAULT_LADDER


def test_local_day__at_the_turn_of_the_year__is_the_courts_own() -> None:
    assert profile().local_day(datetime(2026, 12, 31, 16, 30, tzinfo=UTC)) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"id": "yunhe"}, "id"),
        ({"name": " "}, "name"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"colour": "red"}, "colour"),
        ({"case_number": None}, "case_number"),
        ({"case_number": {"court_code": "火1", "types": [["民初", "a", "b"]]}}, "court_code"),
        ({"case_number": {"court_code": "浙0199", "types": []}}, "case_number.types"),
        (
            {"case_number": {"court_code": "浙0199", "types": [["民初", "a", "b"], ["民初", "a", "b"]]}},
            "case_number.types",
        ),
        ({"case_number": {"court_code": "浙0199", "types": [["civil", "a", "b"]]}}, "case_number.types"),
        ({"case_number": {"court_code": "浙0199", "types": [["民初", "a", "b"]], "x": 1}}, "case_number.x"),
        ({"reminder_ladder": [1]}, "reminder_ladder"),
    ],
)
def test_profile__wrong_key__is_named(changes: dict[str, object], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        court_profile(data(**changes))
    assert refused.value.code == "court.profile"
    assert key in refused.value.en
