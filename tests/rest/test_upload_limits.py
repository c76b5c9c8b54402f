"""Pictures never take what the recorder needs, and nobody fills the disk by a script."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.services.case_space import uploads
from tests.court import RunningCourt, running_court
from tests.rest.recorded import case_of
from tests.rest.test_attachments import upload
from tests.sample_files import photo


async def _refused(person: CourtClient, case_id: str) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        await upload(person, case_id, photo())
    return refused.value.status, refused.value.code


async def test_upload__beyond_the_hourly_number__is_refused_and_others_go_on(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UPLOADS_PER_HOUR", 2)
    case_id, _ = await case_of(court)
    async with court.party("林书瑶") as lin, court.party("赵建国") as zhao:
        for _ in range(2):
            await upload(lin, case_id, photo())
        assert await _refused(lin, case_id) == (429, "attachment.too_many")
        await upload(zhao, case_id, photo())


async def test_upload__into_the_recorders_reserve__is_refused(tmp_path: Path) -> None:
    reserve = shutil.disk_usage(tmp_path).total
    async with running_court(tmp_path, storage={"reserve_bytes": reserve}) as court:
        case_id, _ = await case_of(court)
        async with court.party("林书瑶") as lin:
            assert await _refused(lin, case_id) == (507, "disk.reserved")
    assert not list((tmp_path / "uploads").iterdir())
