"""Where recordings and their films lie."""

from __future__ import annotations

from pathlib import Path

from hearing_server.domain.publishing.publications import Publication
from hearing_server.domain.recording.recorders import RecorderName
from hearing_server.domain.recording.recordings import FilmState, Recording
from hearing_server.domain.recording.single_tracks import TrackKey
from hearing_server.errors import Conflict, Unavailable
from hearing_server.kernel import RecordingId


class RecordFolders:
    """One folder per recording and recorder; the film and its poster lie in `film/` inside the first's."""

    def __init__(self, root: Path, second_root: Path | None = None) -> None:
        self._root = root
        self._second_root = second_root

    def of(self, recording_id: RecordingId) -> Path:
        return self._root / recording_id

    def second(self, recording_id: RecordingId) -> Path | None:
        """The second recorder's folder; None where the court records once."""
        return self._second_root / recording_id if self._second_root is not None else None

    def by_recorder(self, recording_id: RecordingId) -> dict[RecorderName, Path]:
        """Every recorder's folder."""
        second = self.second(recording_id)
        first = {RecorderName.FIRST: self.of(recording_id)}
        return first if second is None else {**first, RecorderName.SECOND: second}

    def parts(self, recording_id: RecordingId) -> list[tuple[str, Path]]:
        """What belongs into an archive: (name inside, folder or file), as far as it is there."""
        folder = self.of(recording_id)
        parts = [
            ("record/journal", folder / "journal"),
            ("record/manifest.json", folder / "manifest.json"),
            ("record/union.json", folder / "union.json"),
            ("record/merged", folder / "merged"),
            ("film/film.mp4.timeline.json", folder / "film" / "film.mp4.timeline.json"),
            ("film/film.mp4", folder / "film" / "film.mp4"),
            ("film/poster.jpg", folder / "film" / "poster.jpg"),
        ]
        second = self.second(recording_id)
        if second is not None:
            parts += [
                ("record-second/journal", second / "journal"),
                ("record-second/manifest.json", second / "manifest.json"),
            ]
        return [(name, path) for name, path in parts if path.exists()]

    def track(self, key: TrackKey) -> Path:
        """The film of one track, beside the whole film."""
        return self.of(key.recording_id) / "film" / "tracks" / f"{key.person_id}.{key.shown.value}.mp4"

    def copy(self, publication: Publication) -> Path:
        """The public copy: a file of its own for every list it was made by."""
        folder = self.of(publication.recording_id) / "public" / publication.id
        return folder / f"{publication.copy.attempt:04}.mp4"

    def poster(self, film: Path) -> Path:
        """The picture beside a public copy."""
        return film.with_suffix(".jpg")

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
