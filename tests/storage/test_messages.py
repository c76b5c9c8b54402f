"""Corrections, tombstones, quotes, mentions on both databases: what readers are shown, and a chain that stays whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from hearing_server.adapters.vault import FolderVault
from hearing_server.domain.acts import verify_chain
from hearing_server.domain.case_space.amendments import PostingRules
from hearing_server.domain.case_space.attachments import Attachment, AttachmentKind, AttachmentState
from hearing_server.domain.case_space.bodies import text_sha256
from hearing_server.domain.case_space.lanes import LaneKind, LanePerson
from hearing_server.domain.case_space.messages import EventType, first_broken_seq
from hearing_server.errors import Conflict, Forbidden, HearingError, Invalid
from hearing_server.filing.cases import Case
from hearing_server.kernel import AttachmentId, LaneId, PersonId, Role
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.case_space.mentions import MentionNotices
from hearing_server.services.case_space.withheld import Withheld
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.test_lanes import actor, filed, lane_of
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, NOW, PLAINTIFF, profile

__all__ = ["filed"]


@dataclass(slots=True)
class SteppedClock:
    """A clock that a test moves."""

    now: Any = NOW
    monotonic: float = field(default=0.0)

    def utc_now(self) -> Any:
        return self.now

    def monotonic_s(self) -> float:
        # Nobody types too fast here.
        self.monotonic += 60.0
        return self.monotonic

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Talk:
    """One lane of a filed case, with people who write into it."""

    units: SqlUnits
    space: CaseSpace
    clock: SteppedClock
    filed: Case
    lane: LaneId

    async def say(
        self, person: PersonId, type: EventType = EventType.TEXT, *, client_id: str = "", **body: Any
    ) -> int:
        ack = await self.space.post(
            actor(person, role_of(person)), self.lane, type=type, body=body,
            client_id=client_id or f"client-{self.clock.monotonic_s():.0f}",
        )  # fmt: skip
        return int(str(ack["seq"]))

    async def shown(self, person: PersonId = DEFENDANT) -> dict[int, dict[str, Any]]:
        page = await self.space.history(actor(person, role_of(person)), self.lane, limit=200)
        return {int(str(event["seq"])): event for event in page.events}

    async def refused(self, person: PersonId, type: EventType, **body: Any) -> str:
        with pytest.raises(HearingError) as caught:
            await self.say(person, type, **body)
        return caught.value.code

    async def acts(self) -> list[str]:
        async with self.units.read() as unit:
            found = await unit.acts.after(self.filed.id, 0, 500)
        assert verify_chain(found).is_intact
        return [act.kind.value for act in found]


def role_of(person: PersonId) -> Role:
    return {JUDGE: Role.JUDGE, CLERK: Role.CLERK}.get(person, Role.PARTY)


@pytest.fixture
async def talk(units: SqlUnits, filed: Case) -> AsyncIterator[Talk]:
    clock = SteppedClock()
    space = CaseSpace(units, clock, GroupCommit(units), PostingRules())
    space.start()
    yield Talk(units, space, clock, filed, await lane_of(units, filed))
    await space.stop()


async def test_correction__of_ones_own_text__stands_beside_the_first_words(talk: Talk) -> None:
    seq = await talk.say(PLAINTIFF, text="借款十万元")
    talk.clock.move(300)
    first = await talk.say(PLAINTIFF, EventType.CORRECTION, target_seq=seq, text="借款一万元")
    await talk.say(PLAINTIFF, EventType.CORRECTION, target_seq=seq, text="借款一万二千元")
    events = await talk.shown()
    assert events[seq]["body"]["text"] == "借款十万元", "nothing is edited"
    assert [one["text"] for one in events[seq]["corrections"]] == ["借款一万元", "借款一万二千元"]
    assert events[first]["body"]["target"]["sha256"] == events[seq]["hash"]
    assert "message.corrected" in await talk.acts()


async def test_correction__against_the_rules__is_refused(talk: Talk) -> None:
    seq = await talk.say(PLAINTIFF, text="原话")
    words = "我方放弃第二项请求。"
    act = await talk.say(PLAINTIFF, text=words, label="litigation_act", text_sha256=text_sha256(words))
    correction = await talk.say(PLAINTIFF, EventType.CORRECTION, target_seq=seq, text="更正")
    ways = {
        "message.not_own": (DEFENDANT, seq), "message.litigation_act": (PLAINTIFF, act),
        "message.target": (PLAINTIFF, 99),
    }  # fmt: skip
    for code, (person, target) in ways.items():
        assert await talk.refused(person, EventType.CORRECTION, target_seq=target, text="改") == code
    assert (
        await talk.refused(PLAINTIFF, EventType.CORRECTION, target_seq=correction, text="改")
        == "message.target"
    )
    for _ in range(4):
        await talk.say(PLAINTIFF, EventType.CORRECTION, target_seq=seq, text="再改")
    over = await talk.refused(PLAINTIFF, EventType.CORRECTION, target_seq=seq, text="又改")
    assert over == "message.too_many_corrections"
    late = await talk.say(PLAINTIFF, text="迟了")
    talk.clock.move(601)
    assert (
        await talk.refused(PLAINTIFF, EventType.CORRECTION, target_seq=late, text="改") == "message.too_late"
    )


async def test_tombstone__hides_every_version_and_quotation__while_the_chain_verifies(talk: Talk) -> None:
    secret = "对方手机号 13900000000"
    seq = await talk.say(PLAINTIFF, text=f"原话 {secret}")
    corrected = await talk.say(PLAINTIFF, EventType.CORRECTION, target_seq=seq, text=f"更正 {secret}")
    quote = await talk.say(DEFENDANT, text="不同意", reply_to={"lane": talk.lane, "seq": seq})
    before = await talk.shown()
    assert before[quote]["quoted"]["excerpt"] == f"更正 {secret}"
    grave = await talk.say(
        CLERK, EventType.TOMBSTONE, target_seq=seq, ground="personal_data", reason="含他人手机号"
    )
    events = await talk.shown()
    assert "13900000000" not in str(events), "no way on which the words come out"
    for hidden in (seq, corrected):
        assert events[hidden]["body"] == {}
        assert events[hidden]["withheld"]["seq"] == grave
        assert events[hidden]["hash"] == before[hidden]["hash"], "the fact and its hash stay"
    assert events[seq]["withheld"]["by"]["person_id"] == CLERK
    assert (events[seq]["withheld"]["ground"], events[seq]["withheld"]["by_author"]) == (
        "personal_data",
        False,
    )
    assert events[quote]["quoted"] == {**before[quote]["quoted"], "excerpt": "", "is_withheld": True}
    async with talk.units.read() as unit:
        stored = await unit.space.events(talk.lane, limit=100)
    assert first_broken_seq(stored) is None
    assert secret in str(stored[seq - 1].body)
    for type, body in (
        (EventType.CORRECTION, {"text": "再来"}), (EventType.TOMBSTONE, {"ground": "withdrawn"})
    ):  # fmt: skip
        assert await talk.refused(PLAINTIFF, type, target_seq=seq, **body) == "message.withheld"
    answer = await talk.refused(
        DEFENDANT, EventType.TEXT, text="引", reply_to={"lane": talk.lane, "seq": seq}
    )
    assert answer == "message.withheld"


async def test_withheld_content__is_for_the_bench__and_each_look_is_an_act(talk: Talk) -> None:
    seq = await talk.say(PLAINTIFF, text="原话")
    await talk.say(PLAINTIFF, EventType.TOMBSTONE, target_seq=seq, ground="withdrawn")
    other = await talk.say(PLAINTIFF, text="还在")
    withheld = Withheld(talk.units, talk.clock)
    seen = await withheld.content(actor(JUDGE, Role.JUDGE), talk.lane, seq)
    assert (seen["body"], seen["corrections"]) == ({"text": "原话"}, [])
    assert "message.withheld_viewed" in await talk.acts()
    with pytest.raises(Forbidden):
        await withheld.content(actor(PLAINTIFF), talk.lane, seq)
    with pytest.raises(HearingError, match="not_found"):
        await withheld.content(actor(JUDGE, Role.JUDGE), talk.lane, other)


async def test_withdrawal__within_its_time__is_the_authors_and_no_act_in_the_suit(talk: Talk) -> None:
    seq = await talk.say(PLAINTIFF, text="发错了")
    words = "我方撤回反诉。"
    act = await talk.say(PLAINTIFF, text=words, label="litigation_act", text_sha256=text_sha256(words))
    assert (
        await talk.refused(DEFENDANT, EventType.TOMBSTONE, target_seq=seq, ground="withdrawn")
        == "message.not_own"
    )
    assert (
        await talk.refused(PLAINTIFF, EventType.TOMBSTONE, target_seq=seq, ground="secret")
        == "message.ground_is_courts"
    )
    assert (
        await talk.refused(PLAINTIFF, EventType.TOMBSTONE, target_seq=act, ground="withdrawn")
        == "message.litigation_act"
    )
    await talk.say(
        PLAINTIFF, EventType.TOMBSTONE, client_id="client-gone", target_seq=seq, ground="withdrawn"
    )
    late = await talk.say(PLAINTIFF, text="两分钟前")
    talk.clock.move(121)
    assert (
        await talk.refused(PLAINTIFF, EventType.TOMBSTONE, target_seq=late, ground="withdrawn")
        == "message.too_late"
    )
    # Whatever is too late by now: a repeat of what was accepted gets the first answer.
    again = await talk.say(
        PLAINTIFF, EventType.TOMBSTONE, client_id="client-gone", target_seq=seq, ground="withdrawn"
    )
    assert again == act + 1
    # The court may hide even an act in the suit; its words stay in the file.
    await talk.say(JUDGE, EventType.TOMBSTONE, target_seq=act, ground="other", reason="应当事人申请")
    kinds = await talk.acts()
    assert (kinds.count("message.withdrawn"), kinds.count("message.withheld")) == (1, 1)


async def test_litigation_act__is_an_act_of_its_own__of_a_side_before_everyone(talk: Talk) -> None:
    words = "我方承认欠款事实。"
    confirmed = {"text": words, "label": "litigation_act", "text_sha256": text_sha256(words)}
    await talk.say(PLAINTIFF, EventType.TEXT, **confirmed)
    async with talk.units.read() as unit:
        acts = await unit.acts.after(talk.filed.id, 0, 100)
    stated = next(act for act in acts if act.kind == "litigation.stated")
    assert stated.payload["text_sha256"] == text_sha256(words)
    assert await talk.refused(JUDGE, EventType.TEXT, **confirmed) == "message.label_not_here"
    wrong = await talk.refused(PLAINTIFF, EventType.TEXT, **{**confirmed, "text": words + "！"})
    assert wrong == "message.not_confirmed"


async def test_quote__across_lanes_or_beyond_ones_sight__is_refused(
    talk: Talk, units: SqlUnits, filed: Case
) -> None:
    bench = await lane_of(units, filed, LaneKind.BENCH)
    early = "先前的话"
    async with units.write() as unit:
        private = await unit.space.open_private_lane(
            filed.id, LaneKind.MEDIATION, slot="1", title="调解", now=NOW
        )
        await unit.space.let_in(private.id, LanePerson(PLAINTIFF), now=NOW)
    mediation = Talk(units, talk.space, talk.clock, filed, private.id)
    first = await mediation.say(PLAINTIFF, text=early)
    async with units.write() as unit:
        await unit.space.let_in(private.id, LanePerson(DEFENDANT, from_seq=first + 1), now=NOW)
    with pytest.raises(Invalid, match="quote"):
        await talk.say(JUDGE, text="合议内容", reply_to={"lane": bench, "seq": 1})
    refused = await mediation.refused(
        DEFENDANT, EventType.TEXT, text="引", reply_to={"lane": private.id, "seq": first}
    )
    assert refused == "message.target", "what one may not read can't be quoted"
    await mediation.say(PLAINTIFF, text="如前所述", reply_to={"lane": private.id, "seq": first})
    assert early not in str(await mediation.shown(DEFENDANT)), "nor is it read in somebody's quotation"


async def test_mention__of_who_reads_the_lane_and_stands_in_the_text__is_kept_and_told_once(
    talk: Talk, units: SqlUnits, filed: Case, tmp_path: Any
) -> None:
    async with units.read() as unit:
        stored = await unit.cases.get(filed.id)
    assert stored is not None
    name = {member.person_id: member.name for member in stored.members()}
    first = await talk.say(PLAINTIFF, text=f"@{name[CLERK]} 请查收", mentions=[CLERK])
    second = await talk.say(PLAINTIFF, text=f"@{name[CLERK]} 收到了吗", mentions=[CLERK])
    assert (
        await talk.refused(PLAINTIFF, EventType.TEXT, text="没有名字", mentions=[CLERK]) == "message.mention"
    )
    own = f"@{name[PLAINTIFF]}"
    assert await talk.refused(PLAINTIFF, EventType.TEXT, text=own, mentions=[PLAINTIFF]) == "message.mention"
    stranger = await talk.refused(PLAINTIFF, EventType.TEXT, text="@某人", mentions=["per_stranger"])
    assert stranger == "message.mention"
    bench = Talk(units, talk.space, talk.clock, filed, await lane_of(units, filed, LaneKind.BENCH))
    outside = await bench.refused(JUDGE, EventType.TEXT, text=f"@{name[AGENT]}", mentions=[AGENT])
    assert outside == "message.mention"
    async with units.read() as unit:
        assert await unit.messages.unread_mentions(CLERK, [talk.lane]) == {talk.lane: [first, second]}
    await talk.space.note_receipt(actor(CLERK, Role.CLERK), talk.lane, delivered_seq=None, read_seq=first)
    async with units.read() as unit:
        assert await unit.messages.unread_mentions(CLERK, [talk.lane]) == {talk.lane: [second]}
    notices = MentionNotices(
        units, FolderVault(tmp_path / "keys"), talk.clock, profile(), lambda: "https://court", after_s=120
    )
    assert await notices.tell_due() == 0
    talk.clock.move(121)
    assert await notices.tell_due() == 2
    assert await notices.tell_due() == 0


async def test_file__posted_and_taken_down__is_seen_no_more_and_not_posted_twice(
    talk: Talk, units: SqlUnits, filed: Case
) -> None:
    async with units.write() as unit:
        for number, state in ((1, AttachmentState.READY), (2, AttachmentState.CHECKING)):
            await unit.attachments.add(_voice(number, state, filed))
    file = AttachmentId("att_1")
    seq = await talk.say(PLAINTIFF, EventType.AUDIO, attachment_id=file, duration_ms=1, name="谎言.exe")
    body = (await talk.shown())[seq]["body"]
    assert (body["duration_ms"], body["name"], len(body["waveform"])) == (1200, "录音1.webm", 64)
    assert await talk.refused(PLAINTIFF, EventType.AUDIO, attachment_id=file) == "message.file_posted"
    assert await talk.refused(PLAINTIFF, EventType.IMAGE, attachment_id=file) == "message.image"
    assert await talk.refused(DEFENDANT, EventType.AUDIO, attachment_id=file) == "message.file"
    assert await talk.refused(PLAINTIFF, EventType.AUDIO, attachment_id="att_2") == "message.file_not_ready"
    async with units.read() as unit:
        assert [lane.id for lane, _ in await unit.space.uses(file)] == [talk.lane]
    await talk.say(PLAINTIFF, EventType.TOMBSTONE, target_seq=seq, ground="withdrawn")
    async with units.read() as unit:
        assert await unit.space.uses(file) == []
        assert await unit.messages.lanes_withholding(file) == [talk.lane]
    with pytest.raises(Conflict):
        await talk.say(PLAINTIFF, EventType.AUDIO, attachment_id=file)


def _voice(number: int, state: AttachmentState, filed: Case) -> Attachment:
    return Attachment(
        id=AttachmentId(f"att_{number}"), case_id=filed.id, uploader_id=PLAINTIFF, sha256=f"{number}" * 64,
        preview_sha256="", media_type="audio/webm", size_bytes=900, width=0, height=0,
        name=f"录音{number}.webm", uploaded_at=NOW, kind=AttachmentKind.AUDIO, state=state,
        duration_ms=1200, waveform=(10,) * 64,
    )  # fmt: skip
