"""Cases that needn't be read again: whole aggregates, each under the revision its row had.

Every message, every page and every live view asks who belongs to a case. Its row says by a number whether anything of
it changed, parties and representatives included; five queries become one. Only what the database holds for sure is
kept: a unit that changes a case keeps nothing, since its revision may be rolled back and given to another change.
"""

from __future__ import annotations

from collections import OrderedDict

from hearing_server.filing.cases import Case

# A few kilobytes each. More cases than are talked in at the same time; the longest unused goes.
_MAX_CASES = 1000


class CaseShelf:
    """Of one engine. Not shared between databases."""

    def __init__(self) -> None:
        self._cases: OrderedDict[str, tuple[int, Case]] = OrderedDict()

    def find(self, case_id: str, revision: int) -> Case | None:
        kept = self._cases.get(case_id)
        if kept is None or kept[0] != revision:
            return None
        self._cases.move_to_end(case_id)
        return kept[1]

    def keep(self, case: Case, revision: int) -> None:
        self._cases[case.id] = revision, case
        self._cases.move_to_end(case.id)
        while len(self._cases) > _MAX_CASES:
            self._cases.popitem(last=False)


class UnitShelf:
    """The shelf as one unit uses it, until it changes a case."""

    def __init__(self, shelf: CaseShelf) -> None:
        self._shelf: CaseShelf | None = shelf

    def close(self) -> None:
        """This unit changes cases: what it reads from here on is nobody else's."""
        self._shelf = None

    def find(self, case_id: str, revision: int) -> Case | None:
        return self._shelf.find(case_id, revision) if self._shelf is not None else None

    def keep(self, case: Case, revision: int) -> None:
        if self._shelf is not None:
            self._shelf.keep(case, revision)
