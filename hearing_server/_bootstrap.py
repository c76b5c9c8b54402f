"""First start from a checkout: make .venv, install the project, build the web client. Standard library only.

Runs under the machine's Python before anything is installed, so it also has to parse and speak on older ones.
Everything is said on standard error: standard output belongs to the command that follows (`demo --json`).
"""

from __future__ import annotations

import collections
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / ".venv.log"
CONSTRAINTS = ROOT / "config" / "constraints.txt"
NATIVE = ROOT / "signaling" / "native" / "build.py"

OLDEST_PYTHON = (3, 11)
# Measured: run set 0.5 GB and node_modules 0.2 GB, test set 0.9 GB more; pip unpacks beside it.
FREE_BYTES_WANTED = {"": 1_200_000_000, "test": 2_500_000_000}
# Between two lines of progress where there is no terminal to rewrite one.
SILENT_S = 10.0
KEPT_LINES = 40

# What a failed install said, and what the person can do about it.
HINTS = (
    ("No space left on device", "the disk is full (pip unpacks in the folder TMPDIR names)"),
    ("CERTIFICATE_VERIFY_FAILED", "the package index's certificate is not trusted: install ca-certificates"),
    ("no Node", "the machine's Node is too old and no other could be fetched"),
    ("NewConnectionError", "no way to the package index: check the network or pip's index-url"),
    ("NameResolutionError", "no way to the package index: check the network or pip's index-url"),
    ("ENOTFOUND", "no way to the npm registry: check the network or npm's registry setting"),
    ("EAI_AGAIN", "no way to the npm registry: check the network or npm's registry setting"),
    (
        "(from versions: none)",
        "the package index does not answer or lacks a package: check network and index-url",
    ),
    ("No matching distribution found", "the package index in use lacks a pinned version"),
    ("web_client/package", "the checkout is not complete: web_client lacks its package files"),
)


# What pip's own words stand for, where they would say nothing to the person waiting.
PLAIN_WORDS = (
    ("Preparing editable metadata", "Building the web client (npm, vite)"),
    ("Building editable", "Building the web client (npm, vite)"),
    ("Installing collected packages", "Writing the packages into .venv"),
    ("Successfully installed", "Packages are in .venv"),
    ("Using cached", "Taking packages from pip's cache"),
)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def stop(line: str) -> NoReturn:
    """End with one line that says what is missing."""
    say(f"hearing-server: {line}")
    raise SystemExit(1)


def check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        here = ".".join(map(str, sys.version_info[:3]))
        stop(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; {sys.executable} is {here}")


def is_checkout() -> bool:
    """False when the package runs from an installed wheel, which has nothing to set up."""
    return (ROOT / "pyproject.toml").is_file() and (ROOT / "web_client" / "bundle.py").is_file()


def is_set_up_here() -> bool:
    """True when the running Python is .venv's, or another one into which somebody installed the project."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return True
    try:
        importlib.metadata.distribution("hearing-server")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _by_path(name: str, path: Path) -> ModuleType:
    """A module of the checkout that stands on the standard library alone, before anything is installed."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _client_digest() -> str | None:
    """Digest of the client's sources when dist was built from them, else None."""
    bundle = _by_path("web_client_bundle", ROOT / "web_client" / "bundle.py")
    digest: str = bundle.source_digest()
    return digest if bundle.is_fresh() else None


def _wanted_stamp(extra: str) -> str | None:
    """What the stamp must hold: place, extra, pins, client. None while dist is not built from its sources."""
    client = _client_digest()
    if client is None:
        return None
    digest = hashlib.sha256(f"{ROOT}\0{extra}\0{client}\0".encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _is_ready(extra: str) -> bool:
    """True when `extra` (or the test set, which holds everything) was installed from today's files."""
    if not PYTHON.exists():
        return False
    for name in {extra, "test"}:
        stamp = VENV / f".ready-{name or 'run'}"
        if stamp.is_file() and stamp.read_text() == _wanted_stamp(name):
            return True
    return False


@contextmanager
def _sole_installer() -> Iterator[None]:
    """Two starts at once in one checkout: the second waits for the first."""
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start is setting up this checkout; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _in_plain_words(line: str) -> str:
    return next((plain for start, plain in PLAIN_WORDS if line.startswith(start)), line)


def _lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """The process's lines as they come, and an empty one whenever a second passes without any."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            line = ""
        if line is None:
            return
        yield line


def run_shown(title: str, command: Sequence[str], *, env: dict[str, str] | None = None) -> str | None:
    """Run `command` without input, showing seconds and its latest line; all its output goes to LOG.

    Returns None when it succeeded, else the output's last KEPT_LINES lines.
    """
    started = said = time.monotonic()
    rewrites = sys.stderr.isatty()
    pause_s = 0.2 if rewrites else SILENT_S
    frame, end = ("\r\033[K{}", "") if rewrites else ("{}", "\n")
    latest, kept = "", collections.deque[str](maxlen=KEPT_LINES)
    pipes: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
    }
    say(f"{title} …")
    process = subprocess.Popen(command, text=True, errors="replace", env=env, cwd=ROOT, **pipes)
    with process, LOG.open("a", encoding="utf-8") as log:
        for line in _lines_of(process):
            if line:
                log.write(line)
                kept.append(line)
                latest = _in_plain_words(line.strip()) or latest
            now = time.monotonic()
            if now - said >= pause_s:
                shown = frame.format(f"  {now - started:3.0f} s  {latest[:70]}")
                print(shown, end=end, file=sys.stderr, flush=True)
                said = now
    outcome = "failed" if process.returncode else "done"
    say(("\r\033[K" if rewrites else "") + f"  {outcome} after {time.monotonic() - started:.0f} s")
    return "".join(kept) if process.returncode else None


def _check_machine(extra: str) -> None:
    if not os.access(ROOT, os.W_OK):
        stop(f"{ROOT} cannot be written to by this user; the set-up makes {VENV.name} there")
    if not PYTHON.exists() and importlib.util.find_spec("ensurepip") is None:
        stop("python3-venv is missing; on Debian or Ubuntu: apt-get install python3-venv")
    wanted, free = FREE_BYTES_WANTED[extra], shutil.disk_usage(ROOT).free
    if not PYTHON.exists() and free < wanted:
        stop(f"the set-up needs {wanted / 1e9:.1f} GB free in {ROOT}; there are {free / 1e9:.1f} GB")


def _make_venv() -> None:
    """Make .venv, or make it anew when the checkout was moved or its Python is gone."""
    made_for = VENV / ".made-for"
    if PYTHON.exists() and (not made_for.is_file() or made_for.read_text() == str(ROOT)):
        return
    if VENV.exists():
        say("the old .venv belongs to another place or Python; making it anew")
        shutil.rmtree(VENV)
    version = ".".join(map(str, sys.version_info[:3]))
    if run_shown(f"Making .venv with Python {version}", [sys.executable, "-m", "venv", str(VENV)]):
        stop(f"making .venv failed; on Debian or Ubuntu: apt-get install python3-venv (log: {LOG})")
    made_for.write_text(str(ROOT))


def _install(extra: str) -> None:
    for stamp in VENV.glob(".ready-*"):
        stamp.unlink()
    what = "the server, its test tools" if extra else "the server"
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command = [str(PYTHON), "-m", "pip", "install", *quiet, "-c", str(CONSTRAINTS), "-e", target]
    tail = run_shown(f"Installing {what} and the web client (first time: about a minute)", command)
    if tail is not None:
        said = LOG.read_text(encoding="utf-8", errors="replace")
        hint = next((hint for sign, hint in HINTS if sign in said), None)
        if hint is None:
            say(tail.rstrip())
        stop(f"the installation failed: {hint or 'the lines above say why'} (log: {LOG})")
    stamp_text = _wanted_stamp(extra)
    if stamp_text is None:
        stop("the web client changed while it was being built; start again")
    (VENV / f".ready-{extra or 'run'}").write_text(stamp_text)


def _ensure_native() -> None:
    """Build the native forwarding library from today's C files; without one the server forwards in Python.

    What cannot be built is said once per state of sources and compiler, and never stops a start.
    """
    native = _by_path("signaling_native_build", NATIVE)
    if native.find() is not None:
        return
    compiler = native.compiler()
    tried, stamp = f"{native.fingerprint()} {compiler}", VENV / ".native-tried"
    if stamp.is_file() and stamp.read_text() == tried:
        return
    if compiler is None:
        say("native forwarding off: no C compiler (apt install gcc libc6-dev)")
    else:
        tail = run_shown("Building the native forwarding library", [sys.executable, "-I", str(NATIVE)])
        if tail is None:
            return
        say(tail.rstrip() or "native forwarding off: the build failed")
    with suppress(OSError):
        stamp.write_text(tried)


def ensure(extra: str = "") -> Path:
    """Make .venv hold the project and `extra` ("" or "test"); says and does nothing when it does already.

    Returns the virtual environment's Python.
    """
    check_python()
    if not _is_ready(extra):
        _check_machine(extra)
        with _sole_installer():
            if not _is_ready(extra):
                LOG.write_text("")
                _make_venv()
                _install(extra)
    _ensure_native()
    return PYTHON
