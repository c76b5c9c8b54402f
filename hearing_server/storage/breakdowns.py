"""When the database itself can't: a full disk, a lock held too long. Said in words a judge can act on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from hearing_server.errors import Unavailable

_log = logging.getLogger(__name__)


@contextmanager
def explained() -> Iterator[None]:
    """A breakdown that people can do something about becomes Unavailable `storage.…`; others pass as they are."""
    try:
        yield
    except OperationalError as error:
        said = _said(str(error.orig))
        if said is None:
            raise
        _log.error("storage breakdown", extra={"code": said.code})
        raise said from error


def _said(sentence: str) -> Unavailable | None:
    """SQLite's own sentence as ours."""
    if "disk is full" in sentence:
        return Unavailable(
            "storage.full",
            zh="存储空间已满，操作未保存，请联系技术人员清理后重试",
            en="The disk is full and nothing was saved; have space made and try again",
        )
    if "database is locked" in sentence:
        return Unavailable(
            "storage.busy",
            zh="数据库正被占用，操作未保存，请稍后重试",
            en="The database is busy and nothing was saved; please try again",
        )
    if "readonly database" in sentence:
        return Unavailable(
            "storage.read_only",
            zh="存储目录只读，操作未保存，请联系技术人员",
            en="The storage is read-only and nothing was saved; please call your technician",
        )
    return None
