"""The signer as a real process: it signs growth and nothing else, remembers through kill -9, and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hearing_server.adapters.trust.key_folder import KeyFolder
from hearing_server.adapters.trust.signer_link import SignerLink
from hearing_server.adapters.trust.signer_process import Signing
from hearing_server.domain.trust.checkpoints import Checkpoint, open_checkpoint
from hearing_server.domain.trust.growth import growth_request
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import KeyKind, Note
from hearing_server.errors import Unavailable
from recorder.durable import Disk
from tests.unit.domain.test_merkle import mth, some, subproof

ORIGIN = "court.example/acts"


def head(size: int, *, past: bytes | None = None) -> TreeHead:
    entries = some(size)
    if past is not None:
        entries[0] = past
    return TreeHead(size, mth(entries))


def proof(old: int, new: int, *, past: bytes | None = None) -> tuple[bytes, ...]:
    entries = some(new)
    if past is not None:
        entries[0] = past
    return tuple(subproof(old, entries, True)) if old else ()


@pytest.fixture
async def signer(tmp_path: Path) -> AsyncIterator[SignerLink]:
    link = SignerLink(origin=ORIGIN, folder=tmp_path / "signer", socket_path=None)
    yield link
    await link.close()


async def sign(signer: SignerLink, old: int, new: int, **lie: bytes) -> str:
    return await signer.sign(old, proof(old, new, **lie), Checkpoint(ORIGIN, head(new, **lie)))


async def test_signer__asked_for_growth__signs_and_remembers(signer: SignerLink, tmp_path: Path) -> None:
    key, seen = await signer.state()
    assert (key.name, key.kind, seen.size) == (ORIGIN, KeyKind.LOG, 0)
    for old, new in ((0, 3), (3, 3), (3, 10), (10, 11)):
        note = await sign(signer, old, new)
        assert open_checkpoint(Note.parse(note), key).head == head(new)
    assert (await signer.state())[1] == head(11)
    assert stat.S_IMODE((tmp_path / "signer" / "signing.key").stat().st_mode) == 0o600
    assert (tmp_path / "signer" / "verifier.txt").read_text() == f"{key.text()}\n"


async def test_signer__shown_a_rollback_or_a_fork__refuses_and_stays_where_it_was(signer: SignerLink) -> None:
    await sign(signer, 0, 10)
    lies: list[tuple[int, tuple[bytes, ...], TreeHead]] = [
        (10, (), head(10, past=b"another past")),  # a fork of the same size
        (10, proof(10, 12, past=b"another past"), head(12, past=b"another past")),  # grown from another past
        (10, proof(10, 12), head(12, past=b"another past")),
        (8, proof(8, 12), head(12)),  # as if the last two had never been signed
        (5, (), head(5)),  # rollback
        (0, (), head(5)),
        (0, (), head(12)),  # a fresh start
        (10, (), head(12)),  # without a proof
    ]
    for old, hashes, shown in lies:
        with pytest.raises(Unavailable) as refused:
            await signer.sign(old, hashes, Checkpoint(ORIGIN, shown))
        assert refused.value.code == "signer.refused"
    with pytest.raises(Unavailable):
        await signer.sign(10, proof(10, 12), Checkpoint("other.example/acts", head(12)))
    assert (await signer.state())[1] == head(10)
    await sign(signer, 10, 12)


async def test_signer__killed_at_any_moment__comes_back_with_all_it_signed(signer: SignerLink) -> None:
    size = 0
    for _ in range(4):
        await sign(signer, size, size + 2)
        size += 2
        assert signer.pid is not None
        asking = asyncio.create_task(sign(signer, size, size + 1))
        await asyncio.sleep(0)
        os.kill(signer.pid, signal.SIGKILL)
        answer = (await asyncio.gather(asking, return_exceptions=True))[0]
        if isinstance(answer, str):
            size += 1
        else:
            assert isinstance(answer, Unavailable)
            assert answer.code == "signer.down"
        _, seen = await signer.state()
        # What it signed it knows; what it knows and didn't hand out any more can be asked for again.
        assert seen.size in (size, size + 1)
        assert seen == head(seen.size)
        size = seen.size


@pytest.mark.parametrize("fault", ["sync_data", "rename", "sync_folder", "create", "write"])
def test_signer__whose_disk_fails__gives_no_signature_away(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing = Signing(tmp_path, ORIGIN)

    def fail(*_: object) -> None:
        raise OSError(5, "EIO")

    def ask(old: int, new: int) -> bytes:
        growth = growth_request(old, proof(old, new), Checkpoint(ORIGIN, head(new)).text())
        return signing.answer(json.dumps({"op": "sign", "growth": growth}).encode())

    assert b"note" in ask(0, 4)
    with monkeypatch.context() as patched:
        patched.setattr(Disk, fault, fail)
        assert b"disk.5" in ask(4, 6)
    # Whether the six are on the disk is open; nobody has a signature on them, and both ways lead on.
    state = json.loads(signing.answer(b'{"op": "state"}'))
    assert state["size"] in (4, 6)
    assert b"note" in ask(state["size"], 7)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b"null", b'{"op": "sign"}', b'{"op": "sign", "growth": 1}', b"\xff"]
)
def test_signer__sent_rubbish__answers_that(tmp_path: Path, line: bytes) -> None:
    assert Signing(tmp_path, ORIGIN).answer(line) == b'{"refused": "malformed", "size": -1}\n'


def test_key_folder__in_a_state_nobody_should_sign_in__is_refused(tmp_path: Path) -> None:
    first = tmp_path / "first"
    KeyFolder.open(first, ORIGIN, KeyKind.LOG).remember(ORIGIN, head(3))

    def code(folder: Path, name: str = ORIGIN) -> str:
        script = (
            "import sys; from pathlib import Path\n"
            "from hearing_server.adapters.trust.key_folder import KeyFolder\n"
            "from hearing_server.domain.trust.signed_notes import KeyKind\n"
            "from hearing_server.errors import HearingError\n"
            "try: KeyFolder.open(Path(sys.argv[1]), sys.argv[2], KeyKind.LOG).seen(sys.argv[2])\n"
            "except HearingError as error: print(error.code)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder), name], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    # Held by this process.
    assert code(first) == "signing.busy"
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(first), str(copy)], check=True)
    assert code(copy) == ""
    assert code(copy, "other.example/acts") == "signing.other_name"
    state = next((copy / "heads").iterdir())
    state.write_text("rubbish\n")
    assert code(copy) == "signing.damaged"
    state.unlink()
    (copy / "heads").rmdir()
    assert code(copy) == "signing.heads_missing"
    (copy / "signing.key").write_text("rubbish")
    assert code(copy) == "signing.damaged"


async def test_signer__on_a_socket__serves_who_finds_it_there(tmp_path: Path) -> None:
    socket_path = tmp_path / "s"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "signer", "--folder", str(tmp_path / "keys"), "--origin", ORIGIN,
        "--socket", str(socket_path), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            said = (await process.stdout.readline()).decode()
        link = SignerLink(origin=ORIGIN, folder=tmp_path / "unused", socket_path=socket_path)
        key, _ = await link.state()
        assert key.text() in said
        assert open_checkpoint(Note.parse(await sign(link, 0, 3)), key).head == head(3)
        assert not (tmp_path / "unused").exists()
        await link.close()
    finally:
        process.terminate()
        await process.wait()
    with pytest.raises(Unavailable) as down:
        await SignerLink(origin=ORIGIN, folder=tmp_path / "unused", socket_path=socket_path).state()
    assert down.value.code == "signer.down"
