"""How fast a file gets into a court: MB/s through tus (received, hashed, sealed, synced) against `cp` and fsync.

    .venv/bin/python -m bench.upload [--quick]

Each round sends one file of text to a demo court in a process of its own (one PATCH, then PATCHes of 4 MiB as phones
send them), and copies the same bytes with `cp` and `sync` into the same folder in the same round. Beside it: the
server's processor time per MB, the memory it gained while four such uploads ran at once, and how long the look into a
document took from the last byte to its verdict.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.court import Court
from bench.measure import Figure, cpu_s, figure, print_result, resident_mb, spread
from hearing_server.robots.court_client import CourtClient

_MIB = 1 << 20
_PATCH_BYTES = 4 * _MIB
_TUS = {"Tus-Resumable": "1.0.0"}
_AT_ONCE = 4


async def _begin(person: CourtClient, case_id: str, size_bytes: int) -> str:
    said = {"case_id": case_id, "filename": "film.txt"}
    words = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    headers = _TUS | {"Upload-Length": str(size_bytes), "Upload-Metadata": words}
    async with person.http.post(f"{person.url}/api/v1/uploads", headers=headers) as answer:
        answer.raise_for_status()
        return str(answer.headers["Location"])


async def _send(person: CourtClient, path: str, content: bytes, patch_bytes: int) -> float:
    """Seconds until everything was acknowledged."""
    began_s = time.perf_counter()
    for at in range(0, len(content), patch_bytes):
        headers = _TUS | {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
        body = io.BytesIO(content[at : at + patch_bytes])
        async with person.http.patch(f"{person.url}{path}", data=body, headers=headers) as answer:
            answer.raise_for_status()
    return time.perf_counter() - began_s


async def _verdict(person: CourtClient, path: str) -> float:
    """Seconds from the last byte to the verdict."""
    began_s = time.perf_counter()
    async with asyncio.timeout(180):
        while True:
            facts = await person.get(f"/attachments/{path.rsplit('/', 1)[1]}/state")
            if facts["state"] in ("ready", "refused"):
                return time.perf_counter() - began_s
            await asyncio.sleep(0.02)


def _copy(folder: Path, content: bytes) -> float:
    """Seconds of `cp` and fsync of the same bytes on the same disk."""
    source, target = folder / "source", folder / "copy"
    source.write_bytes(content)
    began_s = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    took_s = time.perf_counter() - began_s
    source.unlink()
    target.unlink()
    return took_s


async def measure(*, size_bytes: int, rounds: int) -> dict[str, Figure]:
    content = os.urandom(size_bytes // 2).hex().encode()
    megabytes = len(content) / 1e6
    whole, pieces, copies, verdicts, costs = [], [], [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-upload-") as folder:
        court = await Court.start(folder)
        try:
            async with CourtClient(court.url) as person:
                sign_in = court.sign_in_of("clerk")
                await person.sign_in_staff(sign_in["username"], sign_in["password"])
                case_id = (await person.get("/cases"))["items"][0]["id"]
                for _ in range(rounds):
                    copies.append(megabytes / await asyncio.to_thread(_copy, Path(folder), content))
                    path = await _begin(person, case_id, len(content))
                    began_cpu_s = cpu_s(court.process.pid)
                    whole.append(megabytes / await _send(person, path, content, len(content)))
                    costs.append((cpu_s(court.process.pid) - began_cpu_s) * 1000 / megabytes)
                    verdicts.append(await _verdict(person, path))
                    path = await _begin(person, case_id, len(content))
                    pieces.append(megabytes / await _send(person, path, content, _PATCH_BYTES))
                    await _verdict(person, path)
                gained = await _at_once(person, case_id, content, court.process.pid)
        finally:
            await court.stop()
    print(f"one PATCH {spread(whole)} MB/s · 4 MiB PATCHes {spread(pieces)} MB/s · cp {spread(copies)} MB/s")
    print(f"verdict after {spread(verdicts)} s · server {spread(costs)} ms of processor per MB")
    copy = statistics.median(copies)
    return {
        "one_patch": figure(statistics.median(whole), "MB/s", "cp and fsync", copy),
        "patches_of_4_mib": figure(statistics.median(pieces), "MB/s", "cp and fsync", copy),
        "verdict": figure(
            statistics.median(verdicts), "s", "sending it", megabytes / statistics.median(whole)
        ),
        "memory_of_4_uploads": figure(gained, "MB", "bytes on their way", _AT_ONCE * megabytes),
    }


async def _at_once(person: CourtClient, case_id: str, content: bytes, pid: int) -> float:
    """MB the server gained at most while several files came."""
    paths = [await _begin(person, case_id, len(content)) for _ in range(_AT_ONCE)]
    before, peak = resident_mb(pid), 0.0
    sending = asyncio.gather(*(_send(person, path, content, len(content)) for path in paths))
    while not sending.done():
        peak = max(peak, resident_mb(pid))
        await asyncio.wait([sending], timeout=0.02)
    await sending
    return max(0.0, peak - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="one round of a small file")
    quick = parser.parse_args().quick
    found = asyncio.run(measure(size_bytes=(16 if quick else 80) * _MIB, rounds=1 if quick else 7))
    print_result("upload", found)


if __name__ == "__main__":
    main()
