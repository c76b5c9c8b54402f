"""Exhibits as documents that a reminder can name."""

from __future__ import annotations

from hearing_server.filing.cases import Case
from hearing_server.kernel import ExhibitId
from hearing_server.ports.documents import FoundDocument
from hearing_server.ports.units import Unit


class ExhibitDocuments:
    """`ports.documents.DocumentSource`: those that every party of the case sees whole."""

    async def find(self, unit: Unit, case: Case, document_id: str) -> FoundDocument | None:
        exhibit = await unit.exhibits.get(ExhibitId(document_id))
        if exhibit is None or exhibit.case_id != case.id or not exhibit.is_for_all or exhibit.label is None:
            return None
        return FoundDocument(f"{exhibit.label.zh} {exhibit.content.title}", exhibit.sha256)
