"""Docket entries say what happened in both languages."""

from __future__ import annotations

import pytest

from hearing_server.filing.docket import DocketKind, docket_entry
from hearing_server.kernel import CaseId
from tests.unit.court_pieces import NOW


@pytest.mark.parametrize("kind", list(DocketKind))
def test_docket_entry__every_kind__has_words_in_both_languages(kind: DocketKind) -> None:
    entry = docket_entry(CaseId("cas_1"), seq=1, kind=kind, at=NOW, actor_name="乙")
    assert entry.title
    assert entry.title_en.isascii()


def test_docket_entry__detail__follows_and_is_cut() -> None:
    entry = docket_entry(
        CaseId("cas_1"),
        seq=2,
        kind=DocketKind.HEARING_RECESSED,
        at=NOW,
        actor_name="甲",
        detail="核对证据" * 50,
        detail_en="Evidence",
    )
    assert entry.title.startswith("休庭：核对证据")
    assert len(entry.title) == 3 + 120
    assert entry.title_en == "Recess: Evidence"
