"""Reading exhibits: the list of a case, one of them, the rows of a catalogue, and whom a bell concerns."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.domain.exhibits.exhibit_view import exhibit_view
from hearing_server.domain.exhibits.opinions import Opinion
from hearing_server.domain.exhibits.sight import Sight, may_see, viewer_of
from hearing_server.domain.roles import Action, can
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, CaseId, ExhibitId, PersonId
from hearing_server.ports.exhibits import ExhibitTerms
from hearing_server.ports.units import Units
from hearing_server.services.access import access_exhibit, access_exhibits
from hearing_server.services.exhibits.keeping import names_of, view


@dataclass(frozen=True, slots=True)
class CaseExhibits:
    """Everything of a case that one person may know, as they get it."""

    case: Case
    items: tuple[dict[str, object], ...]
    terms: ExhibitTerms
    party_ids: frozenset[str]
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExhibitNews:
    """An exhibit changed: who may know, and the revision each of them gets to know (0: of a stub)."""

    case_id: CaseId
    readers: dict[PersonId, int]


class ExhibitReading:
    """Use-cases that change nothing."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def of_case(self, actor: Actor, case_id: str) -> CaseExhibits:
        """All exhibits of a case in the order of the catalogue. Errors: NotFound."""
        async with self._units.read() as unit:
            case, viewer, capacity = await access_exhibits(unit, actor, case_id, Action.EXHIBITS_SEE)
            found = await unit.exhibits.of_case(case.id)
            known = await unit.exhibits.opinions_of_case(case.id)
            terms = await unit.exhibits.terms(case.id)
            seen = [one for one in found if may_see(one, viewer) is not Sight.NOTHING]
            names = await names_of(unit, seen, known)
        said: dict[ExhibitId, list[Opinion]] = {one.id: [] for one in seen}
        for opinion in known:
            if opinion.exhibit_id in said:
                said[opinion.exhibit_id].append(opinion)
        views = [
            exhibit_view(one, case, viewer, capacity, opinions=said[one.id], names=names) for one in seen
        ]
        words = {
            "submit": Action.EXHIBIT_SUBMIT, "check": Action.EXHIBIT_CHECK, "exchange": Action.EXHIBIT_EXCHANGE,
            "set_terms": Action.EXHIBIT_TERMS, "rule": Action.EXHIBIT_RULE,
        }  # fmt: skip
        may = tuple(word for word, action in words.items() if can(capacity, action))
        return CaseExhibits(
            case, tuple(one for one in views if one is not None), terms, frozenset(viewer.party_ids), may
        )

    async def get(self, actor: Actor, exhibit_id: str) -> dict[str, object]:
        """One exhibit. Errors: NotFound."""
        async with self._units.read() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBITS_SEE)
            return await view(unit, seen.exhibit, seen.case, seen.viewer, seen.capacity)

    async def news(self, exhibit_id: str, *, for_all: bool) -> ExhibitNews | None:
        """Whom a change concerns. `for_all`: also those who see only the stub."""
        async with self._units.read() as unit:
            exhibit = await unit.exhibits.get(ExhibitId(exhibit_id))
            case = await unit.cases.get(exhibit.case_id) if exhibit else None
        if exhibit is None or case is None:
            return None
        readers = {}
        for member in case.members():
            viewer = viewer_of(case, member.person_id)
            sight = may_see(exhibit, viewer) if viewer else Sight.NOTHING
            if sight in (Sight.FULL, Sight.REDACTED):
                readers[member.person_id] = exhibit.revision
            elif sight is Sight.STUB and for_all:
                readers[member.person_id] = 0
        return ExhibitNews(case.id, readers)
