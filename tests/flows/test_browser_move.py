"""A page whose network card goes: its links come back beside its socket, and without that door by the socket."""

from pathlib import Path

import pytest
from playwright.async_api import Response

from bench.page_move import moving_page

pytestmark = pytest.mark.browser


@pytest.mark.timeout(180)
async def test_page__when_its_network_goes_for_another__then_media_flow_both_ways_before_its_socket_is_back(
    tmp_path: Path,
) -> None:
    async with moving_page(str(tmp_path)) as moving:
        led: list[tuple[str, int]] = []

        def note(response: Response) -> None:
            if "/seat/moved" in response.url:
                led.append((response.url.rsplit("/seat/", 1)[1], response.status))

        moving.page.on("response", note)
        name = str(moving.party.client.me["name"])
        took_s = [await moving.move()]
        assert led == [("moved", 200), ("moved/answer", 200)]
        await moving.sees(name)
        took_s.append(await moving.move(by_door=False))
        await moving.sees(name)
        assert None not in took_s, took_s
        print(f"seen and heard again: by the door, by the socket {took_s} s")
