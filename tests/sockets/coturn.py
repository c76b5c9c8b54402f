"""The distribution's coturn on loopback, with the policy of docs/OPERATIONS.md and a certificate of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from hearing_server.local_tls import self_made_certificate

SECRET: Final = "a secret that two servers share"
START_S: Final = 20.0
needs_coturn = pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")


@dataclass(frozen=True, slots=True)
class Coturn:
    """A running one. `certificate`: what a client of `tls_port` must trust."""

    port: int
    tls_port: int
    certificate: Path

    def url(self, transport: str) -> str:
        """As in `media.turn_urls`; `transport`: udp, tcp or tls."""
        if transport == "tls":
            return f"turns:127.0.0.1:{self.tls_port}?transport=tcp"
        return f"turn:127.0.0.1:{self.port}?transport={transport}"


@asynccontextmanager
async def coturn() -> AsyncIterator[Coturn]:
    """Started, and answering on both ports."""
    port, tls_port = _free_ports(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, key = self_made_certificate(folder, "127.0.0.1")
        running = Coturn(port, tls_port, certificate)
        # Only loopback is different from a real one: there a peer on it would be an attacker's.
        config = folder / "turnserver.conf"
        config.write_text(
            "\n".join(
                (
                    f"listening-port={port}", f"tls-listening-port={tls_port}",
                    f"cert={certificate}", f"pkey={key}", "no-tlsv1", "no-tlsv1_1", "no-dtls",
                    "listening-ip=127.0.0.1", "relay-ip=127.0.0.1",
                    "use-auth-secret", f"static-auth-secret={SECRET}", "realm=court.example",
                    "no-cli", "no-multicast-peers", "no-rfc5780", "stale-nonce=600",
                    "denied-peer-ip=0.0.0.0-255.255.255.255", "allowed-peer-ip=127.0.0.1", "allow-loopback-peers",
                    "no-stdout-log", f"log-file={folder}/log", "simple-log", f"pidfile={folder}/pid",
                    f"userdb={folder}/db",
                )
            )
        )  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            "turnserver", "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_S):
                for each in (port, tls_port):
                    await _answers(process, each)
            yield running
        finally:
            process.kill()  # it has nothing to save, and takes seconds over a polite end
            await process.wait()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


async def _answers(process: asyncio.subprocess.Process, port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert process.returncode is None, "coturn did not start"
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
