"""Whose eyes an act of the case's log is for. The chain is shown to all on the case; names and content are not.

The log must not tell through the back door what the hearing's view, the lanes and the reminders keep to themselves:
who waits outside before one is let in, what the bench writes, what somebody else was reminded of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hearing_server.domain.acts import Act
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.kernel import PersonId

# What everybody in the room sees of everybody else; consents, checks and grants stay between a person and the court.
_SEEN_IN_THE_ROOM = frozenset(
    {
        "participant.arrived",
        "participant.admitted",
        "participant.joined",
        "participant.left",
        "participant.removed",
        "participant.removal_lifted",
        "participant.muted",
        "participant.unmuted",
        "participant.connection_changed",
        "participant.page_changed",
    }
)
# Whoever reads the lane reads who wrote, came and went there.
_OF_A_LANE = frozenset({"message", "litigation", "lane", "mediation"})
# Between the court and one person; the other side learns of none.
_PERSONAL = frozenset(
    {
        "session",
        "code",
        "join_link",
        "invitation",
        "reminder",
        "obligation",
        "service",
        "attachment",
        "space",
        "contact",
    }
)


def is_of_private_lane(act: Act) -> bool:
    """Whether the kind alone would tell that a lane exists which not everybody reads."""
    return act.kind.value.partition(".")[0] in ("lane", "mediation")


@dataclass(frozen=True, slots=True)
class ActReader:
    """A person who reads the log. `hearings`: where they were let in, or that are over; `lanes`: that they read;
    `parties`: for whom they stand."""

    person_id: PersonId
    is_staff: bool
    hearings: frozenset[str] = frozenset()
    # The lanes they read, each with the first event that is theirs.
    lanes: Mapping[str, int] = field(default_factory=dict)
    parties: frozenset[str] = frozenset()

    def may_read(self, act: Act) -> bool:
        """Whether the actor and the content of this act are shown to this person."""
        if self.is_staff or act.actor_id == self.person_id:
            return True
        people = act.payload.get("person_ids")
        if isinstance(people, list) and people == [self.person_id]:
            return True
        category = act.kind.value.partition(".")[0]
        if category == "participant":
            return act.kind in _SEEN_IN_THE_ROOM and act.payload.get("hearing_id") in self.hearings
        if category in _OF_A_LANE:
            first_seq, seq = self.lanes.get(str(act.payload.get("lane"))), act.payload.get("seq")
            return first_seq is not None and (not isinstance(seq, int) or seq >= first_seq)
        if category == "exhibit":
            return self._may_read_exhibit(act.payload)
        return category not in _PERSONAL

    def _may_read_exhibit(self, payload: JsonObject) -> bool:
        """An act of an exhibit names the parties who saw all of it then; null: every party did."""
        parties = payload.get("parties", [])
        return parties is None or (
            isinstance(parties, list) and not self.parties.isdisjoint(map(str, parties))
        )
