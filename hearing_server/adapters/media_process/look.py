"""Looking at the media processes of a folder without taking them over, and ending them: for a command line."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hearing_server.adapters.media_process.codec import WireError
from hearing_server.adapters.media_process.link import Link, end_listener
from hearing_server.adapters.media_process.records import NodeFacts, socket_path
from hearing_server.errors import HearingError

# Syncing and sealing what is open takes as long as the disk does; a process that needs longer hangs.
_END_S = 60.0


def found_indexes(folder: Path) -> list[int]:
    """Places whose sockets lie in the folder, whether somebody listens there or not."""
    return sorted(int(path.stem) for path in folder.glob("*.sock") if path.stem.isdecimal())


async def media_processes(folder: Path) -> list[NodeFacts]:
    """What runs there now."""
    found = []
    for index in found_indexes(folder):
        with contextlib.suppress(OSError, EOFError, WireError):
            link = await Link.open(socket_path(folder, index), role="look")
            found.append(link.facts)
            await link.close()
    return found


async def end_media_processes(folder: Path, *, even_if_busy: bool) -> list[NodeFacts]:
    """End them after syncing everything; those that stay, because people sit or recordings run there."""
    kept = []
    for index in found_indexes(folder):
        path = socket_path(folder, index)
        try:
            link = await Link.open(path, role="look")
        except OSError:
            continue
        except (EOFError, WireError):
            await end_listener(path, patience_s=_END_S)
            continue
        link.start(None)
        try:
            if not await link.order("node.end", even_if_busy=even_if_busy):
                kept.append(link.facts)
            elif not await link.gone(within_s=_END_S):
                link.kill()
                await link.gone(within_s=_END_S)
        except HearingError:
            # It went while it was asked.
            await link.gone(within_s=_END_S)
        finally:
            await link.close()
    return kept
