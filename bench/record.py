"""What recording costs: CPU of capturing one participant-hour, reading it back, and the film's speed.

Run: python -m bench.record [--quick] [--part capture|film|all].

Capture: six people, each 50 audio packets/s of 100 bytes and 150 video packets/s of 1100 bytes (1.4 Mbit/s), in
real time through RecordingSession on a real disk with all its syncs and seals. Three sinks take turns on the same
packets in the same process: none (the cost of the loop itself, subtracted from both others), one plain os.write per
packet to one file, and the recorder. Film: `bench.film`, which brings its own baseline, in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recorder.folder import segment_files
from recorder.recording import take_inventory
from recorder.session import RecordingSession
from recorder.writer import TICK_S as WRITER_TICK_S
from signaling.sink import TrackInfo

PEOPLE = 6
TICK_S = 0.02  # one audio packet
VIDEO_PER_TICK = 3
AUDIO_PAYLOAD = bytes(88)
VIDEO_PAYLOAD = bytes(range(256)) * 4 + bytes(64)
S_PER_H = 3600

Sink = Callable[[str, bytes, int], None]


def feed(sink: Sink, length_s: float) -> float:
    """Send `length_s` of six people to `sink` in real time; CPU seconds of the whole process."""
    before_s = time.process_time()
    began = time.monotonic()
    for tick in range(int(length_s / TICK_S)):
        for person in range(PEOPLE):
            now_ns = time.monotonic_ns()
            sink(f"a{person}", _rtp(111, tick, tick * 960) + AUDIO_PAYLOAD, now_ns)
            for part in range(VIDEO_PER_TICK):
                sequence = tick * VIDEO_PER_TICK + part
                sink(f"v{person}", _rtp(96, sequence, tick * 1800) + VIDEO_PAYLOAD, now_ns)
        time.sleep(max(0.0, began + (tick + 1) * TICK_S - time.monotonic()))
    return time.process_time() - before_s


def _rtp(payload_type: int, sequence: int, timestamp: int) -> bytes:
    return struct.pack(">BBHII", 0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 1)


def feed_none(place: Path, length_s: float) -> float:
    """The loop alone."""
    return feed(lambda track_id, packet, at_ns: None, length_s)


def feed_plain(place: Path, length_s: float) -> float:
    """One os.write per packet, nothing else."""
    fd = os.open(place / "plain", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        return feed(lambda track_id, packet, at_ns: _write(fd, packet), length_s)
    finally:
        os.close(fd)


def _write(fd: int, packet: bytes) -> None:
    os.write(fd, packet)


def feed_recorder(place: Path, length_s: float) -> float:
    """The recorder in steady state: every packet until it is synced; opening and closing happen once a hearing."""
    session = RecordingSession.create(place / "recording", recording_id="bench")
    for person in range(PEOPLE):
        for track in (_track(f"a{person}", person, video=False), _track(f"v{person}", person, video=True)):
            session.track_started(track, time.monotonic_ns())
    before_s = time.process_time()
    feed(session.packet, length_s)
    time.sleep(2 * WRITER_TICK_S)
    spent_s = time.process_time() - before_s
    manifest = asyncio.run(session.close())
    sent = int(length_s / TICK_S) * (1 + VIDEO_PER_TICK) * PEOPLE
    if sum(track.packets for track in manifest.tracks if track.end_cause == "closed") != sent:
        raise SystemExit("the recorder lost packets")
    return spent_s


def _track(track_id: str, person: int, *, video: bool) -> TrackInfo:
    identity = f"per_{person}"
    if video:
        return TrackInfo(track_id, identity, "camera", "video", "VP8", 90000, person, None, 96, None)
    return TrackInfo(track_id, identity, "microphone", "audio", "opus", 48000, person, None, 111, None)


def capture_figures(*, quick: bool) -> dict[str, dict[str, float | str]]:
    """Figures of the capture half. Quick: about 7 s."""
    turn_s, rounds = (2.0, 1) if quick else (10.0, 4)
    spent = {"none": 0.0, "plain": 0.0, "recorder": 0.0}
    sinks = {"none": feed_none, "plain": feed_plain, "recorder": feed_recorder}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            place = Path(folder) / str(turn)
            place.mkdir()
            for name, sink in sinks.items():
                print(f"capture {turn + 1}/{rounds}: {name}", flush=True)
                spent[name] += sink(place, turn_s)
        read_s, hash_s = _read_back(Path(folder) / "0" / "recording")
    person_s = turn_s * rounds * PEOPLE
    recorder_s, plain_s = ((spent[name] - spent["none"]) / person_s for name in ("recorder", "plain"))
    hours = turn_s * PEOPLE / S_PER_H
    return {
        "capture_cpu": _figure(
            recorder_s * S_PER_H, "CPU s per participant-hour", "plain os.write per packet", plain_s * S_PER_H
        ),
        "read_back_cpu": _figure(
            read_s / hours, "CPU s per participant-hour", "SHA-256 of the same files", hash_s / hours
        ),
    }


def _read_back(recording: Path) -> tuple[float, float]:
    """CPU seconds to build the manifest anew from the journal, and to read and hash the same files."""
    began = time.process_time()
    take_inventory(recording)
    read_s = time.process_time() - began
    began = time.process_time()
    for file in segment_files(recording):
        hashlib.sha256(file.path.read_bytes()).digest()
    return read_s, time.process_time() - began


def film_figures(*, quick: bool) -> dict[str, dict[str, float | str]]:
    """Figures of the film half, from `bench.film` in its own process."""
    command = [sys.executable, "-m", "bench.film", *(["--quick"] if quick else [])]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=900)
    figures: dict[str, dict[str, float | str]] = json.loads(answer.stdout.splitlines()[-1])["figures"]
    return figures


def _figure(value: float, unit: str, baseline: str, baseline_value: float) -> dict[str, float | str]:
    return {
        "value": round(value, 3),
        "unit": unit,
        "baseline": baseline,
        "baseline_value": round(baseline_value, 3),
        "ratio": round(value / baseline_value, 3) if baseline_value > 0 else 0.0,
    }


def main() -> int:
    """Print progress, then all figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="both parts together within 45 s")
    parser.add_argument("--part", choices=["capture", "film", "all"], default="all")
    wanted = parser.parse_args()
    figures: dict[str, dict[str, float | str]] = {}
    if wanted.part in ("capture", "all"):
        figures |= capture_figures(quick=wanted.quick)
    if wanted.part in ("film", "all"):
        print("film", flush=True)
        figures |= film_figures(quick=wanted.quick)
    print(json.dumps({"name": "record", "figures": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
