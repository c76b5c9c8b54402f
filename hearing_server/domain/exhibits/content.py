"""What an exhibit says of itself: 来源, 证明对象, kind, files. Checked when written, hashed when submitted.

Sources: 民事诉讼证据规定 art 19 (each item: number, source, purpose, pages), 民事诉讼法 art 66 (the eight kinds).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from hearing_server.domain.canonical_json import JsonObject, canonical_json
from hearing_server.errors import Invalid
from hearing_server.kernel import AttachmentId

MAX_TITLE_CHARS = 100
MAX_SOURCE_CHARS = 200
MAX_PURPOSE_CHARS = 1000
MAX_REASON_CHARS = 500
# Thirty screens of a phone's talk; the act that names each file's hash stays below its 4096 bytes.
MAX_FILES = 30
# Line feed and tab are text; other control characters and bidi overrides change what is read.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ExhibitKind(StrEnum):
    """证据种类, 民事诉讼法 art 66."""

    DOCUMENT = "document"
    PHYSICAL = "physical"
    AUDIOVISUAL = "audiovisual"
    ELECTRONIC = "electronic"
    TESTIMONY = "testimony"
    EXPERT_OPINION = "expert_opinion"
    INSPECTION = "inspection"
    STATEMENT = "statement"


class Form(StrEnum):
    """Whether the original can be shown to the court (原件) or only a copy exists (复印件)."""

    ORIGINAL = "original"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class ExhibitFile:
    """A file as it was when it was named; `sha256` is hex, of the bytes as they came. `pages` is at least 1."""

    attachment_id: AttachmentId
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    pages: int = 1


@dataclass(frozen=True, slots=True)
class ExhibitContent:
    """Everything that may be written while an exhibit is a draft. Files stand in the order in which they are read."""

    title: str
    kind: ExhibitKind
    source: str
    purpose: str
    form: Form
    files: tuple[ExhibitFile, ...] = ()

    @property
    def pages(self) -> int:
        """All files together."""
        return sum(file.pages for file in self.files)


def check_draft(content: ExhibitContent) -> None:
    """A draft may have holes, but holds no more than an exhibit may. Errors: Invalid `exhibit.text`, `.files`."""
    limits = (
        (content.title, MAX_TITLE_CHARS),
        (content.source, MAX_SOURCE_CHARS),
        (content.purpose, MAX_PURPOSE_CHARS),
    )
    if any(len(text) > most or _UNWANTED.search(text) for text, most in limits):
        raise Invalid(
            "exhibit.text",
            zh="证据名称、来源或证明对象过长，或含有控制字符",
            en="The title, the source or the purpose is too long or has control characters",
        )
    ids = [file.attachment_id for file in content.files]
    if len(ids) > MAX_FILES or len(set(ids)) != len(ids):
        raise Invalid(
            "exhibit.files",
            zh=f"每份证据最多 {MAX_FILES} 个文件，且不能重复",
            en=f"An exhibit has at most {MAX_FILES} files, each once",
        )


def check_complete(content: ExhibitContent) -> None:
    """What is submitted has everything the rule asks for. Errors: Invalid `exhibit.incomplete` and `check_draft`'s."""
    check_draft(content)
    if not (content.title and content.source and content.purpose and content.files):
        raise Invalid(
            "exhibit.incomplete",
            zh="提交前请填写证据名称、来源、证明对象，并至少上传一个文件",
            en="Before it is submitted an exhibit needs title, source, purpose and at least one file",
        )


def checked_reason(reason: str, *, needed: bool = True, most: int = MAX_REASON_CHARS) -> str:
    """A reason people will read. Errors: Invalid `exhibit.reason`."""
    told = clean(reason)
    if (needed and not told) or len(told) > most or _UNWANTED.search(told):
        raise Invalid(
            "exhibit.reason",
            zh=f"请写明理由（最多 {most} 字，不含控制字符）",
            en=f"A reason of at most {most} characters is needed, without control characters",
        )
    return told


def content_sha256(content: ExhibitContent) -> str:
    """SHA-256 of the canonical JSON of all fields, hex: what was submitted, in one number."""
    return hashlib.sha256(canonical_json(_plain(content))).hexdigest()


def _plain(content: ExhibitContent) -> JsonObject:
    return {
        "title": content.title,
        "kind": content.kind.value,
        "source": content.source,
        "purpose": content.purpose,
        "form": content.form.value,
        "files": [file.sha256 for file in content.files],
    }


def clean(text: str) -> str:
    """One line end for all, no spaces around."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
