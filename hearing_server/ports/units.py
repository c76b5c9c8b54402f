"""The unit of work: one transaction, its repositories, and the doorbells rung when it has committed."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hearing_server.ports.act_log import ActLogStore
from hearing_server.ports.acts import Acts
from hearing_server.ports.archives import Archives
from hearing_server.ports.attachments import AttachmentStore
from hearing_server.ports.broadcasts import Broadcasts
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.cases import Cases
from hearing_server.ports.contact_requests import ContactRequests
from hearing_server.ports.contacts import Contacts
from hearing_server.ports.exhibits import Exhibits
from hearing_server.ports.failures import Failures
from hearing_server.ports.hearings import Hearings
from hearing_server.ports.messages import Messages
from hearing_server.ports.notices import Notices
from hearing_server.ports.people import People
from hearing_server.ports.progress import Progress
from hearing_server.ports.recordings import Recordings
from hearing_server.ports.reminders import Reminders
from hearing_server.ports.search import SearchIndex
from hearing_server.ports.single_tracks import SingleTracks
from hearing_server.ports.space import Space


class Unit(Protocol):
    """One open transaction. Leaving its block commits; an exception rolls everything back."""

    @property
    def people(self) -> People: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def acts(self) -> Acts: ...
    @property
    def log(self) -> ActLogStore: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def hearings(self) -> Hearings: ...
    @property
    def recordings(self) -> Recordings: ...
    @property
    def single_tracks(self) -> SingleTracks: ...
    @property
    def space(self) -> Space: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def contact_requests(self) -> ContactRequests: ...
    @property
    def reminders(self) -> Reminders: ...

    @property
    def archives(self) -> Archives: ...
    @property
    def attachments(self) -> AttachmentStore: ...
    @property
    def broadcasts(self) -> Broadcasts: ...
    @property
    def exhibits(self) -> Exhibits: ...
    @property
    def failures(self) -> Failures: ...

    @property
    def contacts(self) -> Contacts: ...
    @property
    def progress(self) -> Progress: ...
    @property
    def search(self) -> SearchIndex: ...

    def ring(self, bell: Doorbell) -> None:
        """Ring after the commit; a rolled-back unit rings nothing."""
        ...

    def part(self) -> AbstractAsyncContextManager[None]:
        """A savepoint: an exception in its block undoes the block and its bells, and nothing else of the unit."""
        ...


class Units(Protocol):
    """Opens units of work."""

    def write(self) -> AbstractAsyncContextManager[Unit]:
        """A unit that may write. On SQLite it takes the write lock first; keep it short, send nothing inside."""
        ...

    def read(self) -> AbstractAsyncContextManager[Unit]:
        """A unit that only reads, from one snapshot."""
        ...
