"""故障说明: its words, its end, its signature."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hearing_server.domain.recording.failures import Failure, FailureKind, cause_of, draft_of, title_of
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, FailureId, HearingId, PersonId, RecordingId

BEGAN = datetime(2026, 9, 1, 1, 2, 3, tzinfo=UTC)
BEIJING = ZoneInfo("Asia/Shanghai")
JUDGE = PersonId("per_judge")


def failure(
    kind: FailureKind = FailureKind.SILENT, source: str | None = "microphone", cause: str | None = None
) -> Failure:
    return Failure(
        FailureId("fai_1"), HearingId("hrg_1"), RecordingId("rec_1"), CaseId("cas_1"), kind,
        PersonId("per_wang") if source else None, source, BEGAN, BEGAN + timedelta(seconds=8), cause=cause,
    )  # fmt: skip


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_draft__of_every_kind__says_who_when_and_why_in_full(kind: FailureKind, language: str) -> None:
    one = failure(kind, "camera")
    draft = draft_of(one, "王芳", zone=BEIJING, language=language)
    assert title_of(one, "王芳", language=language) in draft
    assert "09:02:03" in draft  # the court's clock
    assert "09:02:11" in draft
    assert cause_of(one, language=language) in draft
    assert "{" not in draft


def test_draft__while_it_lasts_and_after__tells_the_end() -> None:
    assert "尚未恢复" in draft_of(failure(), "王芳", zone=BEIJING, language="zh-CN")
    over = failure().ended(BEGAN + timedelta(seconds=40))
    assert "至 09:02:43 恢复" in draft_of(over, "王芳", zone=BEIJING, language="zh-CN")
    assert over.ended(BEGAN + timedelta(hours=1)) == over


def test_cause__known_or_not__is_said() -> None:
    assert cause_of(failure(cause="disk.full"), language="zh-CN") == "存储空间已满"
    assert cause_of(failure(), language="zh-CN") == "原因不明"
    assert cause_of(failure(), language="en") == "cause unknown"


def test_signature__given_once__stands() -> None:
    signed = failure().signed(JUDGE, at=BEGAN, remarks="  已核实 ")
    assert (signed.remarks, signed.signed_by, signed.is_signed) == ("已核实", JUDGE, True)
    with pytest.raises(Conflict):
        signed.signed(JUDGE, at=BEGAN, remarks="")
    with pytest.raises(Invalid):
        failure().signed(JUDGE, at=BEGAN, remarks="长" * 1001)
    assert signed.ended(BEGAN + timedelta(seconds=5)).signed_by == JUDGE
