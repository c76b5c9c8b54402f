"""Quiet hours and holidays by the court's clock; since when something counts as served, and by which rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.reminding import endings
from hearing_server.domain.reminding.channels import AttemptState, Channel, DeliveryAttempt
from hearing_server.domain.reminding.climbing import Attempt, Wait, next_step
from hearing_server.domain.reminding.quiet_hours import NEVER_QUIET, QuietHours, quiet_from_mapping
from hearing_server.domain.reminding.reminders import note_attempt
from hearing_server.domain.reminding.service_effect import AddressOrigin, Missing, Rule, service_effect
from hearing_server.errors import Invalid
from tests.unit.court_pieces import CLERK, at
from tests.unit.domain.test_reminders import acknowledge, issued

SHANGHAI = ZoneInfo("Asia/Shanghai")
DATA: dict[str, object] = {
    "quiet_from": "22:00", "quiet_until": "07:00", "quiet_channels": ["sms", "voice"],
    "holidays": [date(2026, 10, 1)], "holiday_channels": ["voice"],
}  # fmt: skip
QUIET = quiet_from_mapping(DATA, SHANGHAI)


def there(day: int, hour: int, minute: int = 0, month: int = 9) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("at_", "channel", "wanted"),
    [
        (there(3, 21, 59), Channel.SMS, there(3, 21, 59)),
        (there(3, 22), Channel.SMS, there(4, 7)),
        (there(4, 6, 59), Channel.SMS, there(4, 7)),
        (there(4, 7), Channel.SMS, there(4, 7)),
        (there(3, 23), Channel.WEB_PUSH, there(3, 23)),
        (there(1, 12, month=10), Channel.VOICE, there(2, 7, month=10)),
        (there(1, 12, month=10), Channel.SMS, there(1, 12, month=10)),
    ],
)
def test_quiet_hours__by_the_courts_clock(at_: datetime, channel: Channel, wanted: datetime) -> None:
    assert QUIET.earliest(at_, channel) == wanted


@given(st.datetimes(datetime(2026, 9, 28), datetime(2026, 10, 4)), st.sampled_from(list(Channel)))  # noqa: DTZ001
def test_quiet_hours__whenever__the_answer_is_allowed_and_soon(naive: datetime, channel: Channel) -> None:
    moment = naive.replace(tzinfo=UTC)
    found = QUIET.earliest(moment, channel)
    assert moment <= found <= moment + timedelta(days=2)
    assert QUIET.earliest(found, channel) == found
    assert NEVER_QUIET.earliest(moment, channel) == moment


def test_ladder__at_night__rings_in_the_morning_unless_the_judge_says_urgent() -> None:
    night = there(3, 23)
    reminder, (obligation, _) = issued(at=night, due_at=night + timedelta(days=3))
    page = next_step(reminder, obligation, night, QUIET)
    assert isinstance(page, Attempt)
    assert page.step.channel is Channel.IN_APP, "the page itself never waits"
    obligation = note_attempt(
        obligation, DeliveryAttempt(0, Channel.IN_APP, night, AttemptState.ACCEPTED, False)
    )
    # The clerk's rung needs no phone: it stands on the desk at its time.
    assert next_step(reminder, obligation, night, QUIET) == Wait(night + timedelta(seconds=1800))
    sms = next_step(reminder, obligation, there(4, 7), QUIET)
    assert isinstance(sms, Attempt)
    assert sms.step.channel is Channel.SMS
    urgent = next_step(replace(reminder, urgent=True), obligation, night, QUIET)
    assert isinstance(urgent, Attempt)
    assert urgent.step.channel is Channel.SMS


@pytest.mark.parametrize(
    "change",
    [
        {"quiet_from": "25:00"}, {"quiet_from": 22}, {"quiet_channels": ["fax"]}, {"quiet_channels": "sms"},
        {"holidays": ["tomorrow"]}, {"holiday_channels": ["in_app"]},
    ],
)  # fmt: skip
def test_quiet_hours__wrong_data__is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="quiet_hours"):
        quiet_from_mapping(DATA | change, SHANGHAI)


def test_quiet_hours__none_named__never_rest() -> None:
    assert quiet_from_mapping({}, SHANGHAI) == replace(QuietHours(), zone=SHANGHAI)


SMS = DeliveryAttempt(0, Channel.SMS, at(1), AttemptState.ON_DEVICE, False, reported_at=at(20))
ALL = {
    Channel.SMS: AddressOrigin.GIVEN,
    Channel.EMAIL: AddressOrigin.FOUND,
    Channel.IN_APP: AddressOrigin.CONFIRMED,
}


def test_service__without_consent__only_an_act_counts() -> None:
    arrived = note_attempt(issued()[1][0], SMS)
    assert service_effect(arrived, has_consented=False, origins=ALL).missing is Missing.CONSENT
    acted = service_effect(acknowledge(arrived, s=99), has_consented=False, origins=ALL)
    assert (acted.at, acted.rule) == (at(99), Rule.ACTED)


def test_service__address_given__counts_on_arrival_and_the_earliest_channel_wins() -> None:
    arrived = acknowledge(note_attempt(issued()[1][0], SMS), s=99)
    effect = service_effect(arrived, has_consented=True, origins=ALL)
    assert (effect.at, effect.rule, effect.channel, effect.is_presumed) == (
        at(20), Rule.ARRIVAL, Channel.SMS, False,
    )  # fmt: skip


def test_service__address_found__needs_a_reading_and_may_be_rebutted() -> None:
    mail = replace(SMS, channel=Channel.EMAIL)
    one = note_attempt(issued()[1][0], mail)
    assert service_effect(one, has_consented=True, origins=ALL).missing is Missing.EVIDENCE
    read = note_attempt(issued()[1][0], replace(mail, state=AttemptState.DISPLAYED))
    effect = service_effect(read, has_consented=True, origins=ALL)
    assert (effect.rule, effect.is_presumed) == (Rule.PRESUMED_READ, True)


@pytest.mark.parametrize(
    "changes", [{"simulated": True}, {"state": AttemptState.ACCEPTED}, {"state": AttemptState.FAILED}]
)
def test_service__simulated_or_merely_taken__proves_nothing(changes: dict[str, object]) -> None:
    one = note_attempt(issued()[1][0], replace(SMS, **changes))  # type: ignore[arg-type]
    assert service_effect(one, has_consented=True, origins=ALL).missing is Missing.EVIDENCE


def test_service__by_a_clerks_hand__counts_without_consent() -> None:
    handed = endings.hand_over(issued()[1][0], clerk_id=CLERK, note="窗口签收", at=at(7))
    effect = service_effect(handed, has_consented=False, origins={})
    assert (effect.at, effect.rule) == (at(7), Rule.IN_PERSON)
