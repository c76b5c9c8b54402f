"""A recording that is being written, read as far as it is sealed: each segment once, the account grows with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recorder.account.inventory import Inventory, SegmentHeader, read_into
from recorder.folder import segment_files
from recorder.journal import Damage, Record, scan
from recorder.reading.recording import Recording, RecordingError, readable_segments


class GrowingRecording:
    """Reads sealed segments as they appear. Blocking; one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inventory = Inventory()
        self._next = 1
        self._last_bytes = 0

    def refresh(self) -> int:
        """Take in what was sealed since; how many segments."""
        taken = 0
        for file in segment_files(self._folder):
            if not file.sealed or file.number < self._next:
                continue
            data = file.path.read_bytes()
            items = list(scan(data))
            if self._is_cut(items):
                # A later segment says that the one before counts less far than it was read: begin again.
                self._inventory, self._next, self._last_bytes = Inventory(), 1, 0
                return taken + self.refresh_whole()
            read_into(self._inventory, file, data, items)
            self._next, self._last_bytes = file.number + 1, len(data)
            taken += 1
        return taken

    def refresh_whole(self) -> int:
        """Read everything anew, each segment as far as its successor says."""
        sealed = [(file, data) for file, data in readable_segments(self._folder) if file.sealed]
        for file, data in sealed:
            read_into(self._inventory, file, data, list(scan(data)))
            self._next, self._last_bytes = file.number + 1, len(data)
        return len(sealed)

    def recording(self) -> Recording:
        """The recording as it stands. RecordingError before anything is sealed."""
        if not self._inventory.segments:
            raise RecordingError("nothing is sealed yet")
        return Recording(self._folder, self._inventory.manifest())

    @property
    def sealed_ns(self) -> int:
        """Hearing clock of the last record that is sealed."""
        return self._inventory.segments[-1].last_ns if self._inventory.segments else 0

    def _is_cut(self, items: Sequence[Record | Damage]) -> bool:
        first = items[0] if items else None
        if not isinstance(first, Record) or self._next == 1:
            return False
        try:
            header = SegmentHeader.from_record(first)
        except ValueError:
            return False
        return header.previous_number == self._next - 1 and header.previous_bytes != self._last_bytes
