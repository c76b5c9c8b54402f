"""`python -m tests.fuzz.coverage_guided TARGET [libFuzzer flags]`: the targets under atheris, where it is installed.

Not part of CI: it runs until it is stopped. What it finds goes through `python -m tests.fuzz TARGET --replay HEX`.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path


def main() -> int:
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["signaling"]):
        from tests.fuzz.targets import TARGETS
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        print("targets:", ", ".join(TARGETS), file=sys.stderr)
        return 2
    target = TARGETS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(target.stored):
            (Path(folder) / str(number)).write_bytes(data)
        state = {"check": target.fresh(), "fed": 0}

        def once(data: bytes) -> None:
            state["fed"] = int(state["fed"]) + 1  # type: ignore[call-overload]
            if int(state["fed"]) % 100 == 0:  # type: ignore[call-overload]
                state["check"] = target.fresh()
            state["check"](data)  # type: ignore[operator]

        atheris.Setup([sys.argv[0], folder, *sys.argv[1:]], once)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
