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


@contextmanager
def s3_server(bucket: str) -> Iterator[str]:
    """Its address; the bucket is there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ACCESS},
    )
    try:
        _make(f"{address}/{bucket}")
        yield address
    finally:
        process.terminate()
        process.wait()


def _make(bucket: str) -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(bucket, method="PUT"), timeout=10):
                return
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
