"""verify: silent on an untouched recording; on any single flipped bit it names the file and the bytes."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.account.manifest import Manifest
from recorder.folder import LOCK_NAME, MANIFEST_NAME, segment_files
from recorder.journal import Record, RecordKind, encode_record, scan
from recorder.reading.verify import Problem, verify
from recorder.writing.session import RecordingSession
from tests.recorder.packets import feed_audio, microphone


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A sealed recording of several segments and two runs."""
    place = tmp_path / "r"
    for run in range(2):
        session = RecordingSession.create(place, recording_id="rec_1", seal_s=0.1)
        start_ns = time.monotonic_ns()
        session.track_started(microphone(f"audio-{run}"), start_ns)
        feed_audio(session, f"audio-{run}", start_ns, 30)
        session.mark(kind="note", text="证据一", at_ns=start_ns)
        await session.close()
    assert len(segment_files(place)) >= 2
    return place


def _codes(problems: list[Problem]) -> set[str]:
    return {problem.code for problem in problems}


def test_verify__when_nothing_was_touched__then_it_finds_nothing(folder: Path) -> None:
    for _ in range(3):
        assert verify(folder) == []


def test_verify__when_any_single_bit_is_flipped__then_it_names_the_file_and_the_range(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_NAME]
    weights = [path.stat().st_size for path in files]
    chance = random.Random(20261122)
    for _ in range(200):
        path = chance.choices(files, weights)[0]
        whole = path.read_bytes()
        bit = chance.randrange(len(whole) * 8)
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        name = path.relative_to(folder).as_posix()
        hits = [
            problem
            for problem in verify(folder)
            if problem.file == name and problem.offset <= bit // 8 < problem.offset + problem.length_bytes
        ]
        assert hits, (name, bit)
        if path.name != MANIFEST_NAME:
            damaged = [problem for problem in hits if problem.code == "record.damaged"]
            assert [problem.length_bytes < 400 for problem in damaged] == [
                True
            ]  # one record, not the whole file
        path.write_bytes(whole)
    assert verify(folder) == []


def test_verify__when_a_record_is_replaced_with_a_good_checksum__then_the_digest_gives_it_away(
    folder: Path,
) -> None:
    path = segment_files(folder)[0].path
    whole = path.read_bytes()
    packet = next(r for r in scan(whole) if isinstance(r, Record) and r.kind == RecordKind.PACKET)
    forged = encode_record(packet.kind, packet.track, packet.at_ns, packet.payload[:-1] + b"!")
    path.write_bytes(whole[: packet.offset] + forged + whole[packet.end :])
    problems = verify(folder)
    assert _codes(problems) == {"segment.digest", "chain.broken"}
    assert {problem.file for problem in problems} == {file.name for file in segment_files(folder)[:2]}


def test_verify__when_a_segment_is_gone_or_added__then_it_says_which(folder: Path) -> None:
    first, second = segment_files(folder)[:2]
    content = second.path.read_bytes()
    second.path.unlink()
    assert ("segment.missing", second.name) in {(problem.code, problem.file) for problem in verify(folder)}
    second.path.write_bytes(content)
    added = first.path.with_name("00000099.seg")
    added.write_bytes(content)
    assert ("segment.unknown", "journal/00000099.seg") in {(p.code, p.file) for p in verify(folder)}
    added.unlink()
    assert verify(folder) == []


def test_verify__when_two_segments_change_places__then_the_chain_is_broken(folder: Path) -> None:
    first, second = segment_files(folder)[:2]
    one, two = first.path.read_bytes(), second.path.read_bytes()
    first.path.write_bytes(two)
    second.path.write_bytes(one)
    assert "chain.broken" in _codes(verify(folder))


def test_verify__when_the_manifest_is_gone_or_tells_another_story__then_it_says_so(folder: Path) -> None:
    place = folder / MANIFEST_NAME
    text = place.read_text(encoding="utf-8")
    place.unlink()
    assert _codes(verify(folder)) == {"manifest.missing"}
    place.write_text(text.replace("证据一", "证据二"), encoding="utf-8")
    assert _codes(verify(folder)) == {"manifest.damaged"}
    place.write_text(text + " ", encoding="utf-8")
    assert _codes(verify(folder)) == {"manifest.damaged"}


def test_verify__when_a_manifest_was_made_to_fit_its_own_lie__then_the_journal_contradicts(
    folder: Path,
) -> None:
    told = replace(Manifest.load(folder), gaps=())
    (folder / MANIFEST_NAME).write_bytes(told.to_json().encode())
    problems = verify(folder)
    assert _codes(problems) == {"manifest.differs"}
    assert "gaps" in problems[0].title


def test_verify__when_there_is_no_recording__then_it_says_so(tmp_path: Path) -> None:
    assert _codes(verify(tmp_path)) == {"journal.missing"}


def test_verify__when_an_act_vouches_for_the_root__then_hashes_suffice_and_another_manifest_is_refused(
    folder: Path,
) -> None:
    told = Manifest.load(folder)
    assert verify(folder, root_sha256=told.root_sha256) == []
    lie = replace(told, gaps=())
    (folder / MANIFEST_NAME).write_bytes(lie.to_json().encode())
    assert _codes(verify(folder, root_sha256=told.root_sha256)) == {"manifest.differs"}
    (folder / MANIFEST_NAME).write_bytes(told.to_json().encode())
    path = segment_files(folder)[1].path
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 4
    path.write_bytes(whole)
    problems = verify(folder, root_sha256=told.root_sha256)
    assert _codes(problems) >= {"record.damaged", "segment.digest"}
    damaged = next(problem for problem in problems if problem.code == "record.damaged")
    assert damaged.offset <= len(whole) // 2 < damaged.offset + damaged.length_bytes
