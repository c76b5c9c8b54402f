"""证据目录 as a PDF: of one side or of all, each person's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.exhibits.catalogue import Catalogue, CatalogueRow, catalogue
from hearing_server.domain.roles import Action
from hearing_server.errors import NotFound
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor
from hearing_server.ports.printing import Printer
from hearing_server.ports.units import Units
from hearing_server.services.access import access_exhibits


@dataclass(frozen=True, slots=True)
class PrintedCatalogue:
    """The PDF and the name under which it is saved."""

    content: bytes
    name: str


class Catalogues:
    """Use-case of the catalogue."""

    def __init__(self, units: Units, profile: CourtProfile, printer: Printer) -> None:
        self._units = units
        self._profile = profile
        self._printer = printer

    async def print(self, actor: Actor, case_id: str, *, series: str | None) -> PrintedCatalogue:
        """What this person may see. Errors: NotFound (also of an unknown side), Unavailable `printing.…`."""
        async with self._units.read() as unit:
            case, viewer, _ = await access_exhibits(unit, actor, case_id, Action.EXHIBITS_SEE)
            listed = catalogue(case, await unit.exhibits.of_case(case.id), viewer, series=series)
        if series is not None and not listed.sides:
            raise NotFound
        # An empty catalogue is as old as its case.
        dated = listed.as_of or case.filed_at
        content = await self._printer.catalogue(self._values(listed, series is not None, dated), dated=dated)
        side = f"-{listed.sides[0].label}" if series is not None else ""
        return PrintedCatalogue(content, f"证据目录-{case.number}{side}.pdf")

    def _values(self, listed: Catalogue, is_one: bool, dated: datetime) -> dict[str, object]:
        heading = f"{listed.sides[0].label}证据目录" if is_one else "证据目录"
        return {
            "heading": heading,
            "court": listed.court,
            "case_number": listed.case_number,
            "cause": listed.cause,
            "as_of": self._local(dated),
            "sides": [
                {
                    "heading": f"{side.label} {side.names}".strip(),
                    "rows": [self._row(row) for row in side.rows],
                }
                for side in listed.sides
            ],
        }

    def _row(self, row: CatalogueRow) -> dict[str, object]:
        pages = f"{row.first_page}–{row.last_page}" if row.last_page > row.first_page else str(row.first_page)
        return {
            "number": row.number,
            "version": row.version,
            "stub": not row.title,
            "ground": row.ground,
            "title": row.title,
            "kind": row.kind,
            "form": row.form,
            "source": row.source,
            "purpose": row.purpose,
            "pages": pages if row.last_page else "",
            "submitted_at": self._local(row.submitted_at),
            "is_late": row.is_late,
            "files": [{"name": file.name, "sha256": file.sha256} for file in row.files],
        }

    def _local(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._profile.time_zone):%Y-%m-%d %H:%M}"
