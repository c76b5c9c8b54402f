"""Office documents as PDF through LibreOffice: a profile of its own for each, no macros, no network.

The program writes whole folders beside the document, so this one step needs a named file; it lies in the work folder
of one look and goes with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from hearing_server.domain.case_space.attachments import Refusal
from hearing_server.ports.attachments import RefusedFile

_MAX_PDF_BYTES: Final = 200 << 20
# Macros never run, and nothing is fetched because a document says so.
_SETTINGS: Final = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Calc/Content/Update", "Link", "2"),
    ("Writer/Content/Update", "Link", "2"),
)


def to_pdf(program: str, source: Path, ending: str, work: Path) -> Path:
    """The document as PDF in `work`. Errors: RefusedFile `unreadable`."""
    folder = work / "office"
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(_profile())
    named = folder / f"document.{ending}"
    with source.open("rb") as file, named.open("wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
    _run(
        [
            program, "--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo",
            f"-env:UserInstallation=file://{folder / 'profile'}", "--convert-to", "pdf",
            "--outdir", str(folder), str(named),
        ],
        folder,
    )  # fmt: skip
    made = folder / "document.pdf"
    if not made.is_file() or not 0 < made.stat().st_size <= _MAX_PDF_BYTES:
        raise RefusedFile(Refusal.UNREADABLE, "office")
    target = work / "rendition.pdf"
    made.rename(target)
    shutil.rmtree(folder, ignore_errors=True)
    return target


def _profile() -> str:
    items = "".join(
        f'<item oor:path="/org.openoffice.Office.{path}">'
        f'<prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'
        for path, name, value in _SETTINGS
    )
    head = '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{items}</oor:items>\n'


def _run(command: list[str], folder: Path) -> None:
    """Waits without an end: whoever started this process ends its whole group when the time is over."""
    subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LANG": "C.UTF-8", "TMPDIR": str(folder)},
        check=False,
    )  # fmt: skip
