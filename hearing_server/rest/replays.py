"""Watching a recording: the moments beside the film, the film in marked pieces, and who may take the file."""

from __future__ import annotations

from aiohttp import web

from hearing_server.errors import NotFound
from hearing_server.rest.recordings import recording_view
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.recording.replays import Replay

_KEPT_NOWHERE = {"Cache-Control": "private, no-store"}
_DIGITS = 6


class ReleaseBody(Body):
    allowed: bool


async def get_replay(call: Call) -> object:
    return replay_view(await call.services.replays.view(call.actor, call.part("recording_id")))


async def get_playlist(call: Call) -> object:
    text = await call.services.replays.playlist(call.actor, call.part("recording_id"))
    return web.Response(text=text, content_type="application/vnd.apple.mpegurl", headers=_KEPT_NOWHERE)


async def get_piece(call: Call) -> object:
    number = call.part("number")
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
        raise NotFound
    piece = await call.services.replays.piece(call.actor, call.part("recording_id"), int(number))
    return web.Response(body=piece, content_type="video/mp2t", headers=_KEPT_NOWHERE)


async def release_film(call: Call) -> object:
    allowed = call.body(ReleaseBody).allowed
    return recording_view(
        await call.services.replays.release(call.actor, call.part("recording_id"), allowed=allowed)
    )


def replay_view(replay: Replay) -> dict[str, object]:
    """Replay, as in docs/PROTOCOL.md section 1."""
    return {
        "recording": recording_view(replay.seen),
        "duration_s": replay.duration_s,
        "chapters": replay.chapters,
        "notes": replay.notes,
        "speech": replay.speech,
        "may_download": replay.may_download,
        "may_release": replay.may_release,
        "playlist_url": f"/api/v1/recordings/{replay.seen.recording.id}/replay/film.m3u8",
    }


_R = "/recordings/{recording_id}"
ROUTES = (
    Route("GET", _R + "/replay", get_replay, Who.SIGNED_IN, "The film's moments"),
    Route("GET", _R + "/replay/film.m3u8", get_playlist, Who.SIGNED_IN, "The film's pieces (HLS)"),
    Route(
        "GET", _R + "/replay/film-{number}.ts", get_piece, Who.SIGNED_IN, "One piece, marked for its viewer"
    ),
    Route(
        "POST",
        _R + "/downloads",
        release_film,
        Who.STAFF,
        "Let parties take the file, or no longer",
        ReleaseBody,
    ),
)
