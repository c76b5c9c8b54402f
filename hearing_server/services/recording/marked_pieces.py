"""A film on its way to one viewer: a list of pieces, each marked with who watches and when, each minute an act."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import Final

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.roles import Action, require
from hearing_server.errors import NotFound
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock
from hearing_server.ports.replays import PieceMarker
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act

PIECE_S: Final = 6.0
# As large as it was made, and for several beside each other.
SIZES: Final = {"film": 0, "small": 360}
_MINUTE_S: Final = 60.0
# Minutes given to sessions; the oldest is forgotten, its next piece is one more act.
_MAX_GIVEN: Final = 50_000


def playlist_of(duration_s: float, size: str) -> str:
    """The list of pieces (RFC 8216). NotFound for a size that is none."""
    if size not in SIZES:
        raise NotFound
    count = max(1, math.ceil(duration_s / PIECE_S - 1e-6))
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{math.ceil(PIECE_S)}"]
    lines += ["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for number in range(count):
        seconds = min(PIECE_S, duration_s - number * PIECE_S)
        lines += [f"#EXTINF:{seconds:.3f},", f"{size}-{number}.ts"]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


async def access_film(unit: Unit, actor: Actor, recording_id: str) -> SeenRecording:
    """The recording for somebody who may watch its film. Errors: NotFound, Forbidden."""
    seen = await access_recording(unit, actor, recording_id)
    require(seen.capacity(actor), Action.FILM_VIEW)
    return seen


class MarkedPieces:
    """Gives pieces of films to viewers."""

    def __init__(self, units: Units, clock: Clock, profile: CourtProfile, marker: PieceMarker) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._marker = marker
        self._given: OrderedDict[tuple[str, Path, int], None] = OrderedDict()

    async def piece(
        self,
        actor: Actor,
        seen: SeenRecording,
        film: Path,
        number: int,
        *,
        size: str = "film",
        of_track: JsonObject | None = None,
    ) -> bytes:
        """One marked piece of a film as long as the recording's own. `of_track` goes into the act.

        Errors: NotFound behind the end, and for a size that is none; Unavailable `replay.busy`, `replay.failed`.
        """
        now = self._clock.utc_now()
        from_s = number * PIECE_S
        if size not in SIZES or from_s >= (seen.recording.film.duration_s or 0.0):
            raise NotFound
        minute = int(from_s // _MINUTE_S)
        async with self._units.read() as unit:
            people = await unit.people.many([actor.person_id])
        await self._give(actor, seen, film, minute, of_track or {}, now)
        local = now.astimezone(self._profile.time_zone)
        text = f"{people[actor.person_id].name} {actor.person_id[-6:]} {local:%Y-%m-%d %H:%M}"
        height_px = SIZES[size]
        return await self._marker.piece(film, from_s=from_s, seconds=PIECE_S, text=text, height_px=height_px)

    async def _give(
        self, actor: Actor, seen: SeenRecording, film: Path, minute: int, of_track: JsonObject, now: datetime
    ) -> None:
        """The minute is in the log before its bytes leave."""
        key = (actor.session_id, film, minute)
        if key in self._given:
            return
        async with self._units.write() as unit:
            await record_act(
                unit, actor, kind=ActKind.FILM_VIEWED, chain_id=seen.case.id, at=now,
                payload={
                    "recording_id": seen.recording.id, "hearing_id": seen.hearing.id,
                    "from_s": minute * int(_MINUTE_S), "until_s": (minute + 1) * int(_MINUTE_S), **of_track,
                },
            )  # fmt: skip
        self._given[key] = None
        while len(self._given) > _MAX_GIVEN:
            self._given.popitem(last=False)
