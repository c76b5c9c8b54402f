"""The witness: a small program that any second organisation runs. C2SP tlog-witness: `POST /add-checkpoint`.

It cosigns a log's checkpoint when that is what it cosigned last, grown; it sees sizes and hashes and nothing else. Its
key and memory are a `KeyFolder`, the logs it knows a `tlog-policy` file. What looks like two histories is kept in
`evidence/`: a checkpoint signed by the log, beside the one remembered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from hearing_server.adapters.trust.key_folder import KeyFolder
from hearing_server.adapters.trust.policy_file import read_policy
from hearing_server.domain.trust.checkpoints import Checkpoint, cosign, open_checkpoint
from hearing_server.domain.trust.growth import Refusal, read_growth_request, refusal, state_text
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import KeyKind, Note, VerifierKey
from recorder.durable import Disk

_log = logging.getLogger(__name__)
# 63 hashes and a note with a hundred signatures.
_BODY_BYTES = 64 * 1024
# Anybody may show us a log's own checkpoint with a wrong proof: what is kept must not fill the disk.
_MOST_EVIDENCE = 1000
_SIZE_TYPE = "text/x.tlog.size"


class WitnessServer:
    """`folder` holds key, memory and evidence; `logs` are the keys of the logs it cosigns for."""

    def __init__(
        self,
        folder: Path,
        name: str,
        logs: tuple[VerifierKey, ...],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = KeyFolder.open(folder, name, KeyKind.WITNESS)
        self._logs = {key.name: tuple(k for k in logs if k.name == key.name) for key in logs}
        self._evidence = folder / "evidence"
        self._now = now
        self._disk = Disk()
        self._turn = asyncio.Lock()

    @property
    def key(self) -> VerifierKey:
        return self._keys.key.verifier

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_BODY_BYTES)
        app.router.add_route("POST", "/add-checkpoint", self._add_checkpoint)
        app.router.add_route("GET", "/", self._about)
        return app

    async def _about(self, _: web.Request) -> web.Response:
        """The public key and the logs, for whoever sets up a log or a policy."""
        logs = "".join(f"log {key.text()}\n" for keys in self._logs.values() for key in keys)
        return web.Response(text=f"{self.key.text()}\n{logs}")

    async def _add_checkpoint(self, request: web.Request) -> web.Response:
        try:
            old, proof, text = read_growth_request((await request.read()).decode())
            note = Note.parse(text)
            origin = Checkpoint.parse(note.text).origin
        except ValueError:
            return web.Response(status=400, text="malformed\n")
        checkpoint = self._signed(origin, note)
        if isinstance(checkpoint, web.Response):
            return checkpoint
        # Compared and remembered in one turn: two requests at once must not both pass.
        async with self._turn:
            seen = self._keys.seen(origin)
            why = refusal(seen, old, proof, checkpoint.head)
            if why is None:
                if checkpoint.head != seen:
                    await asyncio.to_thread(self._keys.remember, origin, checkpoint.head)
                return web.Response(text=cosign(note.text, self._keys.key, at=self._now()))
            if _is_suspect(why, seen, checkpoint.head):
                _log.error("a log shows another history", extra={"origin": origin})
                await asyncio.to_thread(self._keep_evidence, origin, seen, note)
        return _answer(why, seen)

    def _signed(self, origin: str, note: Note) -> Checkpoint | web.Response:
        """The checkpoint when one of the keys we know for this log signed it."""
        keys = self._logs.get(origin)
        if keys is None:
            return web.Response(status=404, text="unknown log\n")
        for key in keys:
            try:
                return open_checkpoint(note, key)
            except ValueError:
                continue
        return web.Response(status=403, text="no signature of a known key\n")

    def _keep_evidence(self, origin: str, seen: TreeHead, note: Note) -> None:
        self._disk.make_folder(self._evidence)
        if sum(1 for _ in self._evidence.iterdir()) >= _MOST_EVIDENCE:
            return
        name = f"{self._now():%Y%m%dT%H%M%S%f}.txt"
        text = f"remembered:\n{state_text(origin, seen)}\nshown:\n{note.whole()}"
        self._disk.replace_file(self._evidence / name, text.encode())


def _is_suspect(why: Refusal, seen: TreeHead, shown: TreeHead) -> bool:
    """Two roots of one size, or growth that its own proof doesn't show."""
    return why is Refusal.INCONSISTENT or (shown.size == seen.size and shown.root != seen.root)


def _answer(why: Refusal, seen: TreeHead) -> web.Response:
    if why is Refusal.CONFLICT:
        return web.Response(status=409, body=f"{seen.size}\n".encode(), content_type=_SIZE_TYPE)
    return web.Response(status=400 if why is Refusal.MALFORMED else 422, text=f"{why.value}\n")


@asynccontextmanager
async def serving_witness(server: WitnessServer, host: str, port: int) -> AsyncIterator[int]:
    """Serve; gives the port it listens on."""
    runner = web.AppRunner(server.app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def run_witness(folder: Path, name: str, logs: Path, host: str, port: int) -> None:
    """Serve until cancelled; the first line says the key and where. Errors: Invalid `trust.policy`."""
    known = read_policy(logs).logs
    server = WitnessServer(folder, name, known)
    async with serving_witness(server, host, port) as bound:
        print(f"{server.key.text()} http://{host}:{bound} {len(known)} log(s)", flush=True)
        await asyncio.Event().wait()
