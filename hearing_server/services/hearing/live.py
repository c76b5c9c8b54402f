"""What changes too often to be stored: speaker, devices, figures of the path, the recording light.

One `LiveHearing` per running hearing in this process. The stored hearing is the truth of everything a court decides;
this is what is laid over it when somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.hearing.participants import ConnectionFacts, Device, Participant, Source
from hearing_server.domain.recording.failures import Failure
from hearing_server.domain.recording.recordings import WritingStatus
from hearing_server.kernel import PersonId


@dataclass(slots=True)
class LiveHearing:
    """The overlay of one hearing."""

    speaker: PersonId | None = None
    devices: dict[PersonId, dict[Source, Device]] = field(default_factory=dict)
    facts: dict[PersonId, ConnectionFacts] = field(default_factory=dict)
    recording: WritingStatus = field(default_factory=WritingStatus)
    # Failures of the recording that last, or whose statement waits for the judge's signature.
    failures: tuple[Failure, ...] = ()
    view_version: int = 0
    # The room stands on this node and carries the court's orders.
    is_taken_up: bool = False
    # Nothing is forwarded or recorded: a recess, or the minute after a closing.
    is_held: bool = False

    def note_device(self, person_id: PersonId, source: Source, device: Device) -> bool:
        """True when something changed."""
        known = self.devices.setdefault(person_id, {})
        if known.get(source, Device.OFF) is device:
            return False
        known[source] = device
        return True

    def forget(self, person_id: PersonId) -> None:
        """The person's seat is gone."""
        self.devices.pop(person_id, None)
        self.facts.pop(person_id, None)
        if self.speaker == person_id:
            self.speaker = None

    def everybody_left(self) -> None:
        """The room is gone with all its seats; the court's orders have to be said to the next one."""
        self.speaker = None
        self.devices.clear()
        self.facts.clear()
        self.is_taken_up = False

    def next_version(self, now: datetime) -> int:
        """Versions rise across restarts too, so they begin with the clock."""
        self.view_version = max(self.view_version + 1, int(now.timestamp() * 1000))
        return self.view_version

    def laid_over(self, hearing: Hearing) -> Hearing:
        """The hearing with what is live in it."""
        people = tuple(self._person(person) for person in hearing.participants)
        return replace(hearing, participants=people, speaker=self.speaker, version=self.view_version)

    def _person(self, person: Participant) -> Participant:
        if not person.is_in_room:
            return person
        facts = self.facts.get(person.person_id)
        return replace(
            person,
            devices=dict(self.devices.get(person.person_id, {})),
            facts=replace(facts, since=person.facts.since) if facts is not None else person.facts,
        )
