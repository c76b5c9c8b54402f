"""Checking an archive package with every server off: its list, its record, its acts, its receipts."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from hearing_server.adapters.trust.disclosed_acts import says_what_it_commits_to
from hearing_server.adapters.trust.offline_check import Finding, Report, Trusted, examine
from hearing_server.adapters.trust.space_package_check import FORMAT as SPACE_FORMAT
from hearing_server.adapters.trust.space_package_check import examine_space
from hearing_server.domain.acts import NO_PREVIOUS
from hearing_server.domain.canonical_json import canonical_json
from hearing_server.errors import Invalid
from recorder.folder import SECOND_NAME

LIST_NAME = "package.json"
FORMAT = "hearing-server-package/1"
# What is unpacked to be read as a recording with its receipts; the rest is checked in place.
_RECORDS = ("record", "record-second")
_UNPACKED = ("record/", "record-second/", "receipts/")
_PIECE_BYTES = 1 << 20
_MAX_LIST_BYTES = 64 << 20


def examine_any(path: Path, trusted: Trusted, *, is_thorough: bool = False) -> Report:
    """A package, or whatever else `offline_check.examine` knows. OSError."""
    if path.is_file() and zipfile.is_zipfile(path):
        return examine_package(path, trusted, is_thorough=is_thorough)
    return examine(path, trusted, is_thorough=is_thorough)


def examine_package(path: Path, trusted: Trusted, *, is_thorough: bool = False) -> Report:
    """Everything in one report; a broken part does not keep the others from being looked at."""
    report = Report()
    try:
        with zipfile.ZipFile(path) as package:
            about = _about(package)
            report.findings += _listed(package, about)
            if about["format"] == SPACE_FORMAT:
                report.lines.append(f"package / 归档包: {len(about['files'])} files")
                inside = examine_space(package, about, trusted)
                report.findings += inside.findings
                report.lines += inside.lines
                return report
            report.findings += _film(about)
            report.findings += _acts(package)
            report.lines.append(f"package / 归档包: {len(about['files'])} files")
            inside = _record(package, trusted, is_thorough=is_thorough)
            report.findings += inside.findings
            report.lines += inside.lines
    # The library says NotImplementedError to a compression or encryption it does not know: no package of ours.
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, NotImplementedError) as error:
        why = str(error)[:120]
        report.findings.append(
            Finding(
                path.name, "package.unreadable", f"归档包无法读取：{why}", f"the package can't be read: {why}"
            )
        )
    return report


def _about(package: zipfile.ZipFile) -> dict[str, Any]:
    if package.getinfo(LIST_NAME).file_size > _MAX_LIST_BYTES:
        raise ValueError("list too large")
    about = json.loads(package.read(LIST_NAME))
    if (
        not isinstance(about, dict)
        or about.get("format") not in (FORMAT, SPACE_FORMAT)
        or not isinstance(about.get("files"), list)
    ):
        raise ValueError("not a package of ours")
    return about


def _listed(package: zipfile.ZipFile, about: dict[str, Any]) -> Iterator[Finding]:
    """Every file as listed, and none besides."""
    names = Counter(package.namelist())
    listed = {str(file["path"]): file for file in about["files"]}
    for name in sorted(
        name for name, times in names.items() if times > 1 or name not in {*listed, LIST_NAME}
    ):
        yield Finding(name, "package.extra", "文件不在清单中或重复", "not in the list, or there twice")
    for name, file in listed.items():
        if name not in names:
            yield Finding(name, "package.gone", "文件缺失", "the file is gone")
            continue
        try:
            size, sha256 = _digest(package, name)
        except (zipfile.BadZipFile, OSError):
            yield Finding(name, "package.damaged", "文件已损坏", "the file is damaged")
            continue
        if (size, sha256) != (file["bytes"], file["sha256"]):
            yield Finding(name, "package.changed", "文件与清单不符", "the file isn't what the list says")


def _digest(package: zipfile.ZipFile, name: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with package.open(name) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _film(about: dict[str, Any]) -> Iterator[Finding]:
    films = [file["sha256"] for file in about["files"] if file["path"] == "film/film.mp4"]
    if films != [about.get("film_sha256")]:
        yield Finding(
            "film/film.mp4", "package.film", "成片不是存证时的成片", "it isn't the film that was logged"
        )


def _acts(package: zipfile.ZipFile) -> Iterator[Finding]:
    """The case's chain, link by link, and every disclosed field against its commitment."""
    head = NO_PREVIOUS
    for number, line in enumerate(package.read("acts.jsonl").decode().splitlines(), start=1):
        digest, wrong = _act(line, number, head)
        if wrong is not None:
            yield Finding(f"act {number}", "package.act", *wrong)
        head = digest


def _act(line: str, number: int, head: str) -> tuple[str, tuple[str, str] | None]:
    """(the entry's digest, what is wrong in both languages)."""
    try:
        act = json.loads(line)
        entry = json.loads(act["entry"])
        digest = hashlib.sha256(act["entry"].encode()).hexdigest()
        if (entry["case_seq"], entry["prev_in_case"]) != (number, head):
            return digest, ("与上一行为不相接", "it doesn't follow the act before it")
        if digest != act["entry_sha256"] or canonical_json(entry).decode() != act["entry"]:
            return digest, ("条目被改动", "the entry was changed")
        if not says_what_it_commits_to(act, entry):
            return digest, ("所示内容与承诺不符", "what it says isn't what it commits to")
    except (ValueError, KeyError, TypeError, Invalid):
        return "", ("无法读取", "it can't be read")
    return digest, None


def _record(package: zipfile.ZipFile, trusted: Trusted, *, is_thorough: bool) -> Report:
    """Both recorders' folders as one record, with the receipts that name its segments."""
    whole = Report()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name in package.namelist():
            parts = PurePosixPath(name).parts
            if not name.startswith(_UNPACKED) or name.endswith("/") or ".." in parts:
                continue
            _unpack(package, name, root / _RECORDS[0] / name if parts[0] == "receipts" else root / name)
        first, second = (root / folder for folder in _RECORDS)
        if second.is_dir() and first.is_dir():
            # Where the second recorder's folder lies here, in place of where the court keeps it.
            (first / SECOND_NAME).write_text(json.dumps({"folder": f"../{second.name}"}), "utf-8")
        if first.is_dir():
            whole = examine(first, trusted, is_thorough=is_thorough)
    if not any(name.startswith("record/journal/") for name in package.namelist()):
        whole.findings.append(Finding("record/", "package.gone", "没有原始记录", "there is no record in it"))
    return whole


def _unpack(package: zipfile.ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(zipfile.BadZipFile), package.open(name) as source, target.open("wb") as file:
        # What is damaged was named already; as much as can be read is looked at.
        while piece := source.read(_PIECE_BYTES):
            file.write(piece)
