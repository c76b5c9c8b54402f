"""Entering from a network that swallows UDP without a word: a real page in Chromium, until media flow over TCP.

The server names a UDP and a TCP candidate; what the page sends to the first goes into a relay that lets nothing
through. A robot party sits in the hearing: it is what the page has to see, and it tells when the page is seen and
heard. Counted from the click.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from typing import Final

from bench.breaks import SIZE, SOURCES, Drill, Kind
from bench.court import RATE_HZ, Court
from bench.join_page import CHROMIUM, click_to_picture, judge_page, to_the_door
from hearing_server.robots.network.relay import Relay
from hearing_server.robots.party import RobotParty, parties_of

WATCH_S: Final = 2.0  # after the page sees: its own picture has to be on by then


def why_not() -> str:
    """Why it cannot be measured on this machine; "" when it can."""
    return "" if CHROMIUM.exists() else "no Chromium"


async def entrances(count: int) -> AsyncIterator[Drill]:
    """So many entrances after one that opens the devices for the first time."""
    with tempfile.TemporaryDirectory() as folder:
        court, hole = await Court.start(folder), Relay()
        try:
            await court.sign_in()
            party = await _seated(court)
            await hole.start(court.media_port)
            hole.darken(True)
            sign_in = court.sign_in_of("judge")
            hearing = next(each for each in court.about["hearings"] if each["id"] == court.hearing_id)
            case = next(each for each in court.about["cases"] if each["id"] == hearing["case_id"])
            who = (sign_in["username"], sign_in["password"])
            async with judge_page(court.url, *who, hole.port, keeps_tcp=True) as page:
                door = await to_the_door(page, str(case["number"]))
                for number in range(count + 1):
                    before_dark = hole.counts("up")["dark"]
                    left_s = time.monotonic()
                    seen_s = await click_to_picture(page, door, str(party.client.me["name"])) / 1000
                    picture_s = time.monotonic()
                    await page.wait_for_timeout(WATCH_S * 1000)
                    shown_s = _heard_s(party, str(court.judge.me["id"]), left_s, picture_s - seen_s)
                    if number:
                        is_tcp = hole.counts("up")["dark"] > before_dark
                        yield Drill(Kind.TCP, max(seen_s, shown_s), 0.0, is_tcp, f"seen {seen_s:.2f} s")
        finally:
            if court.party is not None:
                await court.party.close()
                court.party = None
            await court.stop()
            await hole.stop()


async def _seated(court: Court) -> RobotParty:
    people = await parties_of(court.judge)
    party = court.party = RobotParty(court.url, people[0], 1, rate_hz=RATE_HZ, size=SIZE, recovers=True)
    await party.arrive()
    await court.judge.post(f"/hearings/{court.hearing_id}/admissions", {"all": True})
    await party.sit_down()
    return party


def _heard_s(party: RobotParty, judge_id: str, left_s: float, clicked_s: float) -> float:
    """Seconds after the click until the party had the judge's voice and picture again."""
    assert party.seat is not None
    firsts = []
    for source in SOURCES:
        watched = party.seat.watched.get((judge_id, source))
        times = [at_s for at_s in watched.times_s if at_s > max(clicked_s, left_s)] if watched else []
        firsts.append(times[0] if times else clicked_s + 30.0)
    return max(firsts) - clicked_s
