"""A real server that speaks S3, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

ACCESS = {"AWS_ACCESS_KEY_ID": "court", "AWS_SECRET_ACCESS_KEY": "throw-away"}
_START_S = 60
_TRIES = 3


@contextmanager
def s3_server(bucket: str) -> Iterator[str]:
    """Its address; the bucket is there. A port that another test took in the meantime is exchanged for the next."""
    for _ in range(_TRIES):
        with _process() as (process, address):
            if _is_made(f"{address}/{bucket}", process):
                yield address
                return
    raise TimeoutError("no S3 server came up")


@contextmanager
def _process() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ACCESS},
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _is_made(bucket: str, process: subprocess.Popen[bytes]) -> bool:
    """False when the server ended, or does not answer in time."""
    until = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(urllib.request.Request(bucket, method="PUT"), timeout=10):
                return process.poll() is None
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    return False
