"""The printer's child: `python -m hearing_server.adapters.printing.typst_child NAME UNIX_SECONDS`.

JSON on standard input, a PDF/A-2b on standard output. Typst is a compiler with loops: the process has bounded memory
and processor time, opens no network, and may write nothing but what it says.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

# Fonts are mapped, a hundred pages take 300 MB of address space.
MEMORY_BYTES = 2 << 30
CPU_S = 40
MAX_INPUT_BYTES = 16 << 20
_TEMPLATES = Path(__file__).parent
_NAMES = frozenset({"catalogue", "space"})


def lock_up() -> None:
    """Give up everything that printing doesn't need."""
    with contextlib.suppress(OSError):
        os.nice(10)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))


def main() -> None:
    name, seconds = sys.argv[1], int(sys.argv[2])
    if name not in _NAMES:
        raise SystemExit("unknown document")
    data = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    if len(data) > MAX_INPUT_BYTES:
        raise SystemExit("too much to print")
    sys.stdout.buffer.write(set_in_type(name, data.decode(), seconds))
    sys.stdout.buffer.flush()


def set_in_type(name: str, data: str, seconds: int) -> bytes:
    """The PDF of one template with these values, dated at Unix `seconds`; nothing of this machine goes into it."""
    lock_up()
    # After the limits: the compiler's own threads and caches live under them.
    import typst
    from pylopdf_fonts_zh_cn import sans_path

    made = typst.compile(
        str(_TEMPLATES / f"{name}.typ"),
        root=str(_TEMPLATES),
        font_paths=[str(Path(sans_path()).parent)],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": data},
        pdf_standards=["a-2b"],
        timestamp=seconds,
    )
    assert isinstance(made, bytes)
    return made


if __name__ == "__main__":
    main()
