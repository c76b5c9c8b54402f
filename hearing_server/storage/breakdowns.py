"""When the database itself can't: a full disk, a lock held too long. Said in words a judge can act on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from hearing_server.errors import Unavailable

_log = logging.getLogger(__name__)
# A part of SQLite's own sentence → code, Chinese, English.
_SENTENCES = (
    (
        "disk is full",
        "storage.full",
        "存储空间已满，操作未保存，请联系技术人员清理后重试",
        "The disk is full and nothing was saved; have space made and try again",
    ),
    (
        "database is locked",
        "storage.busy",
        "数据库正被占用，操作未保存，请稍后重试",
        "The database is busy and nothing was saved; please try again",
    ),
    (
        "readonly database",
        "storage.read_only",
        "存储目录只读，操作未保存，请联系技术人员",
        "The storage is read-only and nothing was saved; please call your technician",
    ),
)


@contextmanager
def explained() -> Iterator[None]:
    """A breakdown that people can do something about becomes Unavailable `storage.…`; others pass as they are."""
    try:
        yield
    except OperationalError as error:
        for words, code, zh, en in _SENTENCES:
            if words in str(error.orig):
                _log.error("storage breakdown", extra={"code": code})
                raise Unavailable(code, zh=zh, en=en) from error
        raise
