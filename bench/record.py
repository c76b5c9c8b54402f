"""What recording costs: CPU per recorded participant, forty at once, the film, its readiness, verification.

Run: python -m bench.record [--quick] [--part capture|film|all].

Capture: each person sends 50 audio packets/s of 100 bytes and 150 video packets/s of 1100 bytes (1.4 Mbit/s), in real
time through RecordingSession on a real disk with all its syncs and seals. Three sinks take turns on the same packets in
the same process: none (the cost of the loop itself, subtracted from both others), a plain copy of the packets into one
file, and the recorder; first six people, then forty. Film, readiness and verification: `bench.film`, in a process of
its own and with its own baselines.
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

from bench.measure import Figure, figure, print_result
from recorder.account.manifest import Manifest
from recorder.folder import segment_files
from recorder.reading.recording import take_inventory
from recorder.writing.session import RecordingSession
from recorder.writing.writer import TICK_S as WRITER_TICK_S
from signaling.sink import TrackInfo

PEOPLE = 6
CROWD = 40
TICK_S = 0.02  # one audio packet
VIDEO_PER_TICK = 3
AUDIO_PAYLOAD = bytes(88)
VIDEO_PAYLOAD = bytes(range(256)) * 4 + bytes(64)
S_PER_H = 3600

Sink = Callable[[str, bytes, int], None]


def feed(sink: Sink, length_s: float, people: int) -> float:
    """Send `length_s` of so many people to `sink` in real time; CPU seconds of the whole process."""
    before_s = time.process_time()
    began = time.monotonic()
    for tick in range(int(length_s / TICK_S)):
        for person in range(people):
            now_ns = time.monotonic_ns()
            sink(f"a{person}", _rtp(111, tick, tick * 960) + AUDIO_PAYLOAD, now_ns)
            for part in range(VIDEO_PER_TICK):
                sequence = tick * VIDEO_PER_TICK + part
                sink(f"v{person}", _rtp(96, sequence, tick * 1800) + VIDEO_PAYLOAD, now_ns)
        time.sleep(max(0.0, began + (tick + 1) * TICK_S - time.monotonic()))
    return time.process_time() - before_s


def _rtp(payload_type: int, sequence: int, timestamp: int) -> bytes:
    return struct.pack(">BBHII", 0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 1)


def feed_none(place: Path, length_s: float, people: int) -> float:
    """The loop alone."""
    return feed(lambda track_id, packet, at_ns: None, length_s, people)


def feed_plain(place: Path, length_s: float, people: int) -> float:
    """One os.write per packet, nothing else."""
    fd = os.open(place / "plain", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        return feed(lambda track_id, packet, at_ns: _write(fd, packet), length_s, people)
    finally:
        os.close(fd)


def _write(fd: int, packet: bytes) -> None:
    os.write(fd, packet)


def feed_recorder(place: Path, length_s: float, people: int) -> float:
    """The recorder in steady state: every packet until it is synced; opening and closing happen once a hearing."""
    session = RecordingSession.create(place / "recording", recording_id="bench")
    for person in range(people):
        for track in (_track(f"a{person}", person, video=False), _track(f"v{person}", person, video=True)):
            session.track_started(track, time.monotonic_ns())
    before_s = time.process_time()
    feed(session.packet, length_s, people)
    time.sleep(2 * WRITER_TICK_S)
    spent_s = time.process_time() - before_s
    manifest = asyncio.run(session.close())
    if len(whole(manifest, length_s)) != people:
        print(f"only {len(whole(manifest, length_s))} of {people} are recorded without loss", flush=True)
    return spent_s


def whole(manifest: Manifest, length_s: float) -> set[str]:
    """Who is on the record with every packet that was sent, and no gap between the first and the last."""
    ticks = int(length_s / TICK_S)
    sent = {"audio": ticks, "video": ticks * VIDEO_PER_TICK}
    broken = {
        track.info.identity
        for track in manifest.tracks
        if track.packets != sent[track.info.kind] or track.lost_packets
    }
    given_up = {"overload", "disk", "crash"}
    identity_of = {track.number: track.info.identity for track in manifest.tracks}
    broken |= {identity_of[gap.track] for gap in manifest.gaps if gap.cause.value in given_up}
    return {track.info.identity for track in manifest.tracks} - broken


def _track(track_id: str, person: int, *, video: bool) -> TrackInfo:
    identity = f"per_{person}"
    if video:
        return TrackInfo(track_id, identity, "camera", "video", "VP8", 90000, person, None, 96, None)
    return TrackInfo(track_id, identity, "microphone", "audio", "opus", 48000, person, None, 111, None)


def capture_figures(*, quick: bool) -> dict[str, Figure]:
    """Figures of the capture half. Quick: about 14 s."""
    turn_s, rounds = (1.5, 1) if quick else (10.0, 4)
    crowd_s = 2.0 if quick else 20.0
    with tempfile.TemporaryDirectory() as folder:
        few = _take_turns(Path(folder) / "few", PEOPLE, turn_s, rounds)
        crowd = _take_turns(Path(folder) / "crowd", CROWD, crowd_s, 1)
        read_s, hash_s = _read_back(Path(folder) / "few" / "0" / "recording")
        manifest = Manifest.load(Path(folder) / "crowd" / "0" / "recording")
    person_s = turn_s * rounds * PEOPLE
    hours = turn_s * PEOPLE / S_PER_H
    plain = "plain copy of the same packets into one file"
    return {
        "capture_core_percent_per_participant": _percent(few, person_s, f"{plain}, %"),
        "capture_core_percent_of_forty": _percent(crowd, crowd_s * CROWD, f"{plain}, %"),
        "recorded_participants": figure(
            len(whole(manifest, crowd_s)), "people at once, none with a loss or gap", "people sending", CROWD
        ),
        "read_back_cpu": figure(
            read_s / hours, "CPU s per participant-hour", "SHA-256 of the same files", hash_s / hours
        ),
    }


def _take_turns(place: Path, people: int, turn_s: float, rounds: int) -> dict[str, float]:
    """CPU seconds by sink."""
    sinks = {"none": feed_none, "plain": feed_plain, "recorder": feed_recorder}
    spent = dict.fromkeys(sinks, 0.0)
    for turn in range(rounds):
        here = place / str(turn)
        here.mkdir(parents=True)
        for name, sink in sinks.items():
            print(f"capture of {people}, {turn + 1}/{rounds}: {name}", flush=True)
            spent[name] += sink(here, turn_s, people)
    return spent


def _percent(spent: dict[str, float], person_s: float, baseline: str) -> Figure:
    recorder, plain = ((spent[name] - spent["none"]) / person_s * 100 for name in ("recorder", "plain"))
    return figure(recorder, "% of a core per recorded participant", baseline, plain)


def _read_back(recording: Path) -> tuple[float, float]:
    """CPU seconds to build the manifest anew from the journal, and to read and hash the same files."""
    began = time.process_time()
    take_inventory(recording)
    read_s = time.process_time() - began
    began = time.process_time()
    for file in segment_files(recording):
        hashlib.sha256(file.path.read_bytes()).digest()
    return read_s, time.process_time() - began


def film_figures(*, quick: bool) -> dict[str, Figure]:
    """Figures of the film half, from `bench.film` in its own process."""
    command = [sys.executable, "-m", "bench.film", *(["--quick"] if quick else [])]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=3600)
    figures: dict[str, Figure] = json.loads(answer.stdout.splitlines()[-1])["figures"]
    return figures


def main() -> int:
    """Print progress, then all figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="both parts together within 45 s")
    parser.add_argument("--part", choices=["capture", "film", "all"], default="all")
    wanted = parser.parse_args()
    figures: dict[str, Figure] = {}
    if wanted.part in ("capture", "all"):
        figures |= capture_figures(quick=wanted.quick)
    if wanted.part in ("film", "all"):
        print("film", flush=True)
        figures |= film_figures(quick=wanted.quick)
    print_result("record", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
