"""Watching a recording: the moments beside the film, the film in marked pieces, and who may take the file."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from hearing_server.domain.recording.single_tracks import MOST_AT_ONCE, Shown
from hearing_server.errors import NotFound
from hearing_server.rest.recordings import recording_view
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.recording.replays import Replay
from hearing_server.services.recording.single_tracks import SeenTrack

_KEPT_NOWHERE = {"Cache-Control": "private, no-store"}
_DIGITS = 6


class ReleaseBody(Body):
    allowed: bool


class AskedTrack(Body):
    person_id: str = Field(min_length=1, max_length=64)
    shown: Shown


class TracksBody(Body):
    tracks: list[AskedTrack] = Field(min_length=1, max_length=MOST_AT_ONCE)


async def get_replay(call: Call) -> object:
    return replay_view(await call.services.replays.view(call.actor, call.part("recording_id")))


async def get_playlist(call: Call) -> object:
    return _playlist(await call.services.replays.playlist(call.actor, call.part("recording_id")))


async def get_piece(call: Call) -> object:
    return _piece(await call.services.replays.piece(call.actor, call.part("recording_id"), _number(call)))


async def list_tracks(call: Call) -> object:
    recording_id = call.part("recording_id")
    return _tracks_view(recording_id, await call.services.single_tracks.choices(call.actor, recording_id))


async def ask_tracks(call: Call) -> object:
    recording_id = call.part("recording_id")
    wanted = [(one.person_id, one.shown) for one in call.body(TracksBody).tracks]
    return _tracks_view(recording_id, await call.services.single_tracks.ask(call.actor, recording_id, wanted))


async def get_track_playlist(call: Call) -> object:
    return _playlist(
        await call.services.single_tracks.playlist(
            call.actor, call.part("recording_id"), call.part("person_id"), _shown(call), call.part("size")
        )
    )


async def get_track_piece(call: Call) -> object:
    return _piece(
        await call.services.single_tracks.piece(
            call.actor,
            call.part("recording_id"),
            call.part("person_id"),
            _shown(call),
            call.part("size"),
            _number(call),
        )
    )


def _shown(call: Call) -> Shown:
    try:
        return Shown(call.part("shown"))
    except ValueError:
        raise NotFound from None


def _number(call: Call) -> int:
    number = call.part("number")
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
        raise NotFound
    return int(number)


def _playlist(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/vnd.apple.mpegurl", headers=_KEPT_NOWHERE)


def _piece(piece: bytes) -> web.Response:
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


def _tracks_view(recording_id: str, tracks: list[SeenTrack]) -> dict[str, object]:
    """SingleTrack list, as in docs/PROTOCOL.md section 1."""
    return {"most_at_once": MOST_AT_ONCE, "items": [_track_view(recording_id, one) for one in tracks]}


def _track_view(recording_id: str, track: SeenTrack) -> dict[str, object]:
    offered, made = track.offered, track.made
    place = f"/api/v1/recordings/{recording_id}/replay/tracks/{offered.person_id}/{offered.shown.value}"
    return {
        "person_id": offered.person_id,
        "name": track.name,
        "label": track.label,
        "shown": offered.shown,
        "spans": offered.spans,
        "state": made.state if made else "none",
        "progress": made.progress_permille / 1000 if made else 0.0,
        "playlist_url": f"{place}/film.m3u8",
        "small_playlist_url": f"{place}/small.m3u8",
    }


_R = "/recordings/{recording_id}"
_T = _R + "/replay/tracks"
ROUTES = (
    Route("GET", _R + "/replay", get_replay, Who.SIGNED_IN, "The film's moments"),
    Route("GET", _R + "/replay/film.m3u8", get_playlist, Who.SIGNED_IN, "The film's pieces (HLS)"),
    Route(
        "GET", _R + "/replay/film-{number}.ts", get_piece, Who.SIGNED_IN, "One piece, marked for its viewer"
    ),
    Route("GET", _T, list_tracks, Who.SIGNED_IN, "Whose single tracks there are"),
    Route("POST", _T, ask_tracks, Who.SIGNED_IN, "Have single tracks made", TracksBody, 202),
    Route(
        "GET",
        _T + "/{person_id}/{shown}/{size}.m3u8",
        get_track_playlist,
        Who.SIGNED_IN,
        "A track's pieces (HLS)",
    ),
    Route(
        "GET",
        _T + "/{person_id}/{shown}/{size}-{number}.ts",
        get_track_piece,
        Who.SIGNED_IN,
        "One piece of a track, marked for its viewer",
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
