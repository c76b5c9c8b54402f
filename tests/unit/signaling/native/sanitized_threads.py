"""`python -m tests.unit.signaling.native.sanitized_threads thread|address`: the thread's tests under a sanitizer.

Builds the library so into a folder of its own, starts itself again under the sanitizer's runtime, and runs the tests of
the forwarding thread on that library. A data race or a wrong access fails the run; the interpreter itself and libsrtp
are not instrumented, so what is watched is our C alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from signaling.native import build

TESTS: Final = (
    "tests/unit/signaling/native/test_plane.py",
    "tests/unit/signaling/native/test_plane_changes.py",
    "tests/unit/signaling/native/test_plane_pacing.py",
    "tests/unit/signaling/native/test_urgency.py",
    "tests/unit/signaling/test_forward_step.py",
)
_COMMON: Final = ("-g", "-O1", "-fno-omit-frame-pointer")
FLAGS: Final = {
    "thread": (*_COMMON, "-fsanitize=thread"),
    "address": (*_COMMON, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
}
RUNTIMES: Final = {"thread": ("libtsan.so",), "address": ("libasan.so", "libubsan.so")}
_CHILD: Final = "SANITIZED_THREADS"
_RUN_S: Final = 600.0


def runtimes(kind: str) -> str:
    """The sanitizer's libraries, to be there before everything else."""
    compiler = build.compiler()
    assert compiler is not None
    found = [
        subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
        for name in RUNTIMES[kind]
    ]
    return " ".join(each.stdout.strip() for each in found)


def run(kind: str) -> subprocess.CompletedProcess[str]:
    """Exit status 0 and what was said when nothing was found."""
    with tempfile.TemporaryDirectory() as folder:
        library = build.build(extra_flags=FLAGS[kind], folder=Path(folder))
        environment = {
            **os.environ,
            _CHILD: str(library),
            "LD_PRELOAD": runtimes(kind),
            "PYTHONMALLOC": "malloc",
            "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter never frees all
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "TSAN_OPTIONS": "exitcode=66 report_signal_unsafe=0",
        }
        # The thread sanitizer wants its memory where it expects it.
        fixed = ["setarch", "-R"] if kind == "thread" else []
        command = [*fixed, sys.executable, "-m", "tests.unit.signaling.native.sanitized_threads", kind]
        return subprocess.run(
            command, env=environment, check=False, timeout=_RUN_S, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _inside(library: Path) -> int:
    import pytest

    native, why = build.open_library(library)
    assert native is not None, why
    build._loaded = lambda: (native, why)  # type: ignore[assignment]
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "-s", *TESTS]))


def main(arguments: list[str]) -> int:
    library = os.environ.get(_CHILD)
    if library:
        return _inside(Path(library))
    done = run(arguments[0] if arguments else "thread")
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
