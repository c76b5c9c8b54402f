"""质证意见: a party or its lawyer says what they make of somebody else's exhibit."""

from __future__ import annotations

import hashlib

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import canonical_json
from hearing_server.domain.exhibits.opinions import Answers, Opinion, give_opinion
from hearing_server.domain.roles import Action
from hearing_server.kernel import Actor, Clock, OpinionId, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Units
from hearing_server.services.access import access_exhibit
from hearing_server.services.acts import record_act
from hearing_server.services.exhibits.keeping import act_readers, answer, ring


class Opinions:
    """Use-cases of opinions."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def give(
        self, actor: Actor, exhibit_id: str, *, answers: Answers, reason: str, asks_original: bool
    ) -> dict[str, object]:
        """One more opinion; what was said before stays. The exhibit with it. Errors as opinions.give_opinion."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_OPINE, lock=True)
            known = await unit.exhibits.opinions_of(seen.exhibit.id)
            given = sum(1 for one in known if not seen.viewer.party_ids.isdisjoint(one.party_ids))
            opinion = give_opinion(
                seen.exhibit, seen.viewer, opinion_id=OpinionId(new_id("opn")), answers=answers, reason=reason,
                asks_original=asks_original, given=given, at=now,
            )  # fmt: skip
            if _is_repeated(opinion, known):
                # An answer that got lost on its way: the words stand already, and stand once.
                return await answer(unit, seen, seen.exhibit)
            await unit.exhibits.add_opinion(opinion)
            await record_act(
                unit, actor, kind=ActKind.EXHIBIT_OPINION_GIVEN, chain_id=seen.case.id, at=now,
                payload={
                    "exhibit_id": seen.exhibit.id, "opinion_id": opinion.id,
                    "number": seen.exhibit.label.zh if seen.exhibit.label else "",
                    "sha256": _digest(opinion), "parties": act_readers(seen.case, seen.exhibit),
                },
            )  # fmt: skip
            ring(unit, seen.exhibit, seen.exhibit)
            unit.ring(Doorbell("case_changed", seen.case.id))
            return await answer(unit, seen, seen.exhibit)


def _is_repeated(opinion: Opinion, known: list[Opinion]) -> bool:
    own = [one for one in known if one.person_id == opinion.person_id]
    return bool(own) and _digest(own[-1]) == _digest(opinion)


def _digest(opinion: Opinion) -> str:
    """SHA-256 of what was said, hex; the words themselves stay with the exhibit."""
    said = {
        "exhibit_id": opinion.exhibit_id,
        "answers": [one.value for one in opinion.answers.all()],
        "reason": opinion.reason,
        "asks_original": opinion.asks_original,
    }
    return hashlib.sha256(canonical_json(said)).hexdigest()
