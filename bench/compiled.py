"""Compiles one of the C files beside this module for the run that needs it; nothing of it is kept."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

BUILD_TIMEOUT_S = 60


def why_not() -> str | None:
    """What is missing, in words; None when C can be compiled."""
    return None if shutil.which("cc") else "no C compiler"


def compiled(name: str) -> Any:
    """The loaded library of `bench/NAME.c`."""
    source = Path(__file__).with_name(f"{name}.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"{name}.so"
        command = [
            "cc",
            "-O2",
            "-std=gnu11",
            "-D_GNU_SOURCE",
            "-Wall",
            "-Wextra",
            "-shared",
            "-fPIC",
            "-pthread",
        ]
        subprocess.run([*command, "-o", str(library), str(source)], check=True, timeout=BUILD_TIMEOUT_S)
        return ctypes.CDLL(str(library))
