"""A case space as one file, for whoever is on the case and as they see it: readable, complete, checked without us."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import DiskFull, Unavailable
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, CaseId, Clock
from hearing_server.ports.archives import Packer
from hearing_server.ports.objects import Objects
from hearing_server.ports.printing import Printer
from hearing_server.ports.units import Units
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.export_papers import Papers, papers_of
from hearing_server.services.trust.act_receipts import ActReceipts

_log = logging.getLogger(__name__)
# One reads and hashes everything of a case: a second one waits a moment, a third is told to come back.
_AT_ONCE = 1
_WAITING = 4
# Kept free for what runs: recordings and the database share the disk with the spool.
_KEPT_FREE_BYTES = 2 << 30
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Export:
    """A finished file; it is gone when the block that gave it ends."""

    path: Path
    name: str
    size_bytes: int
    sha256: str


class Exports:
    """The one use-case."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        objects: Objects,
        packer: Packer,
        printer: Printer,
        receipts: ActReceipts,
        *,
        spool: Path,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._objects = objects
        self._packer = packer
        self._printer = printer
        self._receipts = receipts
        self._spool = spool
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    @asynccontextmanager
    async def made(self, actor: Actor, case_id: str) -> AsyncIterator[Export]:
        """Make it, and the act of it. Errors: NotFound, Forbidden, Unavailable `proof.not_yet`, `.busy`; DiskFull."""
        if self._waiting >= _WAITING:
            raise Unavailable(
                "export.busy",
                zh="正在导出的案件较多，请稍后再试",
                en="Several exports are being made; please try again shortly",
                retry_after_s=30,
            )
        self._waiting += 1
        try:
            async with self._turns:
                work = await asyncio.to_thread(_work_folder, self._spool)
                try:
                    yield await self._make(actor, case_id, work)
                finally:
                    await asyncio.to_thread(shutil.rmtree, work, True)
        finally:
            self._waiting -= 1

    async def _make(self, actor: Actor, case_id: str, work: Path) -> Export:
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role), Action.SPACE_EXPORT)
            papers = await papers_of(unit, actor, case, member, self._receipts, at=now)
        await self._check_room(papers, work)
        files = work / "attachments"
        for sha256 in dict.fromkeys(papers.files.values()):
            await self._copy(sha256, case.id, files / sha256)
        printed = await self._printer.space(self._values(papers, actor.name, now), dated=now)
        package = await self._packer.pack(
            work,
            parts=[("attachments", files)] if papers.files else [],
            texts=[("space.pdf", printed), *papers.texts],
            about=json.dumps(papers.about, ensure_ascii=False).encode(),
        )
        async with self._units.write() as unit:
            await record_act(
                unit, actor, kind=ActKind.SPACE_EXPORTED, chain_id=case.id, at=now,
                payload={"files": len(package.files)}, objects=(ActObject(package.sha256, package.size_bytes),),
            )  # fmt: skip
        return Export(package.path, f"案件空间-{case.number}.zip", package.size_bytes, package.sha256)

    async def _check_room(self, papers: Papers, work: Path) -> None:
        sizes = {str(one["path"]): int(str(one["bytes"])) for one in papers.attachments}
        # Once as files, once in the package.
        wanted = 2 * sum(sizes.values()) + _KEPT_FREE_BYTES
        if (await asyncio.to_thread(shutil.disk_usage, work)).free < wanted:
            raise DiskFull(
                "disk.reserved",
                zh="服务器存储空间不足，暂时无法导出",
                en="Too little disk space is left on the server to make the export",
                retry_after_s=300,
            )

    async def _copy(self, sha256: str, case_id: CaseId, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            async for piece in self._objects.read(sha256, case_id=case_id):
                await asyncio.to_thread(file.write, piece)

    def _values(self, papers: Papers, reader: str, now: datetime) -> dict[str, object]:
        zone = self._profile.time_zone
        lanes = []
        for lane in papers.printed:
            rows = lane["rows"]
            assert isinstance(rows, list)
            shown = [{**row, "at": f"{row['at'].astimezone(zone):%Y-%m-%d %H:%M}"} for row in rows]
            lanes.append({"name": lane["name"], "rows": shown})
        about = papers.about
        return {
            "court": about["court"], "case_number": about["case_number"], "cause": about["cause"],
            "as_of": f"{now.astimezone(zone):%Y-%m-%d %H:%M}", "reader": reader, "lanes": lanes,
            "members": about["members"], "files": papers.attachments,
        }  # fmt: skip


def _work_folder(spool: Path) -> Path:
    spool.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=spool, prefix="export-"))
