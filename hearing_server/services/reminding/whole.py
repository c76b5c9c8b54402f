"""Reminders, channels and progress put together: what the composition root hands to the delivery floor as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock
from hearing_server.ports.documents import DocumentSource
from hearing_server.ports.jobs import JobQueue
from hearing_server.ports.notices import Notifier
from hearing_server.ports.todos import TodoSource
from hearing_server.ports.units import Units
from hearing_server.ports.vault import Vault
from hearing_server.services.progress.node_pushes import NodePushes
from hearing_server.services.progress.todo_sources import HearingTodos, ReminderTodos
from hearing_server.services.progress.todos import Todos
from hearing_server.services.reminding.board import ReminderBoard
from hearing_server.services.reminding.contact_book import ContactBook
from hearing_server.services.reminding.documents import AttachmentDocuments, HearingDocuments
from hearing_server.services.reminding.notices import NoticeRelay
from hearing_server.services.reminding.outbox import Outbox
from hearing_server.services.reminding.own_reminders import OwnReminders
from hearing_server.services.reminding.proofs import ReminderProofs
from hearing_server.services.reminding.reminders import Reminding
from hearing_server.services.reminding.reports import DeliveryReports
from hearing_server.services.reminding.rules import ReminderRules, rules_of


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything that reaches people. `queue` is started by the composition root; `push_key` is for browsers."""

    rules: ReminderRules
    reminding: Reminding
    own: OwnReminders
    board: ReminderBoard
    proofs: ReminderProofs
    reports: DeliveryReports
    contacts: ContactBook
    nodes: NodePushes
    relay: NoticeRelay
    outbox: Outbox
    queue: JobQueue
    push_key: str

    def todos(self, units: Units, clock: Clock, more: Sequence[TodoSource]) -> Todos:
        """Things to do of hearings and reminders, and of the themes that bring a source of their own."""
        return Todos(units, clock, (HearingTodos(), ReminderTodos(), *more))


def telling(
    units: Units,
    vault: Vault,
    clock: Clock,
    profile: CourtProfile,
    *,
    channels: Mapping[str, Notifier],
    secrets: Mapping[str, bytes],
    push_key: str,
    queue: JobQueue,
    address: Callable[[str], str],
    documents: Mapping[str, DocumentSource],
) -> Telling:
    """`address`: from a path of ours to the address people can open. Errors: Invalid as `rules_of`."""
    known: dict[str, DocumentSource] = {
        "attachment": AttachmentDocuments(),
        "hearing": HearingDocuments(profile.time_zone),
        **documents,
    }
    rules = rules_of(profile, known, address)
    reminding = Reminding(units, vault, clock, profile, rules)
    return Telling(
        rules=rules,
        reminding=reminding,
        own=OwnReminders(units, clock, rules, reminding),
        board=ReminderBoard(units, vault, clock, rules),
        proofs=ReminderProofs(units, vault, clock, rules),
        reports=DeliveryReports(units, vault, clock, reminding, secrets),
        contacts=ContactBook(units, vault, clock),
        nodes=NodePushes(units, vault, clock, rules),
        relay=NoticeRelay(units, vault, clock, channels, queue),
        outbox=Outbox(units, vault, address),
        queue=queue,
        push_key=push_key,
    )
