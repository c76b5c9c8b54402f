"""Where recordings and their films lie."""

from __future__ import annotations

from pathlib import Path

from hearing_server.domain.recordings import FilmState, Recording
from hearing_server.errors import Conflict, Unavailable
from hearing_server.kernel import RecordingId


class RecordFolders:
    """One folder per recording; its film and poster in `film/` inside."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, recording_id: RecordingId) -> Path:
        return self._root / recording_id

    def parts(self, recording_id: RecordingId) -> list[tuple[str, Path]]:
        """What belongs into an archive: (name inside, folder or file), as far as it is there."""
        folder = self.of(recording_id)
        parts = [
            ("record/journal", folder / "journal"),
            ("record/manifest.json", folder / "manifest.json"),
            ("film/film.mp4", folder / "film" / "film.mp4"),
            ("film/poster.jpg", folder / "film" / "poster.jpg"),
        ]
        return [(name, path) for name, path in parts if path.exists()]

    def film(self, recording: Recording) -> Path:
        """The finished film. Errors: Conflict `film.not_ready`, Unavailable `film.missing`."""
        if recording.film.state is not FilmState.READY:
            raise Conflict("film.not_ready", zh="影像尚未合成完成", en="The film isn't ready yet")
        path = self.of(recording.id) / "film" / "film.mp4"
        if not path.is_file():
            raise Unavailable(
                "film.missing", zh="影像文件缺失，请重新合成", en="The film file is missing; compose it again"
            )
        return path
