"""How long a click takes to become a picture: entering a hearing of the demo court until somebody else is seen.

Run: python -m bench.join [--quick]. The demo court runs as a process of its own, as `hearing-server demo` starts it. A
party (robot, VP8 320 × 240) sits and speaks; the judge, a robot as well, enters again and again: socket ticket, socket,
grant, seat, offer and answer, ICE, DTLS, first decoded picture. With Chromium on the machine the judge's real page does
the same, from the click on the door to the first painted picture. Then the robot enters from far away, over lines of
50 and 150 ms round trip for everything it says, from nothing and from the lobby, where its socket is open; the page as
well, over 50 ms. Also: how many pictures began from the cached key frame. Baseline of the same run, taking turns: two
bare aiortc connections in one process, descriptions handed over in memory, until the first decoded picture; nobody is
asked for a right and nothing is recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvloop
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from bench import measure
from bench.court import RATE_HZ, SIZE, Court
from bench.join_page import CHROMIUM, click_to_picture, judge_page, to_the_door
from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.network.conditions import Conditions, OneWay
from hearing_server.robots.network.relay import Relay
from hearing_server.robots.network.stream_relay import StreamRelay
from hearing_server.robots.seat import Seat
from hearing_server.robots.senses import COLOURS, PITCHES_HZ, Face, Metronome, Voice

STEP_TIMEOUT_S = 20.0
ROUND_TRIPS_MS = (50.0, 150.0)
PAGE_RTT_MS = 50.0
_STARTS = re.compile(r'^hearing_picture_starts_total\{from="(\w+)"\} (\S+)$', re.MULTILINE)


async def enter(
    court: Court,
    party_id: str,
    client: CourtClient | None = None,
    line: Relay | None = None,
    *,
    in_lobby: bool = False,
) -> tuple[float, float]:
    """(ms from the click to the seat, ms from the click to the first decoded picture of the party).

    `in_lobby`: whoever clicks has waited at the door with an open socket, as every page does.
    """
    seat = Seat(client or court.judge, court.hearing_id, network=line)
    try:
        if in_lobby:
            await seat.connect()
        clicked_s = time.monotonic()
        if not in_lobby:
            await seat.connect()
        await seat.take()
        seated_s = time.monotonic()
        key = (party_id, "camera")
        async with asyncio.timeout(STEP_TIMEOUT_S):
            while key not in seat.first_frame_s:  # noqa: ASYNC110 - the robot notes the moment itself
                await asyncio.sleep(0.002)
        return (seated_s - clicked_s) * 1000, (seat.first_frame_s[key] - clicked_s) * 1000
    finally:
        await seat.close()


async def far_rounds(
    court: Court, party_id: str, rtt_ms: float, rounds: int, *, in_lobby: bool = False
) -> tuple[list[float], list[float]]:
    """As `enter`, over a line of this round trip for everything: HTTP, socket, checks, handshake, media."""
    sign_in = court.sign_in_of("judge")
    async with far(court, rtt_ms) as (url, line), CourtClient(url) as client:
        await client.sign_in_staff(sign_in["username"], sign_in["password"])
        found = [await enter(court, party_id, client, line, in_lobby=in_lobby) for _ in range(rounds + 1)][1:]
    seats, pictures = [seat for seat, _ in found], [picture for _, picture in found]
    print(
        f"{rtt_ms:.0f} ms round trip{', from the lobby' if in_lobby else ''}: seated {measure.spread(seats)} ms, "
        f"first picture {measure.spread(pictures)} ms, "
        f"that is {statistics.median(pictures) / rtt_ms:.1f} round trips",
        flush=True,
    )
    return seats, pictures


async def bare_pair() -> float:
    """ms until one aiortc connection decoded a picture of another."""
    sender, receiver = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    arrived: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()

    @receiver.on("track")
    def came(track: MediaStreamTrack) -> None:
        if track.kind == "video" and not arrived.done():
            arrived.set_result(track)

    beat = Metronome()
    try:
        began_s = time.monotonic()
        sender.addTrack(Voice(beat, PITCHES_HZ[0]))
        sender.addTrack(Face(beat, COLOURS[0], size=SIZE, rate_hz=RATE_HZ))
        await sender.setLocalDescription(await sender.createOffer())
        offer = sender.localDescription
        await receiver.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        await receiver.setLocalDescription(await receiver.createAnswer())
        answer = receiver.localDescription
        await sender.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        async with asyncio.timeout(STEP_TIMEOUT_S):
            await (await arrived).recv()
        return (time.monotonic() - began_s) * 1000
    finally:
        await asyncio.gather(sender.close(), receiver.close())


@asynccontextmanager
async def far(court: Court, rtt_ms: float) -> AsyncIterator[tuple[str, Relay]]:
    """A line of this round trip for everything: where HTTP and sockets go, and the media's way."""
    line = Relay(Conditions.both(OneWay(delay_ms=rtt_ms / 2)))
    stream = StreamRelay(one_way_ms=rtt_ms / 2)
    await line.start(court.media_port)
    await stream.start(int(court.url.rsplit(":", 1)[1]))
    try:
        yield f"http://127.0.0.1:{stream.port}", line
    finally:
        await stream.stop()
        await line.stop()


async def page_rounds(
    court: Court, rounds: int, url: str | None = None, media_port: int | None = None
) -> list[float]:
    """ms from the click to the picture, by a real page that stands at the door with its socket open."""
    assert court.party is not None
    sign_in = court.sign_in_of("judge")
    hearing = next(each for each in court.about["hearings"] if each["id"] == court.hearing_id)
    case = next(each for each in court.about["cases"] if each["id"] == hearing["case_id"])
    name = str(court.party.client.me["name"])
    found: list[float] = []
    way = (url or court.url, sign_in["username"], sign_in["password"], media_port)
    async with judge_page(*way) as page:
        door = await to_the_door(page, str(case["number"]))
        for number in range(rounds + 1):
            found.append(await click_to_picture(page, door, name))
            print(f"page {number}/{rounds}: first picture {found[-1]:.0f} ms", flush=True)
    return found[1:]  # the first one also opens camera and microphone for the first time


async def run(rounds: int) -> dict[str, measure.Figure]:
    """All rounds, taking turns; figures by median."""
    seats: list[float] = []
    pictures: list[float] = []
    bare: list[float] = []
    pages: list[float] = []
    far_pages: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        court = await Court.start(folder)
        try:
            party_id = await court.seat_party()
            await enter(court, party_id)  # what is imported on first use is nobody's waiting time
            await bare_pair()
            for number in range(rounds):
                seated, seen = await enter(court, party_id)
                seats.append(seated)
                pictures.append(seen)
                bare.append(await bare_pair())
                print(
                    f"round {number + 1}/{rounds}: seated {seated:.0f} ms, first picture {seen:.0f} ms; "
                    f"bare pair {bare[-1]:.0f} ms",
                    flush=True,
                )
            distant = {
                (rtt_ms, in_lobby): await far_rounds(
                    court, party_id, rtt_ms, max(3, rounds // 2), in_lobby=in_lobby
                )
                for rtt_ms in ROUND_TRIPS_MS
                for in_lobby in (False, True)
            }
            if CHROMIUM.exists():
                pages = await page_rounds(court, max(2, rounds // 3))
                async with far(court, PAGE_RTT_MS) as (url, line):
                    far_pages = await page_rounds(court, max(2, rounds // 3), url, line.port)
            starts = await picture_starts(court)
        finally:
            await court.stop()
    print(f"first picture: {measure.spread(pictures)} ms; bare pair {measure.spread(bare)} ms", flush=True)
    name, middle = "bare aiortc pair in one process", statistics.median(bare)
    figures = {
        "click_to_picture": measure.figure(statistics.median(pictures), "ms", name, middle),
        "click_to_seat": measure.figure(statistics.median(seats), "ms", name, middle),
    }
    for (rtt_ms, in_lobby), (_, far_pictures) in distant.items():
        figures[f"{'lobby' if in_lobby else 'click'}_to_picture_p95_at_{rtt_ms:.0f}_ms"] = measure.figure(
            _slow(far_pictures), "ms", "the same entrance on loopback", statistics.median(pictures)
        )
    cached, asked = starts.get("cache", 0.0), starts.get("request", 0.0)
    figures["begun_from_cache"] = measure.figure(cached, "pictures", "pictures begun", cached + asked)
    if pages:
        print(f"Chromium page: {measure.spread(pages)} ms", flush=True)
        figures["click_to_picture_chromium"] = measure.figure(statistics.median(pages), "ms", name, middle)
        print(f"Chromium page, {PAGE_RTT_MS:.0f} ms round trip: {measure.spread(far_pages)} ms", flush=True)
        figures[f"click_to_picture_chromium_p95_at_{PAGE_RTT_MS:.0f}_ms"] = measure.figure(
            _slow(far_pages), "ms", "the same page on loopback", statistics.median(pages)
        )
    return figures


def _slow(values: list[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[round(0.95 * (len(values) - 1))]


async def picture_starts(court: Court) -> dict[str, float]:
    """How pictures began on that server since its start: "cache" without waiting, "request" after asking for one."""
    async with aiohttp.ClientSession() as http, http.get(f"{court.url}/metrics") as answer:
        text = await answer.text()
    return {how: float(count) for how, count in _STARTS.findall(text)}


def main() -> int:
    """Print progress, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 45 s")
    rounds = 4 if parser.parse_args().quick else 15
    measure.print_result("join", uvloop.run(run(rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
