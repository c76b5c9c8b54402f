"""A party as a robot: link, code, ID, consents, self-test, waiting, admitted, speaking until the court closes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiortc.mediastreams import MediaStreamTrack

from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.network.relay import Line
from hearing_server.robots.seat import Seat
from hearing_server.robots.senses import COLOURS, PITCHES_HZ, Face, Metronome, Voice

_TOKEN = re.compile(r"/j/([^/?#]+)$")
_OVER = ("closed", "cancelled")
# A hearing with people at their phones takes its time.
_PATIENCE_S = 4 * 3600.0


async def parties_of(client: CourtClient) -> list[dict[str, Any]]:
    """The demo's parties whose hearing comes next, with their links."""
    about = await client.get("/demo")
    people = [person for person in about["people"] if person["sign_in"]["kind"] == "phone_code"]
    first = min(about["hearings"], key=lambda hearing: hearing["starts_at"])
    case_people = [person for person in people if person.get("case_id") == first["case_id"]]
    return case_people or people


def senses_of(
    number: int, *, rate_hz: int, size: tuple[int, int] = (320, 240)
) -> Callable[[], tuple[MediaStreamTrack, ...]]:
    """Makes the voice and the face of robot `number`, always by the same clock."""
    beat = Metronome()
    pitch_hz, colour = PITCHES_HZ[number % len(PITCHES_HZ)], COLOURS[number % len(COLOURS)]
    return lambda: (Voice(beat, pitch_hz), Face(beat, colour, size=size, rate_hz=rate_hz))


class RobotParty:
    """One synthetic party with its own colour and pitch."""

    def __init__(
        self,
        url: str,
        person: dict[str, Any],
        number: int,
        *,
        rate_hz: int = 15,
        size: tuple[int, int] = (320, 240),
        network: Line | None = None,
        recovers: bool = False,
    ) -> None:
        self.client = CourtClient(url)
        self.seat: Seat | None = None
        self._person = person
        self._number = number
        self._rate_hz = rate_hz
        self._size = size
        self._network = network
        self._recovers = recovers

    async def arrive(self) -> Seat:
        """Come in by the link and wait in the lobby."""
        sign_in = self._person["sign_in"]
        found = _TOKEN.search(self._person["links"]["join"])
        if found is None:
            raise ValueError("this person has no join link")
        hearing_id = await self.client.enter_by_link(found[1], sign_in["phone"], sign_in["id_last4"])
        seat = self.seat = Seat(self.client, hearing_id, network=self._network, recovers=self._recovers)
        await seat.connect()
        await seat.report("checking")
        config = await self.client.get("/config")
        for text in config["consents"]:
            await self.client.put(
                f"/hearings/{hearing_id}/consents/{text['stage']}",
                {"decision": "granted", "text_version": text["version"]},
            )
        await seat.report("testing")
        await self.client.put(
            f"/hearings/{hearing_id}/self-test", {"camera": True, "microphone": True, "playback": True}
        )
        await seat.report("waiting")
        return seat

    async def sit_down(self) -> Seat:
        """Wait for the court's admission, then take the seat, show a face and speak."""
        assert self.seat is not None
        await self.seat.until(lambda view: "publish" in view["me"]["may"], timeout_s=_PATIENCE_S)
        await self.seat.take()
        await self.seat.publish_from(senses_of(self._number, rate_hz=self._rate_hz, size=self._size))
        await self.seat.report("present")
        return self.seat

    async def attend(self) -> None:
        """The whole hearing."""
        await self.arrive()
        seat = await self.sit_down()
        await seat.until(lambda view: view["state"] in _OVER, timeout_s=_PATIENCE_S)

    async def close(self) -> None:
        if self.seat is not None:
            await self.seat.close()
        await self.client.http.close()
