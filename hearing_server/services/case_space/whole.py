"""What stands around the lanes of a space: who may come in, what is out of sight, who asks, who searches."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.services.case_space.contact_requests import ContactDesk
from hearing_server.services.case_space.exports import Exports
from hearing_server.services.case_space.indexing import SearchIndexing
from hearing_server.services.case_space.mentions import MentionNotices
from hearing_server.services.case_space.private_lanes import PrivateLanes
from hearing_server.services.case_space.search import Search
from hearing_server.services.case_space.withheld import Withheld


@dataclass(frozen=True, slots=True)
class Talk:
    private_lanes: PrivateLanes
    withheld: Withheld
    mentions: MentionNotices
    contact_desk: ContactDesk
    search: Search
    indexing: SearchIndexing
    exports: Exports
