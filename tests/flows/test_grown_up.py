"""The same story on PostgreSQL and Redis: settings change, code paths do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.test_bus import redis_url  # noqa: F401
from tests.flows.court_story import story
from tests.storage.databases import fresh_postgresql, postgresql  # noqa: F401


@pytest.mark.timeout(240)
async def test_hearing__on_postgresql_and_redis__is_held_and_recorded(
    tmp_path: Path,
    postgresql: str,  # noqa: F811
    redis_url: str,  # noqa: F811
) -> None:
    data = tmp_path / "court"
    async with fresh_postgresql(postgresql) as database_url:
        storage = {"data_dir": data, "database_url": database_url, "redis_url": redis_url}
        async with story(data, storage=storage) as told:
            await told.begin(parties=1)
            await told.admit_all()
            assert (await told.order("open"))["state"] == "in_session"
            await told.sees(told.parties[0].client.me["id"], "camera")
            await told.order("close")
            recording = await told.film()
            assert recording["film"]["state"] == "ready"
            log = await told.clerk.get(f"/cases/{recording['hearing']['case_id']}/acts")
            assert log["intact"]
