"""Attachments of a case space: what may be sent, what it is found to be, and why something is refused.

A file is `uploading` while its bytes come, `checking` from the last byte on, then `ready` or `refused` with a reason.
Only a ready one is seen by anybody but its sender. The original is kept bit by bit; whatever people are shown is
derived from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.errors import Invalid
from hearing_server.kernel import AttachmentId, CaseId, PersonId, to_wire

MAX_NAME_CHARS = 200
# An upload that got no byte for so long is forgotten: a week-end and a bad line between.
UPLOAD_LIFE = timedelta(days=7)
# Path separators, control characters and marks that turn reading direction don't belong into a name.
_UNWANTED = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class AttachmentKind(StrEnum):
    """What people see a file as. `unknown` until its bytes were looked into."""

    UNKNOWN = "unknown"
    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"


class AttachmentState(StrEnum):
    UPLOADING = "uploading"
    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"


class Purpose(StrEnum):
    """What the sender means to do with the file; rights follow from where it is used, never from this."""

    MESSAGE = "message"
    VOICE = "voice"
    EXHIBIT = "exhibit"
    SUBMISSION = "submission"
    REMINDER = "reminder"


class Finding(StrEnum):
    """What the court is told of a file that was taken all the same."""

    PDF_SCRIPT = "pdf_script"
    PDF_LAUNCH = "pdf_launch"
    PDF_FILES_INSIDE = "pdf_files_inside"
    OUTSIDE_LINKS = "outside_links"
    NO_PREVIEW = "no_preview"
    NOT_SCANNED = "not_scanned"
    LOCATION = "location"
    TEXT_CUT = "text_cut"
    NAME_ENDING = "name_ending"


class Refusal(StrEnum):
    """Why a file was refused. The code of the error is `attachment.<reason>`."""

    EMPTY = "empty"
    TYPE = "type"
    EXECUTABLE = "executable"
    MACROS = "macros"
    ENCRYPTED = "encrypted"
    POLYGLOT = "polyglot"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_LONG = "too_long"
    BOMB = "bomb"
    OFFICE_MISSING = "office_missing"
    INFECTED = "infected"
    NOT_SCANNABLE = "not_scannable"
    HASH_MISMATCH = "hash_mismatch"
    TOO_SLOW = "too_slow"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a case. Hashes are hex, "" while unknown; sides and pages are 0 where the kind has none.

    `preview_sha256`: a JPEG; `rendition_sha256`: the file as PDF (office documents) or as AAC in MP4 (sound);
    `waveform`: 64 values 0..100 of sound; `name` is what people see and never a path.
    """

    id: AttachmentId
    case_id: CaseId
    uploader_id: PersonId
    sha256: str
    preview_sha256: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    name: str
    uploaded_at: datetime
    kind: AttachmentKind = AttachmentKind.UNKNOWN
    state: AttachmentState = AttachmentState.UPLOADING
    purpose: Purpose = Purpose.MESSAGE
    reason: str = ""
    findings: tuple[str, ...] = ()
    pages: int = 0
    duration_ms: int = 0
    waveform: tuple[int, ...] = ()
    rendition_sha256: str = ""
    rendition_bytes: int = 0
    declared_sha256: str = ""
    expires_at: datetime | None = None
    waits_for: str = ""

    @property
    def is_ready(self) -> bool:
        return self.state is AttachmentState.READY

    @property
    def has_preview(self) -> bool:
        return bool(self.preview_sha256)


@dataclass(frozen=True, slots=True)
class PageImage:
    """One page of a document as a picture: its number from 1, its size, and the object it is kept under."""

    attachment_id: AttachmentId
    page: int
    sha256: str
    width: int
    height: int
    size_bytes: int


def attachment_view(attachment: Attachment) -> dict[str, object]:
    """What clients get of an attachment they may see (docs/PROTOCOL.md section 1, Attachment)."""
    return {
        "id": attachment.id,
        "case_id": attachment.case_id,
        "uploader_id": attachment.uploader_id,
        "kind": attachment.kind.value,
        "state": attachment.state.value,
        "reason": attachment.reason or None,
        "waits_for": attachment.waits_for or None,
        "findings": list(attachment.findings),
        "purpose": attachment.purpose.value,
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size_bytes": attachment.size_bytes,
        "sha256": attachment.sha256 or None,
        "width": attachment.width,
        "height": attachment.height,
        "pages": attachment.pages,
        "duration_ms": attachment.duration_ms,
        "waveform": list(attachment.waveform),
        "has_preview": attachment.has_preview,
        "has_rendition": bool(attachment.rendition_sha256),
        "uploaded_at": to_wire(attachment.uploaded_at),
        "expires_at": to_wire(attachment.expires_at) if attachment.expires_at else None,
    }


def clean_name(name: str) -> str:
    """What people see as the file's name; never used as a path. The ending is kept when it is too long."""
    return _UNWANTED.sub("_", name).strip(" .")[-MAX_NAME_CHARS:] or "文件"


def checked_sha256(text: str) -> str:
    """The sender's own hash of the whole file, 64 hex digits or nothing. Errors: Invalid `upload.hash_malformed`."""
    lowered = text.strip().lower()
    if lowered and not _SHA256.fullmatch(lowered):
        raise Invalid(
            "upload.hash_malformed",
            zh="文件校验值应为 64 位十六进制",
            en="The file's SHA-256 must be 64 hexadecimal digits",
        )
    return lowered
