"""Nodes of a case: written with their card in the commit of what happened, pushed to each person by a job, once."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.progress.nodes import BY_SMS, Node, NodeKind, node_link, preview
from hearing_server.domain.reminding.channels import Channel
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, CaseId, Clock, PersonId, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.reminding.addresses import Reach, addresses_of
from hearing_server.services.reminding.letters import Words
from hearing_server.services.reminding.notices import queue_notice
from hearing_server.services.reminding.rules import ReminderRules

_BATCH = 20
# Quiet ways first: a push nobody pays for; the phone rings only where there is none of them.
_QUIET_WAYS = (Channel.WEB_PUSH, Channel.WECHAT, Channel.EMAIL)
IN_WORDS = "in_words"


async def post_node(
    unit: Unit,
    actor: Actor,
    case_id: CaseId,
    kind: NodeKind,
    facts: JsonObject,
    *,
    key: str,
    now: datetime,
    card: JsonObject | None = None,
) -> bool:
    """The node and its one card, in the caller's unit; False when this has been told before.

    `facts`: texts and ids the timeline shows. `card`: the body of the card where it differs from the facts.
    """
    node = Node(
        new_id("nod"), case_id, kind, f"{kind}:{key}", now, actor.person_id,
        {name: str(value) for name, value in facts.items()},
    )  # fmt: skip
    if not await unit.progress.add(node):
        return False
    await post_card(unit, case_id, Card(kind.value), facts if card is None else card, now=now)
    unit.ring(Doorbell("node_posted", node.id))
    unit.ring(Doorbell("case_changed", case_id))
    return True


class NodePushes:
    """The job that tells people; safe in several processes at once."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, rules: ReminderRules) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._rules = rules

    async def push_due(self) -> int:
        """Queue the notices of nodes nobody was told of; how many nodes."""
        async with self._units.read() as unit:
            waiting = await unit.progress.unpushed(_BATCH)
        for node_id in waiting:
            now = self._clock.utc_now()
            async with self._units.write() as unit:
                node = await unit.progress.begin_push(node_id, now)
                case = await unit.cases.get(node.case_id) if node is not None else None
                if node is not None and case is not None and node.is_fresh(now):
                    await self._tell(unit, case, node, now)
        return len(waiting)

    async def _tell(self, unit: Unit, case: Case, node: Node, now: datetime) -> None:
        people = [member.person_id for member in case.members() if member.person_id != node.actor_id]
        reach = await addresses_of(unit, self._vault, people)
        wishes = await unit.contacts.wishes(people)
        for person_id in people:
            await self._tell_one(unit, case, node, person_id, reach, wishes.get(person_id, {}), now)

    async def _tell_one(
        self,
        unit: Unit,
        case: Case,
        node: Node,
        person_id: PersonId,
        reach: Reach,
        wishes: dict[str, bool],
        now: datetime,
    ) -> None:
        found = reach[person_id]
        ways = [way for way in _QUIET_WAYS if found.get(way) and wishes.get(way.value, True)]
        has_quiet = any(found.get(way) for way in _QUIET_WAYS)
        if not has_quiet and node.kind in BY_SMS and wishes.get(Channel.SMS.value, True):
            ways = [Channel.SMS]
        title, text = preview(node.kind, in_words=wishes.get(IN_WORDS, False))
        link = node_link(node)
        for way in ways:
            for address in found.get(way, []):
                told = text if way is Channel.WEB_PUSH else f"{text}{self._rules.address(link)}"
                if way is Channel.SMS:
                    told = f"【{case.court.name}】{told}"
                await queue_notice(
                    unit,
                    self._vault,
                    person_id=person_id,
                    address=address,
                    words=Words(title, told, link),
                    dedup_key=f"{node.id}:{way}:{person_id}:{address.contact_id or ''}",
                    now=now,
                )
