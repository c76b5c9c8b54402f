"""What the server writes, as other users of the same machine find it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

OTHERS = 0o007


async def test_data_folder__made_by_the_command_line__holds_nothing_that_others_may_open(
    tmp_path: Path,
) -> None:
    data = tmp_path / "court"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "migrate", "--data", str(data),
        umask=0,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 0, said
    made = [data, *data.rglob("*")]
    assert data / "court.db" in made
    assert [path for path in made if path.stat().st_mode & OTHERS] == []
