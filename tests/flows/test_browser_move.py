"""A page whose network card goes: its links come back beside its socket, and without that door by the socket.

And one whose server is killed and started again: it comes back by itself, whoever else is there before it.
"""

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


@pytest.mark.timeout(240)
async def test_page__when_its_server_was_killed_and_serves_again__then_sees_everybody_and_is_seen_untouched(
    tmp_path: Path,
) -> None:
    async with moving_page(str(tmp_path), parties=2) as moving:
        names = [str(each.client.me["name"]) for each in (moving.party, *moving.others)]
        assert len(names) == 2
        for _ in range(2):
            took_s = await moving.restart()
            assert took_s is not None, "somebody's voice or picture did not come back"
            for name in names:
                await moving.sees(name)
            print(f"everybody seen again {took_s:.2f} s after the server served")
        assert moving.party.seat is not None
        assert moving.party.seat.ended is None
