"""The witness over real HTTP in its own process: every answer of C2SP tlog-witness, and logs that lie."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.adapters.trust.witness_client import HttpWitness
from hearing_server.domain.trust.checkpoints import Checkpoint, Cosigned, read_cosignature, sign_checkpoint
from hearing_server.domain.trust.growth import growth_request
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import KeyKind, SigningKey, VerifierKey, read_signatures
from hearing_server.errors import Unavailable
from hearing_server.ports.act_log import WitnessSize
from tests.unit.domain.test_merkle import mth, some, subproof

LOG = SigningKey.from_seed("court.example/acts", KeyKind.LOG, b"\1" * 32)
STRANGER = SigningKey.from_seed("stranger.example/log", KeyKind.LOG, b"\2" * 32)
IMPOSTOR = SigningKey.from_seed("court.example/acts", KeyKind.LOG, b"\3" * 32)
LIE = b"another past"


@dataclass
class RunningWitness:
    """A witness process, and our end to it."""

    process: asyncio.subprocess.Process
    client: HttpWitness
    posts: HttpPosts
    folder: Path

    @property
    def key(self) -> VerifierKey:
        return self.client.key

    async def post(self, body: str) -> tuple[int, str]:
        status, answer = await self.posts.post(
            f"{self.client.url}/add-checkpoint", body.encode(), content_type="text/plain"
        )
        return status, answer.decode()


@asynccontextmanager
async def running_witness(
    folder: Path, *logs: VerifierKey, name: str = "w.example"
) -> AsyncIterator[RunningWitness]:
    policy = folder / "logs.txt"
    policy.write_text("".join(f"log {key.text()}\n" for key in logs) + "quorum none\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "witness", "--folder", str(folder / "witness"), "--name", name,
        "--logs", str(policy), "--port", "0", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    posts = HttpPosts()
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            key, url, *_ = (await process.stdout.readline()).decode().split()
        yield RunningWitness(
            process, HttpWitness(VerifierKey.parse(key), url, posts), posts, folder / "witness"
        )
    finally:
        await posts.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
async def witness(tmp_path: Path) -> AsyncIterator[RunningWitness]:
    async with running_witness(tmp_path, LOG.verifier) as running:
        yield running


def note(size: int, *, past: bytes | None = None, key: SigningKey = LOG) -> str:
    return sign_checkpoint(Checkpoint(key.name, TreeHead(size, mth(entries(size, past)))), key)


def entries(size: int, past: bytes | None) -> list[bytes]:
    found = some(size)
    if past is not None and found:
        found[0] = past
    return found


def request(old: int, new: int, *, past: bytes | None = None, key: SigningKey = LOG) -> str:
    proof = subproof(old, entries(new, past), True) if 0 < old <= new else []
    return growth_request(old, proof, note(new, past=past, key=key))


def cosigned(witness: RunningWitness, size: int, lines: str) -> Cosigned:
    said = read_cosignature(note(size).partition("\n\n")[0] + "\n", read_signatures(lines)[0], witness.key)
    assert said is not None
    return said


async def test_witness__shown_growth__cosigns_each_checkpoint(witness: RunningWitness) -> None:
    for old, new in ((0, 4), (4, 4), (4, 9), (9, 300)):
        status, lines = await witness.post(request(old, new))
        assert status == 200
        said = cosigned(witness, new, lines)
        assert abs(said.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert witness.key.kind is KeyKind.WITNESS


async def test_witness__shown_lies__answers_as_the_specification_says(witness: RunningWitness) -> None:
    assert (await witness.post(request(0, 10)))[0] == 200
    for body, status, answer in (
        (request(0, 12), 409, "10\n"),  # the size it is at, for who doesn't know
        (request(5, 12), 409, "10\n"),
        (request(10, 10, past=LIE), 409, "10\n"),  # a fork of the same size
        (request(0, 6), 409, "10\n"),  # rollback
        (request(12, 11), 400, None),  # older than new
        (growth_request(10, [], note(12)), 422, None),
        (request(10, 12, past=LIE), 422, None),  # a true proof of a false tree
        (request(0, 3, key=STRANGER), 404, None),
        (request(10, 12, key=IMPOSTOR), 403, None),
        ("", 400, None),
        ("old 1\n", 400, None),
        (request(10, 12).replace("old 10", "old 010"), 400, None),
        (request(10, 12).replace("\n12\n", "\n13\n"), 403, None),
    ):
        got, said = await witness.post(body)
        assert got == status
        assert answer is None or said == answer
    assert (await witness.post(request(10, 12)))[0] == 200
    evidence = [file.read_text() for file in (witness.folder / "evidence").iterdir()]
    # The fork, the unproven growth and the false tree are kept with the log's own signature on them.
    assert len(evidence) == 3
    assert any(note(10, past=LIE) in text for text in evidence)


async def test_witness__killed_and_started_again__remembers(tmp_path: Path) -> None:
    async with running_witness(tmp_path, LOG.verifier) as first:
        assert (await first.post(request(0, 7)))[0] == 200
        os.kill(first.process.pid, signal.SIGKILL)
        await first.process.wait()
    async with running_witness(tmp_path, LOG.verifier) as again:
        assert again.key == first.key
        assert await again.post(request(0, 7)) == (409, "7\n")
        assert (await again.post(request(7, 7, past=LIE)))[0] == 409
        assert (await again.post(request(7, 8)))[0] == 200


async def test_witness__two_requests_at_once__never_both_pass_from_one_size(witness: RunningWitness) -> None:
    assert (await witness.post(request(0, 5)))[0] == 200
    answers = await asyncio.gather(*(witness.post(request(5, 5 + more)) for more in range(1, 9)))
    assert sorted(status for status, _ in answers) == [200, *([409] * 7)]


async def test_client__asks_a_witness__and_tells_apart_what_is_wrong(witness: RunningWitness) -> None:
    client = witness.client
    assert await client.add_checkpoint(3, (), note(3)) == WitnessSize(0)
    lines = await client.add_checkpoint(0, (), note(3))
    assert isinstance(lines, str)
    cosigned(witness, 3, lines)
    for sent, code in (
        (note(4, key=STRANGER), "witness.unknown_log"),
        (note(4, key=IMPOSTOR), "witness.unknown_log"),
        (note(4), "witness.refused"),
    ):
        with pytest.raises(Unavailable) as refused:
            await client.add_checkpoint(3, (), sent)
        assert refused.value.code == code
    witness.process.terminate()
    await witness.process.wait()
    with pytest.raises(Unavailable) as down:
        await client.add_checkpoint(3, (), note(4))
    assert down.value.code == "witness.down"
