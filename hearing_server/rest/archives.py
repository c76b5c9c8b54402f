"""Archive packages: how they stand, holds, and the package itself."""

from __future__ import annotations

from aiohttp import web

from hearing_server.domain.recording.archives import Archive
from hearing_server.rest.hearings import ReasonBody
from hearing_server.rest.routing import Call, Route, Who
from hearing_server.rest.sign_in import Nothing


async def get_archive(call: Call) -> object:
    return archive_view(await call.services.archives.get(call.actor, call.part("recording_id")))


async def archive_again(call: Call) -> object:
    return archive_view(await call.services.archives.make_again(call.actor, call.part("recording_id")))


async def hold_archive(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return archive_view(
        await call.services.archives.hold(call.actor, call.part("recording_id"), reason=reason)
    )


async def release_archive(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return archive_view(
        await call.services.archives.release(call.actor, call.part("recording_id"), reason=reason)
    )


async def get_package(call: Call) -> object:
    package = await call.services.archives.package(call.actor, call.part("recording_id"))
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{package.name}"',
            "Cache-Control": "private, no-store",
        }
    )
    response.content_length = package.size_bytes
    await response.prepare(call.request)
    async for piece in package.pieces:
        await response.write(piece)
    await response.write_eof()
    return response


def archive_view(archive: Archive) -> dict[str, object]:
    """Archive, as in docs/PROTOCOL.md section 1."""
    return {
        "recording_id": archive.recording_id,
        "state": archive.state,
        "retention": archive.retention,
        "keep_until": archive.keep_until,
        "sha256": archive.sha256,
        "size_bytes": archive.size_bytes,
        "files": archive.files,
        "made_at": archive.made_at,
        "error": archive.error,
        "checked_at": archive.checked_at,
        "check_error": archive.check_error,
        "hold": {"at": archive.hold.at, "reason": archive.hold.reason} if archive.hold else None,
    }


_A = "/recordings/{recording_id}/archive"
ROUTES = (
    Route("GET", _A, get_archive, Who.STAFF, "The archive package of a recording"),
    Route("POST", _A, archive_again, Who.STAFF, "Make the package again", Nothing, 202),
    Route("POST", _A + "/hold", hold_archive, Who.STAFF, "Hold it whatever its class says", ReasonBody),
    Route("POST", _A + "/release", release_archive, Who.STAFF, "Lift the hold", ReasonBody),
    Route("GET", _A + "/package", get_package, Who.STAFF, "The package, a ZIP file"),
)
