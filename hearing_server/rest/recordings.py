"""Recordings and their films, for those who may look at them."""

from __future__ import annotations

from aiohttp import web

from hearing_server.rest.hearings import hearing_brief
from hearing_server.rest.publications import begins, publication_view
from hearing_server.rest.routing import Call, Route, Who
from hearing_server.rest.sign_in import Nothing
from hearing_server.services.access import SeenRecording


async def list_recordings(call: Call) -> object:
    return {"items": [recording_view(seen) for seen in await call.services.recordings.mine(call.actor)]}


async def get_recording(call: Call) -> object:
    return recording_view(await call.services.recordings.get(call.actor, call.part("recording_id")))


async def get_film(call: Call) -> object:
    path = await call.services.recordings.film(
        call.actor, call.part("recording_id"), begins=begins(call.request)
    )
    return web.FileResponse(path, headers={"Cache-Control": "private, no-store", "Content-Type": "video/mp4"})


async def compose_again(call: Call) -> object:
    return recording_view(await call.services.films.compose_again(call.actor, call.part("recording_id")))


def recording_view(seen: SeenRecording) -> dict[str, object]:
    """Recording, as in docs/PROTOCOL.md section 1."""
    recording, film = seen.recording, seen.recording.film
    return {
        "id": recording.id,
        "hearing": hearing_brief(seen.hearing, seen.case),
        "state": recording.state,
        "started_at": recording.started_at,
        "closed_at": recording.closed_at,
        "tracks": recording.tracks,
        "segments": recording.segments,
        "bytes": recording.size_bytes,
        "root_sha256": recording.root_sha256,
        "gaps": recording.gaps,
        "film": {
            "state": film.state,
            "progress": film.progress_permille / 1000,
            "duration_s": film.duration_s,
            "size_bytes": film.size_bytes,
            "sha256": film.sha256,
            "error": film.error,
        },
        "openness": seen.case.openness,
        "parties_may_download": recording.parties_may_download,
        "publication": publication_view(seen.publication, None) if seen.publication else None,
    }


_R = "/recordings/{recording_id}"
ROUTES = (
    Route("GET", "/recordings", list_recordings, Who.STAFF, "Recordings"),
    Route("GET", _R, get_recording, Who.SIGNED_IN, "One recording"),
    Route("GET", _R + "/film", get_film, Who.SIGNED_IN, "The film, by range"),
    Route("POST", _R + "/film", compose_again, Who.STAFF, "Compose the film again", Nothing, 202),
)
