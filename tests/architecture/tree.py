"""The tracked files of the checkout, as the tests of this folder walk them."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hearing_server", "signaling", "recorder")


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """Every file git tracks and that is there; without git (a source archive), every file but the made ones."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60
        )
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        made = {".venv", "node_modules", "dist", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not made & set(path.relative_to(ROOT).parts)]
    return tuple(path for path in paths if path.is_file())


def source_files(*suffixes: str) -> list[Path]:
    return [path for path in tracked_files() if path.suffix in suffixes]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[Path]:
    """Python files below the given top-level folders."""
    return [path for path in source_files(".py") if path.relative_to(ROOT).parts[0] in folders]
