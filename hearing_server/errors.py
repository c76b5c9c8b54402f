"""One tree of errors: each with a stable code, a Chinese and an English sentence, and its HTTP status.

A code is `noun.what_is_wrong`, never changes meaning, and is listed in docs/ERRORS.md. The sentences are
shown to people: they name the cause and the next step, and never carry somebody else's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field or line of an input: where (`field` path or `line` number, 1-based), which code, which words."""

    code: str
    zh: str
    en: str
    field: str | None = None
    line: int | None = None


class HearingError(Exception):
    """Base of all expected errors of the court floors."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        code: str,
        *,
        zh: str,
        en: str,
        errors: tuple[FieldError, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en
        self.errors = errors
        self.retry_after_s = retry_after_s

    def title(self, language: str) -> str:
        """The sentence for a reader of `language` ("en…" or anything else: Chinese)."""
        return self.en if language.startswith("en") else self.zh


class Invalid(HearingError):
    """The input can't be taken as it is; `errors` names each field or line."""

    status = 422


class Malformed(HearingError):
    """The request isn't even readable (not JSON, wrong content type, too large)."""

    status = 400


class UnsupportedBody(Malformed):
    """The body is of another type than this route takes."""

    status = 415


class TooLarge(HearingError):
    """More bytes than the stated limit."""

    status = 413


class ChecksumMismatch(HearingError):
    """What arrived isn't what was sent (tus 1.0's own status)."""

    status = 460
    retryable = True


class NotSignedIn(HearingError):
    """No session, or an ended one."""

    status = 401

    def __init__(
        self,
        code: str = "session.required",
        *,
        zh: str = "请先登录",
        en: str = "Please sign in first",
        errors: tuple[FieldError, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, zh=zh, en=en, errors=errors, retry_after_s=retry_after_s)


class Forbidden(HearingError):
    """The person may see the object but may not do this."""

    status = 403


class NotFound(HearingError):
    """Does not exist, or isn't yours: both answer alike."""

    status = 404

    def __init__(
        self,
        code: str = "not_found",
        *,
        zh: str = "没有找到，或您无权查看",
        en: str = "Not found, or not yours to see",
        errors: tuple[FieldError, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, zh=zh, en=en, errors=errors, retry_after_s=retry_after_s)


class Conflict(HearingError):
    """The object is in a state in which this can't be done."""

    status = 409


class Locked(HearingError):
    """Somebody else is at it this moment; the same request succeeds when they are done."""

    status = 423
    retryable = True


class RateLimited(HearingError):
    """Too often; `retry_after_s` says when again."""

    status = 429
    retryable = True


class Unavailable(HearingError):
    """A part of the system can't do its work now (disk, media, provider); nothing was lost."""

    status = 503
    retryable = True


class DiskFull(Unavailable):
    """No room for the bytes; what was acknowledged before is kept."""

    status = 507
