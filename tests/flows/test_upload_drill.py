"""Uploads over cut lines to a killed server: the hash is equal, and what was acknowledged isn't sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.upload_drill import drill_file, run_drill, sha256_of


async def _drill(
    folder: Path, *, size_bytes: int, kills: int, cut_every_s: float, rate_bytes_s: int, resent: float
) -> None:
    content = drill_file(size_bytes)
    report = await run_drill(folder, content, kills=kills, cut_every_s=cut_every_s, rate_bytes_s=rate_bytes_s)
    assert report.kills == kills, "the file was too small for the drill"
    assert (report.sha256, report.state) == (sha256_of(content), "ready")
    assert report.resent_share <= resent, report


async def test_upload__cut_and_server_killed__arrives_whole(tmp_path: Path) -> None:
    # Short stretches: what is in the line at a break weighs more than in the long form.
    await _drill(tmp_path, size_bytes=4 << 20, kills=1, cut_every_s=1.0, rate_bytes_s=1 << 20, resent=0.15)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_upload__cut_every_5_s_and_server_killed_30_times__resends_3_percent_at_most(
    tmp_path: Path,
) -> None:
    # 61 stretches of 5 s at 300 kB/s, and the rest.
    await _drill(tmp_path, size_bytes=92 << 20, kills=30, cut_every_s=5.0, rate_bytes_s=300_000, resent=0.03)
