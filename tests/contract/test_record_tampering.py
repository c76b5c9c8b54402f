"""A recording's folder with its receipts, tampered with at random: none is missed, and the place named is the place."""

from __future__ import annotations

import functools
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hearing_server.adapters.trust.offline_check import Finding, Trusted, examine
from recorder.account.manifest import Manifest
from recorder.folder import MANIFEST_NAME, segment_files
from recorder.reading.verify import verify
from recorder.union.union import point_to_second
from tests.contract.test_check_receipt import OTHER, POLICY
from tests.logged_record import log_sealing, log_segments, record
from tests.receipt_tampering import flipped
from tests.recorder.random_history import History
from tests.recorder.stepped_session import stepped_writers

SECONDS = 36
# So many changes at once, of files that differ: each must be named by itself, and nothing else.
AT_ONCE = 6
TRUSTED = Trusted.read(POLICY)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z")
NAME = re.compile(r"\d{8}\.seg")

# Given the draw and the journal's files that are still whole; answers whose content changed.
Attack = Callable[[random.Random, list[Path]], list[Path]]


@pytest.fixture(scope="module", autouse=True)
def _fast_signatures() -> Iterator[None]:
    """The other checker takes 30 ms for a signature, and sees the same few in every folder."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OTHER, "is_signed", functools.lru_cache(maxsize=4096)(OTHER.is_signed))
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logged") / "rec_1"
    with stepped_writers():
        record(folder, seconds=SECONDS)
    log_segments(folder)
    assert len(segment_files(folder)) >= SECONDS // 3
    assert len(list(folder.glob("*.receipt.json"))) >= 2
    return folder


def _codes(folder: Path) -> set[str]:
    return {finding.code for finding in examine(folder, TRUSTED).findings}


def _other_findings(folder: Path) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = OTHER.examine(folder, OTHER.Policy(POLICY))[1]
    return found


def _other_codes(folder: Path) -> set[str]:
    return {code for _, code, _ in _other_findings(folder)}


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def _put_back(folder: Path) -> Iterator[None]:
    """All files are afterwards as they were."""
    kept = _contents(folder)
    try:
        yield
    finally:
        for path in [path for path in folder.rglob("*") if path.is_file() and path not in kept]:
            path.unlink()
        for path, data in kept.items():
            if not path.is_file() or path.read_bytes() != data:
                path.write_bytes(data)


def _flip(draw: random.Random, files: list[Path]) -> list[Path]:
    file = draw.choice(files)
    file.write_bytes(flipped(draw, file.read_bytes()))
    return [file]


def _truncate(draw: random.Random, files: list[Path]) -> list[Path]:
    file = draw.choice(files)
    data = file.read_bytes()
    file.write_bytes(data[: draw.randrange(len(data))])
    return [file]


def _append(draw: random.Random, files: list[Path]) -> list[Path]:
    file = draw.choice(files)
    file.write_bytes(file.read_bytes() + draw.randbytes(draw.randrange(1, 200)))
    return [file]


def _swap(draw: random.Random, files: list[Path]) -> list[Path]:
    first, second = draw.sample(files, 2)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    return [first, second]


def _delete(draw: random.Random, files: list[Path]) -> list[Path]:
    file = draw.choice(files)
    file.unlink()
    return [file]


def _replay(draw: random.Random, files: list[Path]) -> list[Path]:
    """What was said once is heard again, in place of something else."""
    source, target = draw.sample(files, 2)
    target.write_bytes(source.read_bytes())
    return [target]


def _add(draw: random.Random, files: list[Path]) -> list[Path]:
    added = files[-1].with_name(f"{int(files[-1].stem) + draw.randrange(1, 4):08}.seg")
    added.write_bytes(draw.choice(files).read_bytes())
    return [added]


ATTACKS: tuple[Attack, ...] = (_flip, _truncate, _append, _swap, _delete, _replay, _add)


def _is_within(finding: Finding, spans: list[tuple[datetime, datetime]]) -> bool:
    """Whether the moments that a finding names, if it names any, lie 5 s at most from what was changed."""
    said = [
        datetime.strptime(each, "%Y-%m-%d %H:%M:%S.%fZ").replace(tzinfo=UTC)
        for each in MOMENT.findall(finding.where)
    ]
    slack = timedelta(seconds=5)
    return all(any(begin - slack <= moment <= end + slack for begin, end in spans) for moment in said)


def test_untouched__by_both_checkers__raises_no_alarm(whole: Path) -> None:
    for trusted in (TRUSTED, Trusted()):
        assert examine(whole, trusted).findings == []
    assert _other_codes(whole) == set()


@pytest.mark.parametrize(
    "count", [20, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_untouched__of_every_kind__raises_no_alarm(tmp_path: Path, count: int) -> None:
    """Recordings with losses, crashes, pauses and all else that befalls a hearing, and the act of their sealing."""
    with stepped_writers():
        for seed in range(count):
            folder = tmp_path / f"{seed}"
            manifest = History(folder, seed, ("audio", "video")[seed % 2]).play(2)
            log_segments(folder)
            log_sealing(folder, manifest.root_sha256)
            for trusted, is_thorough in ((TRUSTED, False), (TRUSTED, True), (Trusted(), False)):
                assert examine(folder, trusted, is_thorough=is_thorough).findings == [], seed
            assert _other_codes(folder) == set()
            shutil.rmtree(folder)


@pytest.mark.parametrize(
    "count", [300, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])]
)
def test_tampered_journal__at_random__is_found_and_its_place_named(whole: Path, count: int) -> None:
    draw = random.Random(2026)
    manifest = Manifest.load(whole)
    spans = {
        Path(line.name).name: tuple(
            datetime.fromtimestamp(manifest.clock.utc_ns(at_ns) / 1e9, UTC)
            for at_ns in (line.first_ns, line.last_ns)
        )
        for line in manifest.segments
    }
    kept = _contents(whole)
    wrong: list[str] = []
    done = 0
    while done < count:
        said, touched = _tamper(draw, whole, draw.randint(1, AT_ONCE))
        done += len(said)
        names = {path.name for path in touched}
        findings = examine(whole, TRUSTED).findings
        by_receipts = [each for each in findings if "logged" in each.code or each.code == "segment.gone"]
        # A receipt says which segment: those that were changed are named, and no other is; by both checkers.
        named = {name for each in by_receipts for name in NAME.findall(each.where)}
        other = {name for where, _, _ in _other_findings(whole) for name in NAME.findall(where)}
        places = [spans[name] for name in names if name in spans]
        far = [each.where for each in by_receipts if not _is_within(each, places)]  # type: ignore[arg-type]
        if not named == names == other or far:
            wrong.append(f"{done} {said} {names}: {named} {other} {far}")
        for path in touched:
            if path in kept:
                path.write_bytes(kept[path])
            else:
                path.unlink()
    assert not wrong, "\n".join(wrong)
    assert _contents(whole) == kept


def _tamper(draw: random.Random, folder: Path, times: int) -> tuple[list[str], list[Path]]:
    """(which attacks, what they changed): up to so many, none on a file of another."""
    files = [file.path for file in segment_files(folder)]
    last = files[-1]
    said: list[str] = []
    touched: list[Path] = []
    for _ in range(times):
        left = [path for path in files if path not in touched]
        attack = draw.choice(ATTACKS)
        # Files are added behind the last one, and a second one might be the first one again.
        if attack is _add and (last in touched or "_add" in said):
            attack = _flip
        said.append(attack.__name__)
        touched += attack(draw, left)
    return said, touched


def test_manifest_or_receipt__changed_by_a_bit__is_found(whole: Path) -> None:
    draw = random.Random(7)
    for _ in range(60):
        with _put_back(whole):
            _flip(draw, [whole / MANIFEST_NAME, *sorted(whole.glob("*.receipt.json"))])
            assert examine(whole, TRUSTED).findings


def _written_anew(whole: Path, folder: Path) -> Path:
    """Another hearing under the same name: segments, chain and manifest fit each other; the receipts lie beside."""
    with stepped_writers():
        record(folder, seconds=SECONDS, first=5000)
    assert verify(folder) == []
    for receipt in whole.glob("*.receipt.json"):
        shutil.copy(receipt, folder)
    return folder


def test_journal__written_anew_and_consistent__is_caught_by_the_receipts(whole: Path, tmp_path: Path) -> None:
    forged = _written_anew(whole, tmp_path / "forged")
    count = len(segment_files(forged))
    found = [finding.code for finding in examine(forged, TRUSTED).findings]
    assert found == ["segment.not_as_logged"] * count
    assert _other_codes(forged) == {"segment.not_as_logged"}


def test_journal__consistent_and_longer_than_logged__names_what_no_act_speaks_of(tmp_path: Path) -> None:
    folder = tmp_path / "rec_1"
    with stepped_writers():
        record(folder, seconds=SECONDS)
    last = segment_files(folder)[-1].path
    data = last.read_bytes()
    last.unlink()
    log_segments(folder)
    last.write_bytes(data)
    assert verify(folder) == []
    findings = examine(folder, TRUSTED).findings
    assert [(last.name in each.where, each.code) for each in findings] == [(True, "segment.not_logged")]
    assert _other_codes(folder) == {"segment.not_logged"}


def test_journal__under_another_name__is_not_taken_for_one_without_receipts(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    with stepped_writers():
        record(folder, seconds=6)
    log_segments(folder, recording_id="rec_2")
    assert _codes(folder) == {"segment.other_recording"}
    assert _other_codes(folder) == {"segment.other_recording"}


def test_folder__of_one_recorder_with_receipts_of_both__is_compared_with_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    with stepped_writers():
        for number, folder in enumerate(folders):
            record(folder, seconds=12, first=number * 7000)
    for folder, recorder in zip(folders, ("first", "second"), strict=True):
        log_segments(folder, recorder=recorder)
    for receipt in folders[1].glob("*.receipt.json"):
        shutil.copy(receipt, folders[0])
    assert {code for code in _codes(folders[0]) if code.startswith("segment.")} == set()
    _flip(random.Random(1), [segment_files(folders[0])[1].path])
    assert "segment.not_as_logged" in _codes(folders[0])


def test_second_folder__behind_its_pointer__is_compared_with_receipts_of_its_own(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    with stepped_writers():
        for number, folder in enumerate((first, second)):
            record(folder, seconds=12, first=number * 7000)
    log_segments(first, recorder="first")
    assert {code for code in _codes(first) if code.startswith("segment.")} == set()
    point_to_second(first, second)
    assert {code for code in _codes(first) if code.startswith("segment.")} == set()
    assert _other_codes(tmp_path) == set()
    log_segments(second, recorder="second")
    for receipt in second.glob("*.receipt.json"):
        shutil.copy(receipt, first)
    assert {code for code in _codes(first) if code.startswith("segment.")} == set()
    assert _other_codes(tmp_path) == set()
    last = segment_files(second)[-1].path
    shutil.copy(last, last.with_name("00000009.seg"))
    _flip(random.Random(1), [segment_files(second)[0].path])
    found = {(each.where.split(",")[0], each.code) for each in examine(first, TRUSTED).findings}
    assert ("second/journal/00000001.seg", "segment.not_as_logged") in found
    assert ("second/journal/00000009.seg", "segment.not_logged") in found
    assert _other_codes(tmp_path) == {"segment.not_as_logged", "segment.not_logged"}
