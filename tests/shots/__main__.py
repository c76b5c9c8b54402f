"""`python -m tests.shots`: hold a hearing in a demo court with real browsers and take a picture of every page.

Pictures go to docs/images as `<page>-<phone|desk>-<zh|en>.png`. What overflows its screen, is cut off, or stands
in Latin letters on a Chinese page is listed at the end; an overflow makes the command fail.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.flows.browser_people import browsers
from tests.flows.court_story import story
from tests.shots.camera import Camera
from tests.shots.walk import walk

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


async def _take_all(folder: Path, only: str) -> Camera:
    camera = Camera(folder, only=only)
    with tempfile.TemporaryDirectory(prefix="shots-") as data:
        async with story(Path(data) / "court") as told, browsers(told.url) as there:
            await walk(camera, told, there, Path(data))
    return camera


def main() -> None:
    reader = argparse.ArgumentParser(prog="./dev shots", description=__doc__)
    reader.add_argument("--only", default="", help="only pictures whose name holds this word")
    reader.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go (docs/images)")
    given = reader.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    started_s = time.monotonic()
    camera = asyncio.run(_take_all(given.folder, given.only))
    for fault in camera.faults:
        print(f"  {fault}")
    print(f"{camera.taken} pictures in {given.folder} after {time.monotonic() - started_s:.0f} s")
    sys.exit(any("wide on" in fault or "beyond the edge" in fault for fault in camera.faults))


if __name__ == "__main__":
    main()
