"""The clerk's desk: the time for evidence, the check, the return with its reason, the exchange of a set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.exhibits.exhibits import Exhibit
from hearing_server.domain.exhibits.sight import Sight, may_see, viewer_of
from hearing_server.domain.roles import Action
from hearing_server.errors import Invalid, NotFound
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, PersonId, to_wire
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.exhibits import ExhibitTerms
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_exhibit, access_exhibits
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.docket import enter_docket
from hearing_server.services.exhibits.keeping import answer, keep, ring, view
from hearing_server.services.reminding.reminders import Reminding

# One exchange: what a clerk checks in a morning, and one commit that others wait for.
MAX_EXCHANGED = 100
# Numbers named in a line; the page names them all.
_NAMED = 8


class Exchange:
    """Use-cases of the clerk."""

    def __init__(self, units: Units, clock: Clock, profile: CourtProfile, reminders: Reminding) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._reminders = reminders

    async def set_terms(self, actor: Actor, case_id: str, *, submit_until: datetime | None) -> ExhibitTerms:
        """举证期限 for everything submitted from now on; what came before keeps the time it had."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, _, _ = await access_exhibits(unit, actor, case_id, Action.EXHIBIT_TERMS, lock=True)
            terms = ExhibitTerms(case.id, submit_until, actor.person_id, now)
            await unit.exhibits.save_terms(terms)
            said = to_wire(submit_until) if submit_until else ""
            await record_act(
                unit, actor, kind=ActKind.EXHIBIT_TERMS_SET, chain_id=case.id, at=now,
                payload={"submit_until": said, "parties": None},
            )  # fmt: skip
            until = f"{self._local(submit_until):%Y-%m-%d %H:%M}" if submit_until else "—"
            await enter_docket(unit, actor, case.id, DocketKind.EXHIBIT_TERMS_SET, at=now, detail=until)
            unit.ring(Doorbell("case_changed", case.id))
        return terms

    async def check(self, actor: Actor, exhibit_id: str) -> dict[str, object]:
        """审核通过. Errors: Conflict `exhibit.state`, `.superseded`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_CHECK, lock=True)
            after = seen.exhibit.checked(by=actor.person_id, at=now)
            await keep(unit, actor, seen.case, after, ActKind.EXHIBIT_CHECKED, at=now, before=seen.exhibit)
            return await answer(unit, seen, after)

    async def send_back(self, actor: Actor, exhibit_id: str, *, reason: str) -> dict[str, object]:
        """退回补正, with what is missing. Errors: Conflict `exhibit.state`, Invalid `exhibit.reason`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_CHECK, lock=True)
            after = seen.exhibit.returned(by=actor.person_id, at=now, reason=reason)
            await keep(unit, actor, seen.case, after, ActKind.EXHIBIT_RETURNED, at=now, before=seen.exhibit)
            return await answer(unit, seen, after)

    async def exchange(
        self,
        actor: Actor,
        case_id: str,
        exhibit_ids: Sequence[str],
        *,
        opinions_until: datetime | None,
        reminds: bool,
    ) -> list[dict[str, object]]:
        """交换证据: all of them or none. `reminds`: everybody who sees something new acknowledges it.

        Errors: NotFound, Conflict `exhibit.state`, `.sealed`, `.superseded`; Invalid `exchange.set`, `.until`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, viewer, capacity = await access_exhibits(
                unit, actor, case_id, Action.EXHIBIT_EXCHANGE, lock=True
            )
            _require_sense(exhibit_ids, opinions_until, now)
            exchanged = []
            for one in exhibit_ids:
                seen = await access_exhibit(unit, actor, one, Action.EXHIBIT_EXCHANGE)
                if seen.case.id != case.id:
                    raise NotFound
                after = seen.exhibit.exchanged(by=actor.person_id, at=now, opinions_until=opinions_until)
                await keep(unit, actor, case, after, ActKind.EXHIBIT_EXCHANGED, at=now, before=seen.exhibit)
                await _retire(unit, after)
                exchanged.append(after)
            await self._tell(unit, actor, case, exchanged, opinions_until, now, reminds=reminds)
            return [await view(unit, one, case, viewer, capacity) for one in exchanged]

    async def _tell(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        exchanged: list[Exhibit],
        until: datetime | None,
        now: datetime,
        *,
        reminds: bool,
    ) -> None:
        """A docket line and a card for all, and a reminder for those to whom something new was disclosed."""
        zh, en = _named(exchanged)
        await enter_docket(
            unit, actor, case.id, DocketKind.EXHIBITS_EXCHANGED, at=now, detail=zh, detail_en=en
        )
        body = {"case_id": str(case.id), "title": zh, "title_en": en}
        await post_card(unit, case.id, Card.EXHIBITS_EXCHANGED, body, now=now)
        recipients = _newly_seeing(case, exchanged)
        if reminds and recipients:
            by_when = (
                f"，并于{self._local(until):%Y年%m月%d日 %H:%M}前发表质证意见"
                if until
                else "，并发表质证意见"
            )
            await self._reminders.issue_within(
                unit, actor, case, person_ids=recipients, due_at=until, now=now,
                title="证据已交换，请查看",
                text=f"法院已向您交换以下证据：{zh}。请在本案“证据”页面查看{by_when}。",
            )  # fmt: skip
        unit.ring(Doorbell("case_changed", case.id))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._profile.time_zone)


def _require_sense(exhibit_ids: Sequence[str], until: datetime | None, now: datetime) -> None:
    if not 1 <= len(exhibit_ids) <= MAX_EXCHANGED or len(set(exhibit_ids)) != len(exhibit_ids):
        raise Invalid(
            "exchange.set",
            zh=f"一次交换 1 至 {MAX_EXCHANGED} 份证据",
            en=f"One exchange takes 1 to {MAX_EXCHANGED} exhibits",
        )
    if until is not None and until <= now:
        raise Invalid(
            "exchange.until", zh="质证意见期限应晚于现在", en="The time for opinions must lie ahead"
        )


async def _retire(unit: Unit, after: Exhibit) -> None:
    """A supplement that others see takes the place of the version they saw."""
    before = await unit.exhibits.get(after.supersedes) if after.supersedes else None
    if before is not None and before.superseded_by is None:
        await unit.exhibits.save(before.superseded(after.id))
        ring(unit, before, before)


def _named(exhibits: Sequence[Exhibit]) -> tuple[str, str]:
    """Their numbers in both languages; numbers are for all, titles are not."""
    labels = [one.label for one in exhibits if one.label is not None]
    zh, en = "、".join(one.zh for one in labels[:_NAMED]), ", ".join(one.en for one in labels[:_NAMED])
    if len(labels) <= _NAMED:
        return zh, en
    return f"{zh}等{len(labels)}份", f"{en} and {len(labels) - _NAMED} more"


def _newly_seeing(case: Case, exhibits: Sequence[Exhibit]) -> list[PersonId]:
    found = []
    for member in case.members():
        viewer = viewer_of(case, member.person_id)
        if viewer is None or viewer.is_court:
            continue
        others = [one for one in exhibits if not viewer.owns(one)]
        if any(may_see(one, viewer) in (Sight.FULL, Sight.REDACTED) for one in others):
            found.append(member.person_id)
    return found
