"""`ports.units.Units` over one SQLAlchemy engine: a connection, a transaction, its repositories, its doorbells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.storage.act_log import SqlActLog
from hearing_server.storage.acts import SqlActs
from hearing_server.storage.archives import SqlArchives
from hearing_server.storage.attachments import SqlAttachments
from hearing_server.storage.breakdowns import explained
from hearing_server.storage.broadcasts import SqlBroadcasts
from hearing_server.storage.case_shelf import CaseShelf, UnitShelf
from hearing_server.storage.cases import SqlCases
from hearing_server.storage.contact_requests import SqlContactRequests
from hearing_server.storage.contacts import SqlContacts
from hearing_server.storage.exhibits import SqlExhibits
from hearing_server.storage.failures import SqlFailures
from hearing_server.storage.hearings import SqlHearings
from hearing_server.storage.messages import SqlMessages
from hearing_server.storage.notices import SqlNotices
from hearing_server.storage.people import SqlPeople
from hearing_server.storage.progress import SqlProgress
from hearing_server.storage.recordings import SqlRecordings
from hearing_server.storage.reminders import SqlReminders
from hearing_server.storage.search import SqlSearch
from hearing_server.storage.single_tracks import SqlSingleTracks
from hearing_server.storage.space import SqlSpace


class SqlUnit:
    """One open transaction; repositories are made when first asked for."""

    def __init__(self, connection: AsyncConnection, shelf: CaseShelf) -> None:
        self._db = connection
        self._shelf = UnitShelf(shelf)
        self.bells: list[Doorbell] = []

    @cached_property
    def people(self) -> SqlPeople:
        return SqlPeople(self._db, self._shelf)

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self._db, self._shelf)

    @cached_property
    def acts(self) -> SqlActs:
        return SqlActs(self._db)

    @cached_property
    def log(self) -> SqlActLog:
        return SqlActLog(self._db)

    @cached_property
    def notices(self) -> SqlNotices:
        return SqlNotices(self._db)

    @cached_property
    def hearings(self) -> SqlHearings:
        return SqlHearings(self._db)

    @cached_property
    def recordings(self) -> SqlRecordings:
        return SqlRecordings(self._db)

    @cached_property
    def single_tracks(self) -> SqlSingleTracks:
        return SqlSingleTracks(self._db)

    @cached_property
    def space(self) -> SqlSpace:
        return SqlSpace(self._db)

    @cached_property
    def messages(self) -> SqlMessages:
        return SqlMessages(self._db)

    @cached_property
    def contact_requests(self) -> SqlContactRequests:
        return SqlContactRequests(self._db)

    @cached_property
    def reminders(self) -> SqlReminders:
        return SqlReminders(self._db)

    @cached_property
    def archives(self) -> SqlArchives:
        return SqlArchives(self._db)

    @cached_property
    def exhibits(self) -> SqlExhibits:
        return SqlExhibits(self._db)

    @cached_property
    def failures(self) -> SqlFailures:
        return SqlFailures(self._db)

    @cached_property
    def attachments(self) -> SqlAttachments:
        return SqlAttachments(self._db)

    @cached_property
    def broadcasts(self) -> SqlBroadcasts:
        return SqlBroadcasts(self._db)

    @cached_property
    def contacts(self) -> SqlContacts:
        return SqlContacts(self._db)

    @cached_property
    def progress(self) -> SqlProgress:
        return SqlProgress(self._db)

    @cached_property
    def search(self) -> SqlSearch:
        return SqlSearch(self._db)

    def ring(self, bell: Doorbell) -> None:
        if bell not in self.bells:
            self.bells.append(bell)

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        rung, appended = list(self.bells), len(self.acts.appended)
        try:
            async with self._db.begin_nested():
                yield
        except BaseException:
            self.bells[:] = rung
            del self.acts.appended[appended:]
            self.acts.unlock()
            raise

    async def finish(self) -> None:
        """Give the unit's acts their places in the log: acknowledged is logged.

        Last of all: the row that counts the places is locked by every unit with acts, and whoever holds it waits for
        no other lock any more, only for the commit.
        """
        if self.acts.appended:
            await self.log.place(self.acts.appended)


class SqlUnits:
    """Opens units on an engine; rings the bus after each commit."""

    def __init__(self, engine: AsyncEngine, bus: EventBus) -> None:
        self._readers = engine
        self._bus = bus
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._writers = engine.execution_options(sqlite_begin="IMMEDIATE") if self._is_sqlite else engine
        # SQLite has one writer: queueing here is fair and cheap, queueing in its busy handler is neither.
        self._write_turn = asyncio.Lock()
        self._shelf = CaseShelf()

    def write(self) -> AbstractAsyncContextManager[SqlUnit]:
        return self._write()

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[SqlUnit]:
        turn = self._write_turn if self._is_sqlite else nullcontext()
        with explained():
            async with turn, self._writers.begin() as connection:
                unit = SqlUnit(connection, self._shelf)
                yield unit
                await unit.finish()
        for bell in unit.bells:
            await self._bus.publish(bell)

    def read(self) -> AbstractAsyncContextManager[SqlUnit]:
        return self._read()

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[SqlUnit]:
        with explained():
            async with self._readers.connect() as connection:
                yield SqlUnit(connection, self._shelf)
