"""A child process that records by two recorders until it is killed: `python -m tests.recorder.feeding_writer FOLDER`.

Prints the process id of its second recorder when both are proven.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.recorder.two_recorders import two_recorders


async def main(folder: Path) -> None:
    """Record for ever."""
    async with two_recorders(folder) as pair:
        print(pair.keeper.pid, flush=True)
        while True:
            await pair.run(1.0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
