"""Rooms in processes of their own: the court's process dies and nobody in the room notices; a room's dies and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.court_story import story


@pytest.mark.timeout(120)
async def test_hearing__in_a_media_process__is_conducted_recorded_and_sealed(tmp_path: Path) -> None:
    media = {"udp_port": 0, "tcp_port": 0, "processes": 1}
    async with story(tmp_path / "court", media=media) as told:
        await told.begin(parties=1)
        await told.admit_all()
        opened = await told.order("open")
        assert opened["recording"]["state"] == "writing"
        person = told.parties[0].client.me["id"]
        await told.sees(person, "camera", more=10)
        assert (await told.order("recess", {"reason": "休息"}))["recording"]["state"] == "paused"
        assert (await told.order("resume"))["recording"]["state"] == "writing"
        await told.sees(person, "camera", more=10)
        await told.order("close")
        recording = await told.film()
        assert recording["film"]["state"] == "ready"
