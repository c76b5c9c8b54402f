"""When a document counts as served electronically: facts in, a date with the rule it follows from, or why not yet.

The software proves facts; whether service holds is the judge's to say, so every answer names its rule.
Sources: 民事诉讼法 art 90 (consent; arrival at the recipient's specific system); 民诉法解释 arts 135, 136; 在线诉讼规则
(法释〔2021〕12号) arts 29, 31: an address given or confirmed by the recipient is served on arrival, any other on a
reply or an act that shows knowledge, or presumed on a read receipt; of several channels the earliest counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from hearing_server.domain.reminding.channels import Channel, Grade
from hearing_server.domain.reminding.reminders import Obligation

_LAST = datetime.max.replace(tzinfo=UTC)


class AddressOrigin(StrEnum):
    """Who says that this address is the recipient's."""

    CONFIRMED = "confirmed"
    GIVEN = "given"
    FOUND = "found"


class Rule(StrEnum):
    """The rule a date follows from, as cited on the certificate."""

    ARRIVAL = "online_litigation_31_1"
    ACTED = "online_litigation_31_2_1"
    PRESUMED_READ = "online_litigation_31_2_2"
    IN_PERSON = "civil_procedure_87"


class Missing(StrEnum):
    """Why nothing is served yet."""

    CONSENT = "consent"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Effect:
    """`at` and `rule`, or `missing`. `is_presumed`: the recipient may rebut it (not his address, not he who read)."""

    at: datetime | None = None
    rule: Rule | None = None
    channel: Channel | None = None
    is_presumed: bool = False
    missing: Missing | None = None


def service_effect(
    obligation: Obligation, *, has_consented: bool, origins: dict[Channel, AddressOrigin]
) -> Effect:
    """The earliest effect of what is proven. `origins`: the recipient's addresses; the page itself is always his own.

    Without consent to electronic service nothing but an act of the recipient (who then consented by acting) or a
    clerk's hand counts.
    """
    found = list(_acts(obligation))
    if has_consented:
        found += _arrivals(obligation, origins)
        if obligation.displayed_at is not None:
            found.append(
                Effect(obligation.displayed_at, Rule.PRESUMED_READ, Channel.IN_APP, is_presumed=True)
            )
    dated = [effect for effect in found if effect.at is not None]
    if dated:
        return min(dated, key=lambda effect: (effect.at or _LAST, effect.is_presumed))
    return Effect(missing=Missing.EVIDENCE if has_consented else Missing.CONSENT)


def _acts(obligation: Obligation) -> Iterable[Effect]:
    if obligation.acknowledgment is not None:
        yield Effect(obligation.acknowledgment.at, Rule.ACTED, Channel.IN_APP)
    if obligation.objection is not None:
        yield Effect(obligation.objection.at, Rule.ACTED, Channel.IN_APP)
    if obligation.handed_over is not None:
        yield Effect(obligation.handed_over.at, Rule.IN_PERSON, Channel.CLERK)


def _arrivals(obligation: Obligation, origins: dict[Channel, AddressOrigin]) -> Iterable[Effect]:
    for attempt in obligation.attempts:
        at = attempt.reported_at or attempt.at
        # "Taken by the provider" isn't arrival at the recipient's system; a simulated send proves nothing at all.
        if attempt.simulated or attempt.grade < Grade.ON_DEVICE or attempt.channel not in origins:
            continue
        if origins[attempt.channel] is AddressOrigin.FOUND:
            if attempt.grade >= Grade.DISPLAYED:
                yield Effect(at, Rule.PRESUMED_READ, attempt.channel, is_presumed=True)
        else:
            yield Effect(at, Rule.ARRIVAL, attempt.channel)
