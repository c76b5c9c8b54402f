"""From the last byte to a verdict: every file that arrived is scanned, looked into, and taken or refused with a reason.

Fails closed: while the scanner or the inspecting process can't be had, a file stays `checking` and says what it waits
for. A file that brings the inspecting process down twice is refused; nothing it does reaches the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.canonical_json import JsonValue
from hearing_server.domain.case_space.attachments import (
    Attachment,
    AttachmentKind,
    AttachmentState,
    Finding,
    Refusal,
)
from hearing_server.errors import HearingError, Locked, NotFound
from hearing_server.kernel import Actor, AttachmentId, Clock, system_actor
from hearing_server.ports.attachments import (
    Inspected,
    Inspection,
    RefusedFile,
    UploadSpool,
    VirusScanner,
)
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.objects import Objects
from hearing_server.ports.units import Unit, Units
from hearing_server.services.acts import record_act
from hearing_server.settings import LimitSettings

_log = logging.getLogger(__name__)
# Rows looked at in one go; those beyond come when these are done.
_AT_ONCE = 50
# What can't be done now is tried again after this, doubled up to a minute.
_AGAIN_S = 2.0
_AGAIN_AT_MOST_S = 60.0


class Inspecting:
    """Looks into what arrived here; `start` and `stop` are the composition root's."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        spool: UploadSpool,
        objects: Objects,
        inspection: Inspection,
        scanner: VirusScanner | None,
        limits: LimitSettings,
        *,
        scratch: Path,
        at_once: int,
    ) -> None:
        self._units = units
        self._clock = clock
        self._spool = spool
        self._objects = objects
        self._inspection = inspection
        self._scanner = scanner
        self._limits = limits
        self._scratch = scratch
        self._turns = asyncio.Semaphore(at_once)
        self._running: dict[AttachmentId, asyncio.Task[None]] = {}
        self._again: dict[
            AttachmentId, tuple[float, float]
        ] = {}  # (not before, wait after that), monotonic s

    async def stop(self) -> None:
        """Leave what is being looked at for the next start."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._inspection.stop()

    async def check_due(self) -> int:
        """Begin to look into what waits and isn't being looked at; never waits for it."""
        async with self._units.read() as unit:
            waiting = await unit.attachments.in_state(AttachmentState.CHECKING, limit=_AT_ONCE)
        now_s = self._clock.monotonic_s()
        for attachment in waiting:
            if self._again.get(attachment.id, (0.0, 0.0))[0] <= now_s:
                self._begin(attachment.id)
        return 0

    async def checked(self, attachment_id: AttachmentId) -> Attachment:
        """The attachment once it was looked at, or as it is when that can't be done now. Errors: NotFound."""
        await asyncio.shield(self._begin(attachment_id))
        async with self._units.read() as unit:
            attachment = await unit.attachments.get(attachment_id)
        if attachment is None:
            raise NotFound
        return attachment

    def _begin(self, attachment_id: AttachmentId) -> asyncio.Task[None]:
        task = self._running.get(attachment_id)
        if task is None:
            task = asyncio.create_task(self._guarded(attachment_id), name="look-into-file")
            self._running[attachment_id] = task
            task.add_done_callback(lambda _: self._running.pop(attachment_id, None))
        return task

    async def _guarded(self, attachment_id: AttachmentId) -> None:
        async with self._turns:
            try:
                await self._check(attachment_id)
                self._again.pop(attachment_id, None)
            except Locked:
                self._later(attachment_id)
            except HearingError as error:
                _log.warning("a file waits to be checked: %s", error.code)
                self._later(attachment_id)
                await self._note_wait(attachment_id, error.code)
            except Exception:
                _log.exception("a file could not be checked; it is tried again")
                self._later(attachment_id)

    def _later(self, attachment_id: AttachmentId) -> None:
        wait_s = self._again.get(attachment_id, (0.0, _AGAIN_S))[1]
        next_s = min(2 * wait_s, _AGAIN_AT_MOST_S)
        self._again[attachment_id] = (self._clock.monotonic_s() + wait_s, next_s)

    async def _check(self, attachment_id: AttachmentId) -> None:
        async with self._units.read() as unit:
            attachment = await unit.attachments.get(attachment_id)
        if attachment is None or attachment.state is not AttachmentState.CHECKING:
            return
        if await self._spool.bytes_at_rest(attachment.id) is None:
            return  # it lies with another server
        work = await asyncio.to_thread(_work_folder, self._scratch)
        try:
            await self._scan_and_look(attachment, work)
        finally:
            await asyncio.to_thread(_clear, work)
        await self._spool.remove(attachment.id)

    async def _scan_and_look(self, attachment: Attachment, work: Path) -> None:
        async with self._spool.open(attachment.id, case_id=attachment.case_id, yields=False) as upload:
            if await upload.sha256() != attachment.sha256:
                # Not what was acknowledged: only a damaged disk does this.
                return await self._refuse(attachment, Refusal.HASH_MISMATCH)
            findings: tuple[str, ...] = ()
            if self._scanner is not None:
                verdict = await self._scanner.scan(upload.read(), size_bytes=attachment.size_bytes)
                if verdict.signature:
                    return await self._refuse(attachment, Refusal.INFECTED, detail=verdict.signature)
                findings = () if verdict.is_whole else (Finding.NOT_SCANNED.value,)
            source = await upload.open_plain()
        try:
            seen = await self._inspection.look(source, name=attachment.name, work=work)
            self._check_limits(attachment, seen)
            if findings and seen.kind not in (AttachmentKind.VIDEO, AttachmentKind.AUDIO):
                # Films beyond the scanner's size are known to the court as such; documents have no need to be so large.
                raise RefusedFile(Refusal.NOT_SCANNABLE)
            await self._take(attachment, source, seen, findings)
        except RefusedFile as refused:
            await self._refuse(attachment, refused.reason, detail=refused.detail)
        finally:
            os.close(source)

    def _check_limits(self, attachment: Attachment, seen: Inspected) -> None:
        limits = {
            AttachmentKind.IMAGE: self._limits.attachment_bytes,
            AttachmentKind.DOCUMENT: self._limits.document_bytes,
            AttachmentKind.AUDIO: self._limits.audio_bytes,
            AttachmentKind.VIDEO: self._limits.video_bytes,
        }
        if attachment.size_bytes > limits.get(seen.kind, 0):
            raise RefusedFile(Refusal.TOO_LARGE)
        if seen.pages > self._limits.document_pages:
            raise RefusedFile(Refusal.TOO_MANY_PAGES)

    async def _take(
        self, attachment: Attachment, source: int, seen: Inspected, findings: tuple[str, ...]
    ) -> None:
        case_id = attachment.case_id
        # The descriptor's own name: the file has no other.
        plain = Path(f"/proc/self/fd/{source}")
        await self._objects.put_file(plain, sha256=attachment.sha256, case_id=case_id)
        preview = ""
        if seen.preview is not None:
            preview = await self._objects.put(
                await asyncio.to_thread(seen.preview.read_bytes), case_id=case_id
            )
        rendition, rendition_bytes = "", 0
        if seen.rendition is not None:
            rendition, rendition_bytes = await asyncio.to_thread(_measured, seen.rendition)
            await self._objects.put_file(seen.rendition, sha256=rendition, case_id=case_id)
        ready = replace(
            attachment,
            state=AttachmentState.READY, kind=seen.kind, media_type=seen.media_type, width=seen.width,
            height=seen.height, pages=seen.pages, duration_ms=seen.duration_ms, waveform=seen.waveform,
            findings=tuple(dict.fromkeys((*seen.findings, *findings))), preview_sha256=preview,
            rendition_sha256=rendition, rendition_bytes=rendition_bytes, waits_for="", expires_at=None,
        )  # fmt: skip
        payload: dict[str, JsonValue] = {
            "sha256": ready.sha256,
            "kind": ready.kind.value,
            "media_type": ready.media_type,
        }
        if preview:
            payload["preview_sha256"] = preview
        if rendition:
            payload["rendition_sha256"] = rendition
        await self._settle(ready, ActKind.ATTACHMENT_READY, payload, texts=seen.texts)

    async def _refuse(self, attachment: Attachment, reason: Refusal, *, detail: str = "") -> None:
        refused = replace(
            attachment, state=AttachmentState.REFUSED, reason=reason.value, waits_for="", expires_at=None
        )
        payload: dict[str, JsonValue] = {"sha256": attachment.sha256, "reason": reason.value}
        if detail:
            payload["detail"] = detail[:200]
        await self._settle(refused, ActKind.ATTACHMENT_REFUSED, payload)

    async def _settle(
        self,
        attachment: Attachment,
        kind: ActKind,
        payload: dict[str, JsonValue],
        *,
        texts: Iterable[str] = (),
    ) -> None:
        async with self._units.write() as unit:
            await unit.acts.lock_head(attachment.case_id)
            held = await unit.attachments.get(attachment.id, lock=True)
            if held is None or held.state is not AttachmentState.CHECKING:
                return
            await unit.attachments.save(attachment)
            await unit.attachments.save_texts(attachment.id, tuple(texts))
            await record_act(
                unit, await _court_of(unit, attachment), kind=kind, chain_id=attachment.case_id,
                at=self._clock.utc_now(),
                payload={"attachment_id": attachment.id, "uploader_id": attachment.uploader_id, **payload},
                objects=(ActObject(attachment.sha256, attachment.size_bytes),),
            )  # fmt: skip
            unit.ring(Doorbell("attachment_changed", attachment.id))

    async def _note_wait(self, attachment_id: AttachmentId, code: str) -> None:
        """Say what it waits for, once."""
        with suppress(HearingError):
            async with self._units.write() as unit:
                held = await unit.attachments.get(attachment_id, lock=True)
                waits_for = code.partition(".")[0]
                if held is None or held.state is not AttachmentState.CHECKING or held.waits_for == waits_for:
                    return
                await unit.attachments.save(replace(held, waits_for=waits_for))
                unit.ring(Doorbell("attachment_changed", attachment_id))


async def _court_of(unit: Unit, attachment: Attachment) -> Actor:
    """The court's own system: it looked, nobody else did."""
    case = await unit.cases.get(attachment.case_id)
    if case is None:
        raise NotFound
    return system_actor(case.court.id)


def _work_folder(scratch: Path) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=scratch, prefix="look-"))


def _clear(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)


def _measured(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
