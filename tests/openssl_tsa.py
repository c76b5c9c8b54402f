"""A real time-stamping authority for tests: `openssl ts` behind a few lines of HTTP, with keys made on the spot."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

_CONFIG = """
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class OpenSslTsa:
    """`mood`: what it does with the next requests: honest, silent (503), rubbish, replay (an old answer again)."""

    folder: Path
    url: str = ""
    mood: str = "honest"
    asked: int = 0
    _first: bytes = field(default=b"", repr=False)

    @property
    def roots(self) -> Path:
        return self.folder / "ca.pem"

    def make_keys(self) -> None:
        """A root, and a certificate under it that may do nothing but stamp."""

        def run(*words: str) -> None:
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

        self.folder.mkdir(parents=True, exist_ok=True)
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        run(
            "req",
            "-x509",
            *new_key,
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "36500",
            "-subj",
            "/CN=Test Root",
        )
        run("req", *new_key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA")
        (self.folder / "ext").write_text(
            "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
        )
        run(
            "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem",
            "-days", "36500", "-extfile", "ext",
        )  # fmt: skip
        (self.folder / "serial").write_text("01\n")
        (self.folder / "tsa.cnf").write_text(_CONFIG.format(folder=self.folder))

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.mood == "silent":
            return web.Response(status=503)
        if self.mood == "rubbish":
            return web.Response(body=b"\x30\x03\x02\x01\x02")
        if self.mood == "replay":
            return web.Response(body=self._first)
        body = await asyncio.to_thread(self._stamp, await request.read())
        self._first = self._first or body
        return web.Response(body=body, content_type="application/timestamp-reply")

    def _stamp(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        # Without -chain: OpenSSL 3.0 writes the certificates of a chain unsorted, which strict DER refuses.
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-signer", "tsa.pem",
             "-inkey", "tsa.key", "-out", "reply"],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip
        return (self.folder / "reply").read_bytes()


@asynccontextmanager
async def openssl_tsa(folder: Path) -> AsyncIterator[OpenSslTsa]:
    """Serving on a free loopback port."""
    tsa = OpenSslTsa(folder)
    await asyncio.to_thread(tsa.make_keys)
    app = web.Application()
    app.router.add_post("/", tsa.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        tsa.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield tsa
    finally:
        await runner.cleanup()
