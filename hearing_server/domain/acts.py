"""Acts (行为存证): one legally relevant behaviour, one canonical entry, one link of a chain.

An entry holds no personal data: case, actor and payload appear as commitments, SHA-256(32-byte salt ‖ canonical JSON).
Each field's salt is derived from the act's own (HMAC-SHA-256), so that one can be disclosed without the others, and
destroying the act's salt destroys the meaning of the entry while the chain still verifies.
`entry_sha256 = SHA-256(entry)`, and the next entry of the chain carries it as `prev_in_case`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.canonical_json import JsonObject, JsonValue, canonical_json
from hearing_server.errors import Invalid
from hearing_server.kernel import ActId, PersonId, to_wire

ENTRY_VERSION = 1
SALT_BYTES = 32
# An entry is a leaf of a log that is mirrored and kept for decades: small by rule.
MAX_ENTRY_BYTES = 4096
# The first entry of a chain has no predecessor.
NO_PREVIOUS = ""


class ActKind(StrEnum):
    """`category.what_happened`; the two halves map onto category and subCategory of court chains' headers."""

    SESSION_STARTED = "session.started"
    SESSION_REFUSED = "session.refused"
    SESSION_ENDED = "session.ended"
    CODE_SENT = "code.sent"
    JOIN_LINK_OPENED = "join_link.opened"
    JOIN_LINK_REFUSED = "join_link.refused"
    INVITATION_SENT = "invitation.sent"
    CASE_FILED = "case.filed"
    CASE_IMPORTED = "case.imported"
    PARTY_ADDED = "case.party_added"
    REPRESENTATIVE_ADDED = "case.representative_added"
    REPRESENTATIVE_ENDED = "case.representative_ended"
    HEARING_SCHEDULED = "hearing.scheduled"
    HEARING_LOBBY_OPENED = "hearing.lobby_opened"
    HEARING_OPENED = "hearing.opened"
    HEARING_RECESSED = "hearing.recessed"
    HEARING_RESUMED = "hearing.resumed"
    HEARING_SEALING_BEGUN = "hearing.sealing_begun"
    HEARING_SEALING_ENDED = "hearing.sealing_ended"
    HEARING_CLOSED = "hearing.closed"
    HEARING_REOPENED = "hearing.reopened"
    HEARING_CANCELLED = "hearing.cancelled"
    HEARING_MOVED = "hearing.moved"
    # 不公开审理, with its ground.
    HEARING_DOORS_CLOSED = "hearing.doors_closed"
    CASE_DOORS_CLOSED = "case.doors_closed"
    PARTICIPANT_ARRIVED = "participant.arrived"
    PARTICIPANT_ADMITTED = "participant.admitted"
    PARTICIPANT_JOINED = "participant.joined"
    PARTICIPANT_LEFT = "participant.left"
    PARTICIPANT_REMOVED = "participant.removed"
    PARTICIPANT_REMOVAL_LIFTED = "participant.removal_lifted"
    PARTICIPANT_MUTED = "participant.muted"
    PARTICIPANT_UNMUTED = "participant.unmuted"
    PARTICIPANT_CONNECTION_CHANGED = "participant.connection_changed"
    PARTICIPANT_PAGE_CHANGED = "participant.page_changed"
    PARTICIPANT_LINE_MEASURED = "participant.line_measured"
    IDENTITY_CHECKED = "participant.identity_checked"
    CONSENT_DECIDED = "participant.consent_decided"
    SELF_TESTED = "participant.self_tested"
    GRANT_ISSUED = "participant.grant_issued"
    RECORDING_STARTED = "recording.started"
    RECORDING_SEGMENT_SEALED = "recording.segment_sealed"
    RECORDING_GAP = "recording.gap"
    RECORDING_STALLED = "recording.stalled"
    RECORDING_RECOVERED = "recording.recovered"
    RECORDING_FAILED = "recording.failed"
    # One of two recorders; the recording itself goes on.
    RECORDING_ONE_STALLED = "recording.one_stalled"
    RECORDING_ONE_RECOVERED = "recording.one_recovered"
    # The judge opened with one recorder, knowingly.
    RECORDING_BY_ONE = "recording.by_one"
    # 故障说明: drafted when the watcher finds a failure, signed by the judge.
    RECORDING_FAILURE_NOTED = "recording.failure_noted"
    RECORDING_FAILURE_OVER = "recording.failure_over"
    RECORDING_FAILURE_SIGNED = "recording.failure_signed"
    RECORDING_SEALED = "recording.sealed"
    RECORDING_ARCHIVED = "recording.archived"
    RECORDING_ARCHIVE_CHECKED = "recording.archive_checked"
    RECORDING_ARCHIVE_ORDERED = "recording.archive_ordered"
    RECORDING_ARCHIVE_HELD = "recording.archive_held"
    RECORDING_ARCHIVE_RELEASED = "recording.archive_released"
    RECORDING_ARCHIVE_TAKEN = "recording.archive_taken"
    FILM_READY = "film.ready"
    FILM_FAILED = "film.failed"
    FILM_RELEASED = "film.released"
    FILM_RELEASE_ENDED = "film.release_ended"
    FILM_VIEWED = "film.viewed"
    PUBLICATION_SUBMITTED = "publication.submitted"
    PUBLICATION_CONFIRMED = "publication.confirmed"
    PUBLICATION_REJECTED = "publication.rejected"
    PUBLICATION_WITHDRAWN = "publication.withdrawn"
    PUBLICATION_REDACTED = "publication.redacted"
    PUBLICATION_COPY_READY = "publication.copy_ready"
    PUBLICATION_COPY_FAILED = "publication.copy_failed"
    PUBLICATION_PREVIEWED = "publication.previewed"
    PUBLICATION_RESPONDED = "publication.responded"
    PUBLICATION_OBJECTION_ANSWERED = "publication.objection_answered"
    BROADCAST_SUBMITTED = "broadcast.submitted"
    BROADCAST_RESPONDED = "broadcast.responded"
    BROADCAST_OBJECTION_ANSWERED = "broadcast.objection_answered"
    BROADCAST_APPROVED = "broadcast.approved"
    BROADCAST_REJECTED = "broadcast.rejected"
    BROADCAST_CUT = "broadcast.cut"
    MESSAGE_POSTED = "message.posted"
    MESSAGE_CORRECTED = "message.corrected"
    # The author's own, and the court's with its ground; reading what is out of sight is an act, too.
    MESSAGE_WITHDRAWN = "message.withdrawn"
    MESSAGE_WITHHELD = "message.withheld"
    MESSAGE_WITHHELD_VIEWED = "message.withheld_viewed"
    SPACE_EXPORTED = "space.exported"
    # 诉讼行为: a statement with effect in the suit, confirmed word for word.
    LITIGATION_STATED = "litigation.stated"
    CONTACT_ASKED = "contact.asked"
    CONTACT_TAKEN = "contact.taken"
    CONTACT_PHONE_SEEN = "contact.phone_seen"
    CONTACT_ANSWERED = "contact.answered"
    CONTACT_DONE = "contact.done"
    CONTACT_WITHDRAWN = "contact.withdrawn"
    CONTACT_OVERDUE = "contact.overdue"
    LANE_SEALED_OPENED = "lane.sealed_opened"
    MEDIATION_OPENED = "mediation.opened"
    MEDIATION_JOINED = "mediation.joined"
    MEDIATION_LEFT = "mediation.left"
    MEDIATION_CLOSED = "mediation.closed"
    ATTACHMENT_UPLOADED = "attachment.uploaded"
    # Looked into, and taken or refused with a reason.
    ATTACHMENT_READY = "attachment.ready"
    ATTACHMENT_REFUSED = "attachment.refused"
    ATTACHMENT_VIEWED = "attachment.viewed"
    EXHIBIT_SUBMITTED = "exhibit.submitted"
    EXHIBIT_CHECKED = "exhibit.checked"
    EXHIBIT_RETURNED = "exhibit.returned"
    EXHIBIT_WITHDRAWN = "exhibit.withdrawn"
    EXHIBIT_EXCHANGED = "exhibit.exchanged"
    EXHIBIT_OPINION_GIVEN = "exhibit.opinion_given"
    EXHIBIT_DISCLOSURE_DECIDED = "exhibit.disclosure_decided"
    EXHIBIT_SHOWN = "exhibit.shown"
    EXHIBIT_RULED = "exhibit.ruled"
    EXHIBIT_TERMS_SET = "exhibit.terms_set"
    REMINDER_ISSUED = "reminder.issued"
    REMINDER_CANCELLED = "reminder.cancelled"
    REMINDER_MADE_URGENT = "reminder.made_urgent"
    OBLIGATION_ATTEMPTED = "obligation.attempted"
    OBLIGATION_DISPLAYED = "obligation.displayed"
    OBLIGATION_ACKNOWLEDGED = "obligation.acknowledged"
    OBLIGATION_OPENED = "obligation.opened"
    OBLIGATION_PUT_OFF = "obligation.put_off"
    OBLIGATION_OBJECTED = "obligation.objected"
    OBLIGATION_HANDED_OVER = "obligation.handed_over"
    OBLIGATION_EXPIRED = "obligation.expired"
    OBLIGATION_CANCELLED = "obligation.cancelled"
    # Where a person may be served, and whether they agreed to it (在线诉讼规则 art 29).
    SERVICE_ADDRESS_ADDED = "service.address_added"
    SERVICE_ADDRESS_ENDED = "service.address_ended"
    SERVICE_CONSENT_DECIDED = "service.consent_decided"


@dataclass(frozen=True, slots=True)
class ActObject:
    """A thing an act speaks of, by content: a segment, an upload, a film. `sha256` is hex."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `payload`, `actor_id` and `salt` live beside the entry; the entry alone is chained and public."""

    id: ActId
    chain_id: str
    case_seq: int
    kind: ActKind
    at: datetime
    actor_id: PersonId
    role: str
    payload: JsonObject
    salt: bytes
    entry: bytes
    entry_sha256: str
    prev_sha256: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """`broken_seq` is the first number at which the chain fails, `reason` a word for what failed there."""

    length: int
    head_sha256: str
    broken_seq: int | None = None
    reason: str = ""

    @property
    def is_intact(self) -> bool:
        return self.broken_seq is None


def seal_act(
    *,
    id: ActId,
    court_code: str,
    chain_id: str,
    head: tuple[int, str],
    kind: ActKind,
    at: datetime,
    actor_id: PersonId,
    role: str,
    payload: JsonObject,
    salt: bytes,
    objects: Sequence[ActObject] = (),
) -> Act:
    """The next act of a chain whose head is (seq, entry hash hex), (0, "") for a new one. `salt`: 32 random bytes.

    Errors: Invalid `act.salt`, `act.too_large`, and those of canonical JSON.
    """
    if len(salt) != SALT_BYTES:
        raise Invalid("act.salt", zh="存证盐值长度错误", en="The salt must have 32 bytes")
    head_seq, head_sha256 = head
    category, _, what = kind.value.partition(".")
    entry = canonical_json(
        {
            "v": ENTRY_VERSION,
            "court": court_code,
            "case_c": commitment(salt, "case", chain_id),
            "cat": category,
            "sub": what,
            "t_server_utc": to_wire(at),
            "actor_c": commitment(salt, "actor", actor_id),
            "role": role,
            "case_seq": head_seq + 1,
            "prev_in_case": head_sha256,
            "objs": [{"sha256": item.sha256, "size": item.size_bytes} for item in objects],
            "body_c": commitment(salt, "body", payload),
        }
    )
    if len(entry) > MAX_ENTRY_BYTES:
        raise Invalid("act.too_large", zh="存证条目过大", en="The act's entry is too large")
    digest = hashlib.sha256(entry).hexdigest()
    return Act(
        id, chain_id, head_seq + 1, kind, at, actor_id, role, payload, salt, entry, digest, head_sha256
    )


def commitment(salt: bytes, field: str, value: JsonValue) -> str:
    """SHA-256(field salt ‖ canonical JSON of the value), hex."""
    return commitment_with(field_salt(salt, field), value)


def commitment_with(own_salt: bytes, value: object) -> str:
    """The same for who was handed one field's salt. Errors: those of canonical JSON."""
    return hashlib.sha256(own_salt + canonical_json(value)).hexdigest()


def field_salt(salt: bytes, field: str) -> bytes:
    """The 32-byte salt of one field; handing it out opens that field alone."""
    return hmac.digest(salt, f"act/{field}".encode(), "sha256")


def verify_chain(acts: Iterable[Act], *, after: tuple[int, str] = (0, NO_PREVIOUS)) -> ChainReport:
    """Check a stretch of one chain: gapless numbers, links, hashes, and that every entry says what its row says."""
    seq, head = after
    length = 0
    for act in acts:
        reason = _fault(act, seq + 1, head)
        if reason:
            return ChainReport(length, head, seq + 1, reason)
        seq, head, length = act.case_seq, act.entry_sha256, length + 1
    return ChainReport(length, head)


def _fault(act: Act, expected_seq: int, head: str) -> str:
    """A word for what is wrong with this act at this place, empty when nothing is."""
    if act.case_seq != expected_seq:
        return "sequence"
    if act.prev_sha256 != head:
        return "link"
    if hashlib.sha256(act.entry).hexdigest() != act.entry_sha256:
        return "hash"
    try:
        entry = json.loads(act.entry)
    except ValueError:
        return "entry"
    if not isinstance(entry, dict):
        return "entry"
    category, _, what = act.kind.value.partition(".")
    said = {
        "prev_in_case": act.prev_sha256,
        "case_seq": act.case_seq,
        "cat": category,
        "sub": what,
        "t_server_utc": to_wire(act.at),
        "role": act.role,
        "case_c": commitment(act.salt, "case", act.chain_id),
        "actor_c": commitment(act.salt, "actor", act.actor_id),
        "body_c": commitment(act.salt, "body", act.payload),
    }
    return next((name for name, value in said.items() if entry.get(name) != value), "")
