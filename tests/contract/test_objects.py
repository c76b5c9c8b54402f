"""The object store keeps bytes by their hash: one contract, on a local folder and in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from hearing_server.adapters.objects import StoredObjects, local_objects
from hearing_server.errors import Unavailable


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> StoredObjects:
    return local_objects(tmp_path / "objects") if request.param == "folder" else StoredObjects(MemoryStore())


async def content(objects: StoredObjects, sha256: str) -> bytes:
    return b"".join([piece async for piece in objects.read(sha256)])


async def test_bytes__stored__come_back_under_their_hash(objects: StoredObjects) -> None:
    data = bytes(range(256)) * 3000
    sha256 = await objects.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert await objects.size_bytes(sha256) == len(data)
    assert await content(objects, sha256) == data


async def test_file__stored_twice__is_there_once_and_its_source_untouched(
    objects: StoredObjects, tmp_path: Path
) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"evidence" * 50_000)
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    for _ in range(2):
        await objects.put_file(source, sha256=sha256)
    assert await content(objects, sha256) == source.read_bytes()
    stored = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert len(stored) <= 1


async def test_unknown_hash__asked_for__is_said_to_be_missing(objects: StoredObjects) -> None:
    assert await objects.size_bytes("0" * 64) is None
    with pytest.raises(Unavailable, match="missing"):
        await content(objects, "0" * 64)


async def test_folder__opened_again__still_has_everything(tmp_path: Path) -> None:
    sha256 = await local_objects(tmp_path).put(b"kept")
    assert await content(local_objects(tmp_path), sha256) == b"kept"
