"""Imports only go down: the contracts of pyproject.toml hold, and would notice a breach."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.tree import PACKAGES, ROOT

# One forbidden import for every contract: the module it is planted in, and the line.
BREACHES = {
    "floors": ("hearing_server/rest/planted.py", "import hearing_server.app"),
    "media-below": ("signaling/planted.py", "import recorder"),
    "media-knows-no-court": ("recorder/planted.py", "import sqlalchemy"),
    "court-knows-no-media": ("hearing_server/services/planted.py", "import aiortc"),
    "rtp-is-pure": ("signaling/rtp/planted.py", "import asyncio"),
    "domain-is-pure": ("hearing_server/domain/planted.py", "import aiohttp"),
    "sql-lives-in-storage": ("hearing_server/rest/planted_sql.py", "import sqlalchemy"),
    "robots-are-clients": ("hearing_server/robots/planted.py", "import hearing_server.domain"),
}


def lint_imports(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    return subprocess.run(
        [*command, "--no-cache", *options],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def contracts() -> list[dict[str, str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[dict[str, str]] = project["tool"]["importlinter"]["contracts"]
    return found


def copy_packages(place: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", place)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))


def test_imports__as_committed__keep_every_contract() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract__with_a_planted_breach__is_broken(tmp_path: Path) -> None:
    copy_packages(tmp_path)
    for module, line in BREACHES.values():
        with (tmp_path / module).open("a") as out:
            out.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    kept = [contract["name"] for contract in contracts() if f"{contract['name']} BROKEN" not in done.stdout]
    assert not kept, done.stdout + done.stderr
    assert {contract["id"] for contract in contracts()} == set(BREACHES)


def test_floors__with_a_module_on_none_of_them__are_broken(tmp_path: Path) -> None:
    copy_packages(tmp_path)
    (tmp_path / "hearing_server" / "afterthought.py").touch()
    done = lint_imports(tmp_path, "--contract", "floors")
    assert done.returncode != 0
    assert "afterthought" in done.stdout
