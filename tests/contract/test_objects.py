"""The object store keeps bytes by case and hash: one contract for folder, memory and bucket, clear and sealed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from hearing_server.adapters.case_keys import CaseKeys, WrappingKeys, wrapping_keys
from hearing_server.adapters.object_places import open_objects
from hearing_server.adapters.objects import StoredObjects, local_objects, local_store
from hearing_server.adapters.sealed_bytes import CHUNK_BYTES, HEADER_BYTES
from hearing_server.errors import Unavailable
from hearing_server.settings import StorageSettings
from tests.contract.bucket import ACCESS, s3_server

CASE = "cas_1"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server("evidence") as address:
        yield address


def storage(data_dir: Path, **changes: object) -> StorageSettings:
    return StorageSettings.model_validate({"data_dir": data_dir, **changes})


@pytest.fixture(params=["folder", "sealed folder", "memory", "sealed bucket", "bucket"])
async def objects(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> StoredObjects:
    if request.param == "memory":
        return StoredObjects(MemoryStore())
    settings = storage(tmp_path, encrypt_objects=request.param.startswith("sealed"))
    if request.param.endswith("bucket"):
        for name, value in ACCESS.items():
            monkeypatch.setenv(name, value)
        changes = {
            "s3_bucket": "evidence",
            "s3_endpoint": request.getfixturevalue("bucket"),
            "s3_prefix": secrets.token_hex(4),
        }
        settings = settings.model_copy(update=changes)
    return await open_objects(settings)


async def content(objects: StoredObjects, sha256: str, *, case_id: str = CASE, **part: int) -> bytes:
    return b"".join([piece async for piece in objects.read(sha256, case_id=case_id, **part)])


async def test_bytes__stored__come_back_under_their_hash(objects: StoredObjects) -> None:
    data = bytes(range(256)) * 3000
    sha256 = await objects.put(data, case_id=CASE)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert await objects.size_bytes(sha256, case_id=CASE) == len(data)
    assert await content(objects, sha256) == data


async def test_file__stored_twice__is_there_once_and_its_source_untouched(
    objects: StoredObjects, tmp_path: Path
) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"evidence" * 400_000)
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    for _ in range(2):
        await objects.put_file(source, sha256=sha256, case_id=CASE)
    assert await content(objects, sha256) == source.read_bytes()
    stored = [path for path in (tmp_path / "objects" / "cases").rglob("*") if path.is_file()]
    assert len(stored) <= 1


@pytest.mark.parametrize(
    ("start", "until"),
    [(0, 1), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (5, 3 * CHUNK_BYTES + 2), (3 * CHUNK_BYTES, 10**9)],
)
async def test_part__asked_for__is_that_part(objects: StoredObjects, start: int, until: int) -> None:
    data = secrets.token_bytes(3 * CHUNK_BYTES + 100)
    sha256 = await objects.put(data, case_id=CASE)
    assert await content(objects, sha256, start=start, until=until) == data[start:until]


async def test_unknown_hash_or_other_case__asked_for__is_said_to_be_missing(objects: StoredObjects) -> None:
    sha256 = await objects.put(b"of one case", case_id=CASE)
    for case_id, wanted in ((CASE, "0" * 64), ("cas_2", sha256)):
        assert await objects.size_bytes(wanted, case_id=case_id) is None
        with pytest.raises(Unavailable, match="missing"):
            await content(objects, wanted, case_id=case_id)


async def test_folder__opened_again__still_has_everything(tmp_path: Path) -> None:
    sha256 = await local_objects(tmp_path).put(b"kept", case_id=CASE)
    assert await content(local_objects(tmp_path), sha256) == b"kept"


async def test_sealed_file__one_byte_changed__is_refused_and_the_rest_of_the_store_serves(
    tmp_path: Path,
) -> None:
    objects = await open_objects(storage(tmp_path))
    sha256, other = [await objects.put(data * 50, case_id=CASE) for data in (b"evidence", b"message")]
    stored = next((tmp_path / "objects" / "cases").rglob(sha256))
    damaged = bytearray(stored.read_bytes())
    assert b"evidence" not in damaged
    damaged[HEADER_BYTES + 3] ^= 1
    stored.write_bytes(damaged)
    with pytest.raises(Unavailable) as caught:
        await content(objects, sha256)
    assert caught.value.code == "object.damaged"
    assert await content(objects, other) == b"message" * 50


async def test_wrapping_key__changed__opens_old_objects_and_wraps_their_keys_anew(tmp_path: Path) -> None:
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    store = local_store(tmp_path / "objects")
    before = StoredObjects(store, tmp_path / "objects", keys=CaseKeys(store, WrappingKeys(old)))
    sha256 = await before.put(b"sealed before", case_id=CASE)

    stranger = StoredObjects(store, keys=CaseKeys(store, WrappingKeys(new)))
    with pytest.raises(Unavailable) as caught:
        await content(stranger, sha256)
    assert caught.value.code == "keys.unknown"

    keys = CaseKeys(store, WrappingKeys(new, [old]))
    assert await content(StoredObjects(store, keys=keys), sha256) == b"sealed before"
    assert (await keys.rewrap(), await keys.rewrap()) == (1, 0)
    assert (
        await content(StoredObjects(store, keys=CaseKeys(store, WrappingKeys(new))), sha256)
        == b"sealed before"
    )


async def test_keys__of_one_case__are_made_once_by_two_processes(tmp_path: Path) -> None:
    store, key = local_store(tmp_path), secrets.token_bytes(32)
    one, two = CaseKeys(store, WrappingKeys(key)), CaseKeys(store, WrappingKeys(key))
    assert await one.key_of(CASE) == await two.key_of(CASE)
    assert await one.key_of("cas_2") != await one.key_of(CASE)


async def test_wrapping_key__from_a_command_a_file_or_nowhere__is_found_or_refused(tmp_path: Path) -> None:
    file, key = tmp_path / "wrapping.key", secrets.token_bytes(32)
    file.write_text(key.hex() + "\n")
    by_file = await wrapping_keys(tmp_path, file=file, command=(), older=())
    by_command = await wrapping_keys(tmp_path, file=None, command=("cat", str(file)), older=())
    assert by_file.current == by_command.current == WrappingKeys(key).current
    made = await wrapping_keys(tmp_path, file=None, command=(), older=(file,))
    assert made.current == (await wrapping_keys(tmp_path, file=None, command=(), older=())).current

    for command in (("false",), ("/no/such/program",)):
        with pytest.raises(Unavailable) as caught:
            await wrapping_keys(tmp_path, file=None, command=command, older=())
        assert caught.value.code == "keys.unavailable"
    file.write_text("too short")
    with pytest.raises(Unavailable) as caught:
        await wrapping_keys(tmp_path, file=file, command=(), older=())
    assert caught.value.code == "keys.damaged"


async def test_bucket__that_does_not_answer__is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("hearing_server.adapters.object_places._RETRY_S", 0.1)
    nobody = "http://127.0.0.1:9"
    objects = await open_objects(
        storage(tmp_path, s3_bucket="evidence", s3_endpoint=nobody, encrypt_objects=False)
    )
    with pytest.raises(Unavailable) as caught:
        await objects.put(b"evidence", case_id=CASE)
    assert caught.value.code == "object.store"
