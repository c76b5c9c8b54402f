"""Half-sent files: whatever is torn off, what was settled is there, and nothing else is believed."""

from __future__ import annotations

import errno
import hashlib
import secrets
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearing_server.adapters.uploads.part_file import Mark, PartFile
from hearing_server.adapters.uploads.records import ForeignFile
from recorder.durable import Disk, SystemCalls

KEY = secrets.token_bytes(32)
KEYS = pytest.mark.parametrize("key", [KEY, None], ids=["sealed", "in the clear"])


class FailingCalls(SystemCalls):
    """Fails one kind of call while told so; a failing write takes half of it first, as a full disk does."""

    def __init__(self) -> None:
        self.failing = ""

    def write(self, fd: int, data: memoryview) -> int:
        if self.failing == "write":
            super().write(fd, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "full")
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        if self.failing == "sync":
            raise OSError(errno.EIO, "sync")
        super().fdatasync(fd)


def fresh(folder: Path, key: bytes | None) -> Path:
    path = folder / "att_1.part"
    path.unlink(missing_ok=True)
    PartFile.create(path, key, "att_1", disk=Disk())
    return path


def opened(path: Path, key: bytes | None, *, mark: Mark | None = None, disk: Disk | None = None) -> PartFile:
    return PartFile(path, key, "att_1", mark=mark, disk=disk or Disk())


@KEYS
def test_file__written_and_opened_by_another_process__goes_on_with_bytes_and_hash(
    tmp_path: Path, key: bytes | None
) -> None:
    path = fresh(tmp_path, key)
    parts = [secrets.token_bytes(size) for size in (1, 300_000, 70_000)]
    for part in parts:
        file = opened(path, key)
        file.write(part)
        file.settle()
        file.close()
    file = opened(path, key)
    whole = b"".join(parts)
    assert file.size_bytes == len(whole)
    assert file.sha256() == hashlib.sha256(whole).hexdigest()
    assert b"".join(file.read()) == whole
    file.close()
    if key is not None:
        assert parts[1][:64] not in path.read_bytes()


@KEYS
@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=0, max_value=900), flip=st.booleans())
def test_file__torn_or_flipped_anywhere__keeps_a_true_beginning(
    tmp_path_factory: pytest.TempPathFactory, key: bytes | None, cut: int, flip: bool
) -> None:
    path = fresh(tmp_path_factory.mktemp("torn"), key)
    file, parts = opened(path, key), [bytes([number]) * 100 for number in range(8)]
    for part in parts:
        file.write(part)
    file.close()
    data = bytearray(path.read_bytes())
    at = 64 + cut % (len(data) - 64)
    if flip:
        data[at] ^= 0x55
    else:
        del data[at:]
    path.write_bytes(data)
    again = opened(path, key)
    held = b"".join(again.read())
    assert b"".join(parts).startswith(held)
    assert len(held) % 100 == 0
    assert len(held) < 800
    assert again.sha256() == hashlib.sha256(held).hexdigest()
    again.write(b"after")
    again.close()
    assert b"".join(opened(path, key).read()) == held + b"after"


@KEYS
def test_tentative_bytes__until_confirmed__count_for_nobody(tmp_path: Path, key: bytes | None) -> None:
    path = fresh(tmp_path, key)
    file = opened(path, key)
    file.write(b"firm")
    file.write(b"perhaps" * 100_000, tentative=True)
    assert (file.size_bytes, file.sha256()) == (4, hashlib.sha256(b"firm").hexdigest())
    # The process dies here: its lock goes with its descriptor.
    copied = path.with_name("att_1.copy")
    copied.write_bytes(path.read_bytes())
    found = PartFile(copied, key, "att_1", mark=None, disk=Disk())
    assert (found.size_bytes, b"".join(found.read())) == (4, b"firm")
    file.drop_tentative()
    file.write(b"yes", tentative=True)
    file.confirm()
    mark = file.close()
    again = opened(path, key, mark=mark)
    assert (again.size_bytes, b"".join(again.read())) == (7, b"firmyes")
    again.close()
    assert b"".join(opened(path, key).read()) == b"firmyes"


@KEYS
def test_disk__full_in_the_middle__keeps_what_was_there_and_goes_on_later(
    tmp_path: Path, key: bytes | None
) -> None:
    path, calls = fresh(tmp_path, key), FailingCalls()
    file = opened(path, key, disk=Disk(calls))
    file.write(b"before")
    file.settle()
    calls.failing = "write"
    with pytest.raises(OSError, match="full"):
        file.write(b"lost" * 1000)
    assert file.size_bytes == 6
    calls.failing = ""
    file.write(b" and after")
    file.settle()
    mark = file.close()
    assert mark.size_bytes == 16
    assert b"".join(opened(path, key).read()) == b"before and after"


@KEYS
def test_sync__refused__takes_back_what_was_not_safe_yet(tmp_path: Path, key: bytes | None) -> None:
    path, calls = fresh(tmp_path, key), FailingCalls()
    file = opened(path, key, disk=Disk(calls))
    file.write(b"safe")
    file.settle()
    file.write(b"unsafe")
    calls.failing = "sync"
    with pytest.raises(OSError, match="sync"):
        file.settle()
    calls.failing = ""
    assert file.size_bytes == 4, "what was not synced may be gone: it is asked for again"
    file.write(b" again")
    file.settle()
    file.close()
    assert b"".join(opened(path, key).read()) == b"safe again"


def test_file__of_another_key_or_upload__is_not_opened(tmp_path: Path) -> None:
    path = fresh(tmp_path, KEY)
    for key, name in ((secrets.token_bytes(32), "att_1"), (KEY, "att_2"), (None, "att_1")):
        with pytest.raises(ForeignFile):
            PartFile(path, key, name, mark=None, disk=Disk())


def test_file__open_twice__belongs_to_the_first(tmp_path: Path) -> None:
    path = fresh(tmp_path, None)
    first = opened(path, None)
    with pytest.raises(BlockingIOError):
        opened(path, None)
    first.close()
    opened(path, None).close()
