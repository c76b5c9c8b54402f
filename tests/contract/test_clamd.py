"""The virus scanner: a real clamd with one signature of our own where Debian's is installed, its protocol otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hearing_server.adapters.clamd import Clamd
from hearing_server.errors import Unavailable
from tests.court import running_court
from tests.rest.recorded import case_of
from tests.rest.tus_wire import begin, settled
from tests.sample_files import photo

# The harmless file that every scanner knows, in two parts so that no scanner takes this one.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


@contextlib.asynccontextmanager
async def real_clamd(folder: Path, marked: bytes) -> AsyncIterator[str]:
    """Debian's daemon with one signature: the hash of `marked`."""
    program = shutil.which("clamd")
    assert program is not None
    base, place = folder / "db", folder / "clamd.sock"
    base.mkdir()
    (base / "own.hdb").write_text(f"{hashlib.md5(marked).hexdigest()}:{len(marked)}:Court.Test\n")
    (folder / "clamd.conf").write_text(
        f"Foreground yes\nDatabaseDirectory {base}\nLocalSocket {place}\nStreamMaxLength 2M\n"
        f"TemporaryDirectory {folder}\nAlertExceedsMax yes\nMaxThreads 2\n"
        + ("User root\n" if os.getuid() == 0 else "")
    )
    process = await asyncio.create_subprocess_exec(
        program, "--config-file", str(folder / "clamd.conf"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            while not place.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield f"unix:{place}"
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def protocol_true_clamd(answer: bytes) -> AsyncIterator[str]:
    """Speaks INSTREAM as clamd(8) describes it and answers one thing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            while (size := struct.unpack(">I", await reader.readexactly(4))[0]) > 0:
                await reader.readexactly(size)
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.skipif(shutil.which("clamd") is None, reason="clamav-daemon is not installed here")
async def test_real_scanner__asked__finds_what_is_marked_and_nothing_else(tmp_path: Path) -> None:
    marked = b"marked " * 5000
    async with real_clamd(tmp_path, marked) as address:
        scanner = Clamd(address, max_bytes=10 << 20)
        assert (await scanner.scan(pieces(b"clean " * 100), size_bytes=600)).signature == ""
        found = await scanner.scan(pieces(marked), size_bytes=len(marked))
        assert found.signature == "Court.Test.UNOFFICIAL"
        # The daemon hangs up at its own limit, which the setting should name: either way nothing passes.
        with contextlib.suppress(Unavailable):
            long = await scanner.scan(pieces(bytes(3 << 20)), size_bytes=3 << 20)
            assert not long.is_whole
        assert not (await Clamd(address, max_bytes=2 << 20).scan(pieces(b""), size_bytes=3 << 20)).is_whole
        # The test file of all scanners needs the vendor's database, except where the engine knows it by itself.
        assert (await scanner.scan(pieces(EICAR), size_bytes=len(EICAR))).is_whole


@pytest.mark.parametrize(
    ("answer", "signature", "is_whole"),
    [
        (b"stream: OK\0", "", True),
        (b"stream: Eicar-Test-Signature FOUND\0", "Eicar-Test-Signature", True),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", "", False),
        (b"INSTREAM size limit exceeded. ERROR\0", "", False),
    ],
)
async def test_answers__each__are_read_as_they_are_meant(
    answer: bytes, signature: str, is_whole: bool
) -> None:
    async with protocol_true_clamd(answer) as address:
        verdict = await Clamd(address, max_bytes=1000).scan(pieces(b"abc"), size_bytes=3)
    assert (verdict.signature, verdict.is_whole) == (signature, is_whole)


@pytest.mark.parametrize("answer", [b"", b"stream: broken ERROR\0", b"OK", b"\0"])
async def test_anything_else__passes_nothing(answer: bytes) -> None:
    async with protocol_true_clamd(answer) as address:
        with pytest.raises(Unavailable) as down:
            await Clamd(address, max_bytes=1000).scan(pieces(b"abc"), size_bytes=3)
    assert down.value.code == "scanner.down"


async def test_scanner__away__files_wait_and_say_so__back__they_are_checked(tmp_path: Path) -> None:
    """With the daemon where it is installed; with its protocol elsewhere."""
    place = tmp_path / "scanner"
    place.mkdir()
    virus = EICAR + b"\nin a text"
    address = f"unix:{place / 'clamd.sock'}"
    async with running_court(tmp_path / "court", inspection={"clamd": address, "office": ""}) as court:
        case_id, _ = await case_of(court)
        async with court.party("林书瑶") as lin:
            picture = photo()
            clean = await begin(lin, case_id, len(picture), body=picture, filename="a.jpg")
            bad = await begin(lin, case_id, len(virus), body=virus, filename="a.txt")
            async with asyncio.timeout(30):
                while True:
                    facts = await lin.get(f"/attachments/{clean.rsplit('/', 1)[1]}/state")
                    if facts["waits_for"] == "scanner":
                        break
                    await asyncio.sleep(0.1)
            assert facts["state"] == "checking"
            async with _scanner_at(place, virus):
                assert (await settled(lin, clean))["state"] == "ready"
                facts = await settled(lin, bad)
            assert (facts["state"], facts["reason"]) == ("refused", "infected")


@contextlib.asynccontextmanager
async def _scanner_at(place: Path, virus: bytes) -> AsyncIterator[None]:
    if shutil.which("clamd") is not None:
        async with real_clamd(place, virus):
            yield
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        content = b""
        while (size := struct.unpack(">I", await reader.readexactly(4))[0]) > 0:
            content += await reader.readexactly(size)
        writer.write(b"stream: Eicar-Test-Signature FOUND\0" if content == virus else b"stream: OK\0")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, place / "clamd.sock")
    async with server:
        yield
