"""The shelf of composed pieces: what of a film is ready, while the hearing runs and after.

A piece is a short MP4 (H.264 High with a key frame first and a closed group of pictures, AAC-LC mono 48 kHz) that
plays alone; put one behind the other in order they are the film. Its name on the shelf is its key, a digest over
everything it was made from (segments' digests, people shown, redactions, layout, version of this code), so that making
it again is free and a late fact makes only the pieces it touches new.

    film/pieces/KEY.mp4      the piece
    film/pieces/KEY.json     what it was made from, and its digest
    film/pieces/index.json   the film as far as it is ready, in order (written whole, replaced at each new piece)

Readers (delayed live, publication) need `read_index` alone: pieces stand there in film order without a hole, and
`is_complete` says that no more will come. A derived film has a shelf of its own in its own folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.durable import Disk

PIECES_FOLDER = "pieces"
_INDEX = "index.json"
_FORMAT = 1
_DISK = Disk()


@dataclass(frozen=True, slots=True)
class FilmPiece:
    """One piece, ready. `film_tick`/`ticks`: place and length in film frames (25/s); `from_ns`…`until_ns`: hearing.

    `sha256`, `size_bytes` are those of the file `name` in the shelf's folder.
    """

    key: str
    name: str
    film_tick: int
    ticks: int
    from_ns: int
    until_ns: int
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PieceIndex:
    """The film as far as it is ready. `is_complete`: up to its end."""

    pieces: tuple[FilmPiece, ...] = ()
    is_complete: bool = False


class PieceShelf:
    """Pieces on disk. One composer writes (its caller holds the lock), anybody reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, piece: FilmPiece) -> Path:
        """Where the piece lies."""
        return self.folder / piece.name

    def find(self, key: str) -> dict[str, Any] | None:
        """What is written about a piece, None when it is not there or its file has another size."""
        try:
            note = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            size_bytes = (self.folder / f"{key}.mp4").stat().st_size
        except (OSError, ValueError):
            return None
        fits = isinstance(note, dict) and note.get("size_bytes") == size_bytes
        return note if fits else None

    def note(self, key: str, content: dict[str, Any]) -> None:
        """Write about a piece whose file is in place: from here on it counts."""
        write_whole(self.folder / f"{key}.json", json.dumps(content, sort_keys=True) + "\n")

    def publish(self, index: PieceIndex) -> None:
        """Replace the index."""
        content = {
            "format": _FORMAT,
            "is_complete": index.is_complete,
            "pieces": [asdict(one) for one in index.pieces],
        }
        write_whole(self.folder / _INDEX, json.dumps(content, indent=1) + "\n")

    def forget_all_but(self, keys: Iterable[str]) -> int:
        """Delete pieces that are part of no film any more; how many files."""
        kept = set(keys)
        gone = 0
        for path in self.folder.iterdir():
            if path.suffix in (".mp4", ".json") and path.name != _INDEX and path.stem not in kept:
                _DISK.remove(path)
                gone += 1
        return gone


def read_index(folder: Path) -> PieceIndex:
    """The index of a shelf; empty when nothing is ready yet. ValueError when it is of another format."""
    try:
        content = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return PieceIndex()
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError("index of another format")
    return PieceIndex(tuple(FilmPiece(**one) for one in content["pieces"]), content["is_complete"])


def write_whole(path: Path, text: str) -> None:
    """Write, sync, rename: whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _DISK.write_file(part, (text.encode(),))
        _DISK.publish(part, path)
    finally:
        _DISK.discard(part)
