"""Builds and loads the native library: one shared object of all C files here, by the system's compiler, by command.

`python -m signaling.native.build` builds it; nothing is ever compiled at import or while serving. The file's name
holds a hash of all that it was made from, so a library of other sources is never loaded. Standard library only up to
`load`, because the first start runs it before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).resolve().parent
FLAGS: Final = (
    "-O2",
    "-std=gnu11",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-fPIC",
    "-shared",
    "-pthread",
    "-fno-strict-aliasing",
    "-ffp-contract=off",  # a fused multiply-add rounds otherwise than Python's two steps
    "-Wl,-Bsymbolic",  # our names are bound inside the library, whatever else the process has loaded
)
LIBRARIES: Final = ("-lm",)
COMPILERS: Final = ("cc", "gcc", "clang")
# Structs whose layout is compared, in the order of media_sizeof.
CHECKED: Final = (
    "media_packet",
    "stream_parser",
    "media_stream",
    "rewriter_settings",
    "rewriter_state",
    "feedback",
)
BUILD_TIMEOUT_S: Final = 120.0  # two seconds are usual; a machine that swaps may need a minute
_DECLARATIONS: Final = re.compile(r"/\* cdef begin \*/(.*?)/\* cdef end \*/", re.DOTALL)


class Why(StrEnum):
    """Why there is no native library."""

    LOADED = ""
    NOT_BUILT = "not_built"
    NO_COMPILER = "no_compiler"  # not built, and here nothing could build it
    UNSAFE = "unsafe_file"  # somebody else may write the file
    NO_CFFI = "no_cffi"
    BROKEN = "broken"  # does not load here, or was compiled with another idea of the structs


class Native(NamedTuple):
    """The loaded library: `lib.<function>` and cffi's `ffi` that knows the declarations of the headers."""

    ffi: Any
    lib: Any
    path: Path


def _sources() -> list[Path]:
    return sorted((*FOLDER.glob("*.c"), *FOLDER.glob("*.h")))


def fingerprint() -> str:
    """Hash of everything the library is made from: sources, flags, machine, C library."""
    digest = hashlib.sha256()
    for source in _sources():
        digest.update(f"{source.name}\0".encode() + source.read_bytes() + b"\0")
    digest.update("\0".join((*FLAGS, *LIBRARIES, sys.platform, platform.machine(), _libc())).encode())
    return digest.hexdigest()[:20]


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""  # musl has no such name


def _folders() -> Iterator[Path]:
    """Where the library may lie: beside its sources, else in the user's cache."""
    yield FOLDER / "_build"
    cache = os.environ.get("XDG_CACHE_HOME", "")
    try:
        home = Path(cache) if os.path.isabs(cache) else Path.home() / ".cache"
    except RuntimeError:  # a service user without a home
        return
    yield home / "hearing-server" / "native"


def find() -> Path | None:
    """The library of today's sources, if it was built."""
    name = f"media-{fingerprint()}.so"
    return next((folder / name for folder in _folders() if (folder / name).is_file()), None)


def compiler() -> str | None:
    """Path of the C compiler that would be used."""
    return next((found for name in COMPILERS if (found := shutil.which(name))), None)


class BuildError(Exception):
    """The library could not be built; the message is one plain line."""


def build(extra_flags: tuple[str, ...] = (), folder: Path | None = None) -> Path:
    """Compile the library unless it is there, and give its path. Two processes may do so at once.

    `extra_flags` with a `folder` of its own make a special build (sanitizers). Raises BuildError.
    """
    if folder is None and (found := find()) is not None:
        return found
    program = compiler()
    if program is None:
        raise BuildError("no C compiler (apt install gcc libc6-dev)")
    target = (folder or _writable_folder()) / f"media-{fingerprint()}.so"
    handle, temporary = tempfile.mkstemp(prefix=".building-", suffix=".so", dir=target.parent)
    os.close(handle)
    try:
        sources = [str(source) for source in _sources() if source.suffix == ".c"]
        command = [program, *FLAGS, *extra_flags, "-o", temporary, *sources, *LIBRARIES]
        _run(command)
        os.chmod(temporary, 0o755)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    if target.parent == FOLDER / "_build":
        _forget_others(target)
    return target


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=BUILD_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"the C compiler did not run: {type(error).__name__}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise BuildError(f"the C compiler failed: {said[0].strip() if said else done.returncode}")


def _writable_folder() -> Path:
    for folder in _folders():
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise BuildError("neither the package's folder nor the user's cache can be written to")


def _forget_others(kept: Path) -> None:
    """Libraries of older sources: nothing will load them again (a running process keeps its own mapped)."""
    for other in kept.parent.glob("media-*.so"):
        if other != kept:
            other.unlink(missing_ok=True)


def declarations() -> str:
    """The part of the headers that cffi reads."""
    headers = (source for source in _sources() if source.suffix == ".h")
    return "\n".join(part for header in headers for part in _DECLARATIONS.findall(header.read_text()))


def load() -> Native | None:
    """The library of today's sources, or None; `why_not` then tells the reason. Never raises, never compiles."""
    return _loaded()[0]


def why_not() -> str:
    """A stable short reason (`Why`) why `load` gives None; "" when it gives the library."""
    return _loaded()[1]


def forget() -> None:
    """Let the next `load` look again: for a process that has just built the library."""
    _loaded.cache_clear()


@lru_cache(maxsize=1)
def _loaded() -> tuple[Native | None, Why]:
    try:
        path = find()
        if path is None:
            return None, Why.NOT_BUILT if compiler() else Why.NO_COMPILER
        return open_library(path)
    except OSError:
        return None, Why.BROKEN


def open_library(path: Path) -> tuple[Native | None, Why]:
    """Load one file after making sure that it is ours alone and laid out as declared."""
    if not _is_safe(path):
        return None, Why.UNSAFE
    try:
        from cffi import FFI
    except ImportError:
        return None, Why.NO_CFFI
    ffi = FFI()
    try:
        ffi.cdef(declarations())
        native = Native(ffi, ffi.dlopen(str(path)), path)
        fits = all(
            native.lib.media_sizeof(at) == ffi.sizeof(f"struct {name}") for at, name in enumerate(CHECKED)
        )
    except Exception:  # whatever is wrong with the file or the headers: the Python path is there
        return None, Why.BROKEN
    return (native, Why.LOADED) if fits else (None, Why.BROKEN)


def _is_safe(path: Path) -> bool:
    """Nobody but root and this user can have written the file or can replace it: it runs with our rights."""
    mine = {0, os.geteuid(), FOLDER.stat().st_uid}  # whoever owns the package writes what we run anyhow
    for each in (path, path.parent):
        facts = each.stat()
        if facts.st_uid not in mine or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
    return True


def main() -> int:
    """Build, and say in one line what happened: 0, or 1 when there is no library afterwards."""
    before = find()
    try:
        path = build()
    except BuildError as error:
        print(f"native forwarding off: {error}")
        return 1
    print(f"native library {'is' if before else 'was built'} at {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
