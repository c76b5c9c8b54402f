"""The shelf of composed pieces: what of a film is ready, while the hearing runs and after.

A piece is a short MP4 (H.264 High with a key frame first and a closed group of pictures, AAC-LC mono 48 kHz) that
plays alone; put one behind the other in order they are the film. Its name on the shelf is its key, a digest over
everything it was made from (segments' digests, people shown, redactions, layout, version of this code), so that making
it again is free and a late fact makes only the pieces it touches new. Films of one recording (the court's own, a
redacted copy) may share one shelf, and with it all pieces in which they are equal.

    pieces/KEY.mp4          the piece
    pieces/KEY.json         its digest, and what could not be shown in it
    FILM.mp4.pieces.json    the index of one film, beside it: its pieces as far as it is ready, in order

Readers (delayed live, publication) need `read_index` alone: pieces stand there in film order without a hole, and
`is_complete` says that no more will come. The index is replaced whole each time; a piece in it may be replaced by
another key later, when a late fact changed what it shows.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.durable import Disk
from recorder.film.film import FilmError, is_alive, is_full

PIECES_FOLDER = "pieces"
_INDEX_SUFFIX = ".pieces.json"
_FORMAT = 1
# Other films on the shelf may still be made of a piece that this one has no use for.
UNUSED_S = 86_400.0
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
    """Pieces of one film on disk. One composer writes (its caller holds the lock), anybody reads."""

    def __init__(self, film: Path, folder: Path | None = None) -> None:
        self.folder = folder or film.parent / PIECES_FOLDER
        self._film = film
        self._notes: dict[str, dict[str, Any]] = {}
        self._published: PieceIndex | None = None

    def prepare(self) -> None:
        """Make the folder. FilmError."""
        try:
            _DISK.make_folder(self.folder)
        except OSError as error:
            raise FilmError("film.unwritable", "cannot make the folder of pieces") from error

    def path(self, key: str) -> Path:
        """Where the piece of this key lies, or is to lie."""
        return self.folder / f"{key}.mp4"

    def find(self, key: str) -> dict[str, Any] | None:
        """What is written about a piece, None when it is not there or its file has another size."""
        try:
            note = self._notes.get(key) or json.loads((self.folder / f"{key}.json").read_text("utf-8"))
            size_bytes = self.path(key).stat().st_size
        except (OSError, ValueError):
            return None
        if not isinstance(note, dict) or note.get("size_bytes") != size_bytes:
            return None
        self._notes[key] = note
        return note

    def note(self, key: str, content: dict[str, Any]) -> None:
        """Write about a piece whose file is in place: from here on it counts. FilmError."""
        self._replace(self.folder / f"{key}.json", json.dumps(content, sort_keys=True) + "\n")

    def publish(self, index: PieceIndex) -> None:
        """Replace the index of the film. FilmError."""
        if index == self._published:
            return
        content = {
            "format": _FORMAT,
            "is_complete": index.is_complete,
            "pieces": [asdict(one) for one in index.pieces],
        }
        self._replace(index_path(self._film), json.dumps(content, indent=1) + "\n")
        self._published = index

    def forget_unused(self) -> int:
        """Delete pieces that no film here has used for a while, and halves of killed composers; how many files."""
        kept = {piece.key for piece in read_index(self._film).pieces}
        old_s = time.time() - UNUSED_S
        gone = 0
        for path in self.folder.iterdir():
            is_half = path.suffix == ".part" and not is_alive(path)
            is_unused = path.suffix in (".mp4", ".json") and path.stem not in kept and _at_s(path) < old_s
            if is_half or is_unused:
                _DISK.discard(path)
                gone += 1
        return gone

    def _replace(self, path: Path, text: str) -> None:
        try:
            _DISK.replace_file(path, text.encode())
        except OSError as error:
            code = "film.disk_full" if is_full(error) else "film.unwritable"
            raise FilmError(code, f"cannot write {path.name}") from error


def _at_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def index_path(film: Path) -> Path:
    """Where the index of a film stands."""
    return film.with_name(film.name + _INDEX_SUFFIX)


def read_index(film: Path) -> PieceIndex:
    """The index of a film; empty when nothing is ready yet. ValueError when it is of another format."""
    try:
        content = json.loads(index_path(film).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return PieceIndex()
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError("index of another format")
    return PieceIndex(tuple(FilmPiece(**one) for one in content["pieces"]), content["is_complete"])


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return digest.hexdigest(), path.stat().st_size
