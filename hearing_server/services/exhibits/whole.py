"""The use-cases of exhibits, one instance each."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock
from hearing_server.ports.printing import Printer
from hearing_server.ports.units import Units
from hearing_server.services.exhibits.bench import ExhibitBench
from hearing_server.services.exhibits.catalogues import Catalogues
from hearing_server.services.exhibits.exchange import Exchange
from hearing_server.services.exhibits.opinions import Opinions
from hearing_server.services.exhibits.reading import ExhibitReading
from hearing_server.services.exhibits.submissions import Submissions
from hearing_server.services.reminding.reminders import Reminding


@dataclass(frozen=True, slots=True)
class ExhibitServices:
    submissions: Submissions
    exchange: Exchange
    opinions: Opinions
    bench: ExhibitBench
    reading: ExhibitReading
    catalogues: Catalogues


def exhibit_services(
    units: Units, clock: Clock, profile: CourtProfile, reminders: Reminding, printer: Printer
) -> ExhibitServices:
    return ExhibitServices(
        submissions=Submissions(units, clock, profile),
        exchange=Exchange(units, clock, profile, reminders),
        opinions=Opinions(units, clock),
        bench=ExhibitBench(units, clock),
        reading=ExhibitReading(units),
        catalogues=Catalogues(units, profile, printer),
    )
