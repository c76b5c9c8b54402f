"""The hundred-line reader of docs/ knows no line of ours and finds what ours finds."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

from recorder.folder import segment_files
from recorder.reading.recording import Recording, open_recording
from tests.recorder.two_recorders import two_recorders

SCRIPT = Path(__file__).parents[2] / "docs" / "read_record.py"
PACKET = struct.Struct(">HHI")


def _read(*arguments: object) -> subprocess.CompletedProcess[str]:
    # Isolated: no package of ours can be found.
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _dumped(path: Path) -> list[bytes]:
    data = path.read_bytes()
    at = data.index(b"\n") + 1 + 16
    found = []
    while at < len(data):
        length, size, _ = PACKET.unpack_from(data, at)
        assert length == size + PACKET.size
        found.append(data[at + PACKET.size : at + length])
        at += length
    return found


def _lines(recording: Recording) -> list[str]:
    lines = []
    for track in recording.tracks:
        info = track.info
        parts = (info.track_id, info.identity, info.source, info.codec, track.packets, track.payload_bytes)
        lines.append(" ".join(map(str, parts)))
    return lines


async def test_script__on_a_real_recording__finds_what_our_reader_finds(tmp_path: Path) -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 100
    async with two_recorders(tmp_path) as pair:
        await pair.run(1.0)
        assert pair.keeper.pid is not None
        os.kill(pair.keeper.pid, signal.SIGKILL)
        await pair.run_until(lambda: not pair.is_second_writing())
        await pair.run_until(pair.is_second_writing)
        await pair.close()
    first, second, out = tmp_path / "first", tmp_path / "second", tmp_path / "v1.rtpdump"
    alone = _read(first)
    assert (alone.returncode, alone.stderr) == (0, "intact\n")
    assert alone.stdout.splitlines() == _lines(open_recording(first))
    both = _read(first, second, "--track", "v1", "--out", out)
    assert (both.returncode, both.stdout) == (0, alone.stdout)
    assert _dumped(out) == pair.sent["v1"]
    # Damage in one of the two costs nothing and is named; the other end of the chain notices a segment that is gone.
    files = segment_files(first)
    whole = files[1].path.read_bytes()
    files[1].path.write_bytes(whole[:400] + bytes(200) + whole[600:])
    files[3].path.unlink()
    damaged = _read(first, second, "--track", "v1", "--out", out)
    assert damaged.returncode == 1
    assert f"{first.name}/{files[1].path.name}: " in damaged.stderr
    assert f"{first.name}/{files[4].path.name}: the chain is broken before it" in damaged.stderr
    assert damaged.stdout == alone.stdout
    assert _dumped(out) == pair.sent["v1"]
