"""The poster of a film: one frame as JPEG for lists. Run as `python -m recorder.delivery.poster`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import av

from recorder.durable import Disk

# The first second may still be a title or a face that has not arrived; a tenth into the film people are there.
_AT_SHARE = 0.1
_QUALITY = 80


def write_poster(film: Path, poster: Path) -> None:
    """Decode one frame of `film` and write it as JPEG. ValueError when the film has no picture."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        if container.duration:
            container.seek(int(container.duration * _AT_SHARE))
        for frame in container.decode(stream):
            partial = poster.with_suffix(".part")
            frame.to_image().save(partial, "JPEG", quality=_QUALITY)  # type: ignore[no-untyped-call]
            Disk().publish(partial, poster)
            return
    raise ValueError("the film holds no picture")


def main() -> int:
    parser = argparse.ArgumentParser(prog="recorder.delivery.poster", description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("poster", type=Path)
    options = parser.parse_args()
    write_poster(options.film, options.poster)
    return 0


if __name__ == "__main__":
    sys.exit(main())
