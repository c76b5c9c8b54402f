"""The texts for searching in SQL: what holds every term, newest first, page by page, in one's own lanes alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hearing_server.domain.case_space.search import normal
from hearing_server.filing.cases import Case
from hearing_server.kernel import CaseId, LaneId
from hearing_server.ports.search import Cursor, Scope, SearchEntry, Source
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.test_lanes import filed as filed  # a fixture

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def entry(
    case: CaseId, subject: str, part: int, text: str, *, source: Source = Source.MESSAGE
) -> SearchEntry:
    return SearchEntry(source, subject, part, case, START + timedelta(minutes=part // 3), normal(text))


async def test_find__pages_of_equal_times__give_each_entry_once_newest_first(
    units: SqlUnits, filed: Case
) -> None:
    case = filed.id
    async with units.write() as unit:
        for part in range(1, 31):
            await unit.search.put(entry(case, "lan_1", part, f"第{part}次提交证据"))
        await unit.search.put(entry(case, "lan_2", 1, "合议庭的证据意见"))
        await unit.search.put(entry(case, "att_1", 2, "证据目录第二页", source=Source.DOCUMENT))
    scope = Scope([case], [LaneId("lan_1")])
    seen: list[tuple[str, int]] = []
    before: Cursor | None = None
    while True:
        async with units.read() as unit:
            page = await unit.search.find(scope, ["证据"], before=before, limit=7)
        seen += [(found.subject, found.part) for found in page]
        if len(page) < 7:
            break
        last = page[-1]
        before = (last.at, last.source.value, last.subject, last.part)
    assert len(seen) == len(set(seen)) == 31
    assert ("lan_2", 1) not in seen, "a lane that isn't theirs is not looked at"
    assert ("att_1", 2) in seen
    parts = [part for subject, part in seen if subject == "lan_1"]
    assert parts == sorted(parts, reverse=True)


async def test_find__signs_that_sql_knows__are_characters_like_others(units: SqlUnits, filed: Case) -> None:
    case = filed.id
    async with units.write() as unit:
        await unit.search.put(entry(case, "lan_1", 1, "付了100%_的款'--"))
        await unit.search.put(entry(case, "lan_1", 2, "付了一半"))
    async with units.read() as unit:
        for term in ("100%_", "'--", "%"):
            found = await unit.search.find(Scope([case], [LaneId("lan_1")]), [term], before=None, limit=9)
            assert [one.part for one in found] == [1]


async def test_put_and_forget__say_what_stands_there_now(units: SqlUnits, filed: Case) -> None:
    case = filed.id
    scope = Scope([case], [LaneId("lan_1")])
    async with units.write() as unit:
        await unit.search.put(entry(case, "lan_1", 1, "旧的文字"))
        await unit.search.put(entry(case, "lan_1", 1, "新的文字"))
    async with units.read() as unit:
        assert not await unit.search.find(scope, ["旧的"], before=None, limit=9)
        assert len(await unit.search.find(scope, ["新的", "文字"], before=None, limit=9)) == 1
        assert not await unit.search.find(Scope([], []), ["新的"], before=None, limit=9)
    async with units.write() as unit:
        await unit.search.forget(Source.MESSAGE, "lan_1", 1)
    async with units.read() as unit:
        assert not await unit.search.find(scope, ["新的"], before=None, limit=9)
