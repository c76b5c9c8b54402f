"""Every closed route: what the rights table calls it, and a body that gets past the form."""

from __future__ import annotations

from typing import Any

from hearing_server.domain.reminding.service_texts import SERVICE_CONSENT
from hearing_server.domain.roles import Action
from tests.court import invented_id

A = Action
PARTY = {"standing": "third_party", "name": "丙某", "phone": "13600000009", "id_number": invented_id(900)}
AGENT = {"name": "丁某", "phone": "13600000010", "id_number": invented_id(901)}
SOON = {"title": "第二次庭审", "starts_at": "2099-01-01T00:00:00Z", "duration_min": 30}
WHY = {"reason": "测试"}
PICTURE = b"not a picture"

# Route → (what the table calls it, body). None: whoever sees the case. In an order that leaves the hearing alive.
DOORS: dict[str, tuple[Action | None, Any]] = {
    "GET /cases/{case_id}": (A.CASE_SEE, None),
    "GET /cases/{case_id}/acts": (A.ACTS_READ, None),
    "POST /cases/{case_id}/parties": (A.PARTY_ADD, PARTY),
    "POST /cases/{case_id}/hearings": (A.HEARING_SCHEDULE, SOON),
    "GET /hearings/{hearing_id}": (A.HEARING_SEE, None),
    "GET /hearings/{hearing_id}/media": (A.MEDIA_SEE, None),
    "POST /hearings/{hearing_id}/invitations": (A.INVITATION_SEND, {"person_id": "PARTY"}),
    "POST /hearings/{hearing_id}/identity": (None, {"id_last4": "0000"}),
    "PUT /hearings/{hearing_id}/consents/{stage}": (
        A.CONSENT_DECIDE,
        {"decision": "granted", "text_version": "x"},
    ),
    "PUT /hearings/{hearing_id}/self-test": (
        A.SELF_TEST,
        {"camera": True, "microphone": True, "playback": True},
    ),
    "POST /hearings/{hearing_id}/grants": (A.ROOM_ENTER, {}),
    "POST /hearings/{hearing_id}/seat/moved": (A.ROOM_ENTER, {"seat": "seat_x", "sources": {}}),
    "POST /hearings/{hearing_id}/seat/moved/answer": (
        A.ROOM_ENTER,
        {"seat": "seat_x", "version": 1, "sdp": "v=0"},
    ),
    "POST /hearings/{hearing_id}/admissions": (A.ADMIT, {"person_ids": ["PARTY"]}),
    "POST /hearings/{hearing_id}/open": (A.OPEN, {}),
    "POST /hearings/{hearing_id}/recess": (A.RECESS, WHY),
    "POST /hearings/{hearing_id}/resume": (A.RESUME, {}),
    "POST /hearings/{hearing_id}/seal": (A.SEAL, WHY),
    "POST /hearings/{hearing_id}/unseal": (A.UNSEAL, {}),
    "POST /hearings/{hearing_id}/close": (A.CLOSE, {}),
    "POST /hearings/{hearing_id}/reopen": (A.REOPEN, {}),
    "POST /hearings/{hearing_id}/mutes": (A.MUTE, {"person_id": "PARTY", "muted": True}),
    "POST /hearings/{hearing_id}/removals": (A.REMOVE, {"person_id": "PARTY", **WHY}),
    "DELETE /hearings/{hearing_id}/removals/{person_id}": (A.REMOVE, None),
    "GET /recordings/{recording_id}": (None, None),
    "GET /recordings/{recording_id}/replay": (A.FILM_VIEW, None),
    "GET /recordings/{recording_id}/replay/film.m3u8": (A.FILM_VIEW, None),
    "GET /recordings/{recording_id}/replay/tracks": (A.FILM_VIEW, None),
    "GET /recordings/{recording_id}/film": (A.FILM_DOWNLOAD, None),
    "POST /recordings/{recording_id}/downloads": (A.FILM_RELEASE, {"allowed": True}),
    "GET /hearings/{hearing_id}/failures": (A.FAILURES_SEE, None),
    "GET /recordings/{recording_id}/failures": (A.FAILURES_SEE, None),
    "GET /recordings/{recording_id}/archive": (A.ARCHIVE_SEE, None),
    "GET /recordings/{recording_id}/archive/package": (A.ARCHIVE_TAKE, None),
    "POST /recordings/{recording_id}/archive/hold": (A.ARCHIVE_HOLD, WHY),
    "POST /recordings/{recording_id}/archive/release": (A.ARCHIVE_HOLD, WHY),
    "POST /recordings/{recording_id}/archive": (A.ARCHIVE_HOLD, {}),
    "POST /recordings/{recording_id}/publications": (A.PUBLICATION_SUBMIT, {"title": "t", "cause": "c"}),
    "GET /cases/{case_id}/publications": (A.PUBLICATION_SEE, None),
    "POST /hearings/{hearing_id}/broadcast": (A.PUBLICATION_SUBMIT, {"title": "t"}),
    "GET /hearings/{hearing_id}/broadcast": (A.PUBLICATION_SEE, None),
    "PUT /hearings/{hearing_id}/broadcast/response": (A.PUBLICATION_RESPOND, {"objects": False}),
    "PUT /hearings/{hearing_id}/broadcast/responses/{person_id}/answer": (
        A.PUBLICATION_DECIDE,
        {"upheld": False, "answer": "不成立"},
    ),
    "POST /hearings/{hearing_id}/broadcast/approve": (A.PUBLICATION_DECIDE, {}),
    "POST /hearings/{hearing_id}/broadcast/reject": (A.PUBLICATION_DECIDE, WHY),
    "POST /hearings/{hearing_id}/broadcast/cut": (A.PUBLICATION_WITHDRAW, WHY),
    "GET /publications/{publication_id}": (A.PUBLICATION_SEE, None),
    "GET /publications/{publication_id}/film": (A.PUBLICATION_DECIDE, None),
    "PUT /publications/{publication_id}/redactions": (A.PUBLICATION_SUBMIT, {"redactions": []}),
    "PUT /publications/{publication_id}/response": (A.PUBLICATION_RESPOND, {"objects": False}),
    "PUT /publications/{publication_id}/responses/{person_id}/answer": (
        A.PUBLICATION_DECIDE,
        {"upheld": False, "answer": "不成立"},
    ),
    "POST /publications/{publication_id}/confirm": (A.PUBLICATION_DECIDE, {"copy_sha256": "0" * 64}),
    "POST /publications/{publication_id}/reject": (A.PUBLICATION_DECIDE, WHY),
    "POST /publications/{publication_id}/withdraw": (A.PUBLICATION_WITHDRAW, WHY),
    "POST /recordings/{recording_id}/film": (A.FILM_COMPOSE, {}),
    "GET /cases/{case_id}/space": (A.SPACE_READ, None),
    "GET /lanes/{lane}/events": (A.SPACE_READ, None),
    "POST /cases/{case_id}/sealed-lane": (A.SEALED_SUBMIT, {"ground": "privacy"}),
    "POST /cases/{case_id}/mediations": (A.MEDIATION_LEAD, {"person_ids": ["per_nobody"], "title": "t"}),
    "POST /cases/{case_id}/parties/{party_id}/representatives": (A.REPRESENTATION_CHANGE, AGENT),
    "POST /cases/{case_id}/attachments": (A.SPACE_WRITE, PICTURE),
    "GET /cases/{case_id}/attachments": (A.SPACE_READ, None),
    "GET /cases/{case_id}/space/export": (A.SPACE_EXPORT, None),
    "POST /cases/{case_id}/reminders": (
        A.REMINDER_ISSUE,
        {"person_ids": ["PARTY"], "title": "t", "text": "x"},
    ),
    "GET /cases/{case_id}/reminders": (A.REMINDERS_SEE, None),
    "GET /cases/{case_id}/progress": (None, None),
    "POST /cases/{case_id}/service-consent": (
        A.SERVICE_CONSENT,
        {"granted": True, "text_version": SERVICE_CONSENT.version},
    ),
    "POST /cases/{case_id}/contact-requests": (A.CONTACT_ASK, {"topic": "materials", "way": "message"}),
    "GET /cases/{case_id}/contact-requests": (A.CONTACT_SEE, None),
    "GET /cases/{case_id}/exhibits": (A.EXHIBITS_SEE, None),
    "POST /cases/{case_id}/exhibits": (A.EXHIBIT_SUBMIT, {"title": "借条"}),
    "GET /cases/{case_id}/exhibits/catalogue": (A.EXHIBITS_SEE, None),
    "PUT /cases/{case_id}/exhibit-terms": (A.EXHIBIT_TERMS, {"submit_until": None}),
    "POST /cases/{case_id}/exchanges": (
        A.EXHIBIT_EXCHANGE,
        {"exhibit_ids": ["exh_x"], "opinions_until": "2020-01-01T00:00:00Z"},
    ),
    "GET /exhibits/{exhibit_id}": (A.EXHIBITS_SEE, None),
    "PUT /exhibits/{exhibit_id}": (A.EXHIBIT_SUBMIT, {"title": "借条"}),
    "DELETE /exhibits/{exhibit_id}": (A.EXHIBIT_SUBMIT, {}),
    "POST /exhibits/{exhibit_id}/submission": (A.EXHIBIT_SUBMIT, {"revision": 1}),
    "POST /exhibits/{exhibit_id}/withdrawal": (A.EXHIBIT_SUBMIT, {}),
    "POST /exhibits/{exhibit_id}/check": (A.EXHIBIT_CHECK, {}),
    "POST /exhibits/{exhibit_id}/return": (A.EXHIBIT_CHECK, WHY),
    "POST /exhibits/{exhibit_id}/opinions": (
        A.EXHIBIT_OPINE,
        {one: "accepted" for one in ("authenticity", "legality", "relevance", "purpose")},
    ),
    "POST /exhibits/{exhibit_id}/disclosure": (A.EXHIBIT_DISCLOSE, {"kind": "keep", **WHY}),
    "POST /exhibits/{exhibit_id}/showings": (A.EXHIBIT_SHOW, {"hearing_id": "hrg_x"}),
    "POST /exhibits/{exhibit_id}/rulings": (A.EXHIBIT_RULE, {"result": "admitted", **WHY}),
    "POST /hearings/{hearing_id}/move": (
        A.HEARING_MOVE,
        {"starts_at": "2199-05-01T01:00:00Z", "duration_min": 60},
    ),
    "POST /hearings/{hearing_id}/cancel": (A.HEARING_CANCEL, WHY),
}
# No object in the path: for every signed-in person about themselves, or for an office.
OFFICES: dict[str, tuple[Action | None, Any]] = {
    "GET /me": (None, None),
    "POST /socket-tickets": (None, {}),
    "GET /staff": (None, None),
    "GET /cases": (None, None),
    "GET /hearings": (None, None),
    "GET /me/obligations": (None, None),
    "GET /me/todos": (None, None),
    "GET /me/contacts": (None, None),
    "POST /me/contacts": (None, {"channel": "wechat", "address": "openid_of_a_test"}),
    "PUT /me/wishes": (None, {"wishes": {"sms": True}}),
    "GET /reminder-grounds": (None, None),
    "GET /reminders/unfinished": (None, None),
    "POST /cases": (A.CASE_FILE, {"cause": "c", "judge_id": "x", "parties": [PARTY]}),
    "POST /case-imports": (A.CASE_IMPORT, b"x"),
    "GET /recordings": (A.RECORDINGS_LIST, None),
    "GET /contact-requests": (A.CONTACT_ANSWER, None),
    "GET /publications": (A.RECORDINGS_LIST, None),
}
# Tried by tests of their own: they need an object of the person, or end the session.
ELSEWHERE = {
    "POST /failures/{failure_id}/signature",
    "GET /acts/{act_id}/proof",
    "GET /log",
    "DELETE /me/session",
    "GET /recordings/{recording_id}/replay/film-{number}.ts",
    "GET /recordings/{recording_id}/replay/tracks/{person_id}/{shown}/{size}.m3u8",
    "GET /recordings/{recording_id}/replay/tracks/{person_id}/{shown}/{size}-{number}.ts",
    # An order that is never lifted would close the doors for every other route of the matrix.
    "POST /cases/{case_id}/closed-doors",
    "POST /hearings/{hearing_id}/closed-doors",
    "DELETE /cases/{case_id}/representatives/{representative_id}",
    "PUT /lanes/{lane}/people/{person_id}",
    "DELETE /lanes/{lane}/people/{person_id}",
    "POST /lanes/{lane}/close",
    "GET /attachments/{attachment_id}",
    "GET /attachments/{attachment_id}/preview",
    # tests/rest/test_single_tracks.py: it takes a film.
    "POST /recordings/{recording_id}/replay/tracks",
    # tests/rest/test_attachments.py, test_uploads.py
    "GET /attachments/{attachment_id}/pages/{page}",
    "GET /attachments/{attachment_id}/rendition",
    "GET /attachments/{attachment_id}/state",
    "GET /attachments/{attachment_id}/text",
    "POST /uploads",
    "POST /uploads/{upload_id}",
    "HEAD /uploads/{upload_id}",
    "PATCH /uploads/{upload_id}",
    "DELETE /uploads/{upload_id}",
    # tests/rest/test_search.py
    "GET /search",
    # tests/rest/test_reminders.py, test_reminder_board.py, test_progress.py
    "GET /cases/{case_id}/service-consent",
    "POST /me/contacts/{contact_id}/confirmation",
    "DELETE /me/contacts/{contact_id}",
    "POST /reminders/{reminder_id}/withdrawal",
    "POST /reminders/{reminder_id}/urgent",
    "POST /obligations/{obligation_id}/attempts",
    "POST /obligations/{obligation_id}/hand-over",
    "GET /obligations/{obligation_id}/proof",
    "POST /obligations/{obligation_id}/opened",
    "POST /obligations/{obligation_id}/later",
    "POST /obligations/{obligation_id}/objection",
    "POST /obligations/{obligation_id}/displayed",
    "POST /contact-requests/{request_id}/take",
    "POST /contact-requests/{request_id}/phone",
    "POST /contact-requests/{request_id}/answer",
    "POST /contact-requests/{request_id}/done",
    "POST /contact-requests/{request_id}/withdraw",
    "POST /lanes/{lane}/events/{seq}/withheld",
    "POST /obligations/{obligation_id}/acknowledgment",
}
# Places of the members-only space answer "no such thing" to staff who only look at the case.
MEMBERS_ONLY = {
    A.SEALED_SUBMIT, A.MEDIATION_LEAD, A.SPACE_READ, A.SPACE_WRITE, A.SPACE_EXPORT, A.CONTACT_ASK,
    A.REMINDER_ISSUE, A.REMINDERS_SEE, A.SERVICE_CONSENT,
    *(action for action in A if action.value.startswith("exhibit")),
}  # fmt: skip
