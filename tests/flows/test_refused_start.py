"""A server that can't start says why in one line, and a traceback is none."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest


async def _start(*arguments: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "demo", "--port", "0", "--media-port", "0", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, **environment},
    )  # fmt: skip
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


def _prepare(folder: Path, case: str) -> tuple[list[str], dict[str, str]]:
    data = folder / "court"
    arguments, environment = ["--data", str(data)], {}
    if case == "data_dir.unwritable":
        data.write_text("a file")
    elif case == "database.damaged":
        data.mkdir()
        (data / "court.db").write_bytes(b"this was a database once " * 100)
    elif case == "keys.damaged":
        (data / "keys").mkdir(parents=True)
        (data / "keys" / "master.key").write_bytes(b"short")
    elif case == "settings.no_file":
        arguments += ["--config", str(folder / "nowhere.toml")]
    elif case == "settings.not_toml":
        (folder / "broken.toml").write_text("[server\nport=")
        arguments += ["--config", str(folder / "broken.toml")]
    else:
        environment = {"HEARING_SERVER__PORT": "a-secret-in-the-wrong-place"}
    return arguments, environment


@pytest.mark.parametrize(
    "case",
    [
        "data_dir.unwritable",
        "database.damaged",
        "keys.damaged",
        "settings.no_file",
        "settings.not_toml",
        "settings.invalid",
    ],
)
async def test_start__that_is_not_possible__is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    arguments, environment = _prepare(tmp_path, case)
    code, said = await _start(*arguments, **environment)
    assert code == 1, said
    last = said.strip().splitlines()[-1]
    assert f"[{case}]" in last
    assert "Traceback" not in said
    assert "a-secret-in-the-wrong-place" not in said
