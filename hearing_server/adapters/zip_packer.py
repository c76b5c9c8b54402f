"""Packages as ZIP files: stored, not compressed, so that a damaged byte costs one file and media open in place."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from hearing_server.ports.archives import Package, PackedFile

LIST_NAME: Final = "package.json"
_PIECE_BYTES: Final = 1 << 20
# One moment for all: the same content gives the same bytes.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)


class ZipPacker:
    """`ports.archives.Packer`."""

    async def pack(
        self,
        spool: Path,
        *,
        parts: Sequence[tuple[str, Path]],
        texts: Sequence[tuple[str, bytes]],
        about: bytes,
    ) -> Package:
        return await asyncio.to_thread(_pack, spool, parts, texts, about)


def _pack(
    spool: Path, parts: Sequence[tuple[str, Path]], texts: Sequence[tuple[str, bytes]], about: bytes
) -> Package:
    spool.mkdir(parents=True, exist_ok=True)
    target = spool / f"package-{uuid.uuid4().hex}.zip"
    packed: list[PackedFile] = []
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for prefix, part in parts:
                for name, path in _files(prefix, part):
                    packed.append(_add_file(archive, name, path))
            for name, data in texts:
                packed.append(_add_bytes(archive, name, data))
            _add_bytes(archive, LIST_NAME, _listed(about, packed))
        sha256, size_bytes = _hashed(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Package(target, sha256, size_bytes, tuple(packed))


def _files(prefix: str, part: Path) -> Iterator[tuple[str, Path]]:
    """Regular files in a fixed order; links are nobody's record."""
    if part.is_file():
        yield prefix, part
    for root, folders, files in os.walk(part):
        folders.sort()
        for name in sorted(files):
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                yield f"{prefix}/{path.relative_to(part).as_posix()}", path


def _add_file(archive: zipfile.ZipFile, name: str, path: Path) -> PackedFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(_info(name), "w", force_zip64=True) as entry:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            entry.write(piece)
    return PackedFile(name, size, digest.hexdigest())


def _add_bytes(archive: zipfile.ZipFile, name: str, data: bytes) -> PackedFile:
    archive.writestr(_info(name), data)
    return PackedFile(name, len(data), hashlib.sha256(data).hexdigest())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.external_attr = 0o640 << 16
    return info


def _listed(about: bytes, packed: Sequence[PackedFile]) -> bytes:
    known = json.loads(about)
    known["files"] = [{"path": f.path, "bytes": f.size_bytes, "sha256": f.sha256} for f in packed]
    return json.dumps(known, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _hashed(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
